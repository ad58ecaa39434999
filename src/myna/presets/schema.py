"""The JSON Schema of a preset, generated from the parameter table."""

from __future__ import annotations

from typing import Any

from myna.params import Parameter, ParameterTable
from myna.presets.preset import CATEGORIES, FORMAT_VERSION

__all__ = ["schema_for"]


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
    description = f"{parameter.help} ({parameter.unit})" if parameter.unit else parameter.help
    if parameter.kind == "categorical":
        return {"description": description, "enum": list(parameter.choices)}
    if parameter.kind == "boolean":
        return {"description": description, "type": "boolean"}
    kind = "integer" if parameter.kind == "integer" else "number"
    return {"description": description, "type": kind, "minimum": parameter.low, "maximum": parameter.high}
