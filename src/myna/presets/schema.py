"""The JSON Schema of a preset, generated from the parameter table; `schemas/` keeps it for editors and other tools.

Written again after a change of parameters by

    python -m myna.presets.schema myna.synth.serum_lite.parameters:TABLE
"""

from __future__ import annotations

import json
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from myna.files import write_atomic
from myna.params import Parameter, ParameterTable
from myna.presets.preset import CATEGORIES, FORMAT_VERSION

__all__ = ["main", "schema_for", "schema_path", "schema_text"]


def schema_for(table: ParameterTable) -> dict[str, Any]:
    """The schema (JSON Schema, draft 2020-12) of presets for one synth."""
    text = {"type": "string", "maxLength": 200}
    properties = {
        "format_version": {"const": FORMAT_VERSION},
        "synth": {"const": table.synth},
        "name": {**text, "minLength": 1},
        "author": text,
        "category": {"enum": list(CATEGORIES)},
        "tags": {"type": "array", "maxItems": 32, "items": {**text, "maxLength": 40}},
        "description": {**text, "maxLength": 2000},
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "properties": {p.name: _knob(p) for p in table.parameters},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{table.synth} preset",
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _knob(parameter: Parameter) -> dict[str, Any]:
    about = {"description": f"{parameter.help} ({parameter.unit})" if parameter.unit else parameter.help}
    if parameter.kind == "categorical":
        return {**about, "enum": list(parameter.choices), "default": parameter.to_json(parameter.default)}
    if parameter.kind == "boolean":
        return {**about, "type": "boolean", "default": parameter.to_json(parameter.default)}
    kind = "integer" if parameter.kind == "integer" else "number"
    ends = {"minimum": parameter.low, "maximum": parameter.high, "default": parameter.to_json(parameter.default)}
    return {**about, "type": kind, **ends}


def schema_path(table: ParameterTable) -> Path:
    """Where the schema of a synth's presets is kept."""
    return Path(__file__).parent / "schemas" / f"{table.synth}.json"


def schema_text(table: ParameterTable) -> str:
    """The schema as the file holds it."""
    return json.dumps(schema_for(table), indent=2) + "\n"


def main(tables: Sequence[str]) -> None:
    """Write the schema of each table, given as `module:NAME` (a synth's table lies to the right of this layer)."""
    for name in tables:
        table = pkgutil.resolve_name(name)
        schema_path(table).parent.mkdir(exist_ok=True)
        write_atomic(schema_path(table), schema_text(table))
        print(schema_path(table))


if __name__ == "__main__":
    main(sys.argv[1:] or sys.exit("usage: python -m myna.presets.schema MODULE:TABLE…"))
