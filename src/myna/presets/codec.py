"""Presets to and from JSON, strictly: what is not surely a sound preset is refused with one sentence.

In order: size, UTF-8, nesting, parse (no NaN, no duplicate keys, no huge numbers), version (older migrates, newer is
refused), synth, names and ranges, schema. A file may leave parameters out; they take their defaults, as in Vital.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

from myna.errors import BadPresetError, IncompatibleVersionError, UsageError, printable
from myna.files import write_atomic
from myna.params import ParameterTable
from myna.presets.preset import FORMAT_VERSION, Preset
from myna.presets.strict_json import parse, read_file

__all__ = ["dumps", "load_preset", "loads", "save_preset"]


def dumps(preset: Preset) -> str:
    """The preset as JSON text; numbers keep all their digits, so that loading gives the same bits."""
    document = {
        "format_version": preset.format_version,
        "synth": preset.synth,
        "name": preset.name,
        "author": preset.author,
        "category": preset.category,
        "tags": list(preset.tags),
        "description": preset.description,
        "parameters": dict(preset.values),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def save_preset(preset: Preset, path: str | Path) -> None:
    """Write a preset file, whole or not at all."""
    write_atomic(path, dumps(preset))


def load_preset(path: str | Path, table: ParameterTable) -> Preset:
    """Read a preset file for the synth of `table`.

    Raises:
        BadPresetError: the file cannot be read or is not a sound preset.
        IncompatibleVersionError: it was written by a newer myna.
    """
    return loads(read_file(path), table, source=os.fspath(path))


def loads(data: bytes | str, table: ParameterTable, source: str = "preset") -> Preset:
    """Parse a preset; see `load_preset`. `source` names it in messages."""
    source = printable(source)
    document = _migrate(parse(data, source), table, source)
    _check_synth(document, table, source)
    try:
        values = table.from_dict(document["parameters"])
    except UsageError as error:
        raise BadPresetError(f"“{source}”: {error}") from None
    _check_schema(document, table, source)
    return Preset(
        synth=document["synth"],
        values=table.to_dict(values),
        name=document["name"],
        author=document["author"],
        category=document["category"],
        tags=tuple(document["tags"]),
        description=document["description"],
    )


def _from_version_0(document: dict[str, Any], table: ParameterTable) -> dict[str, Any]:
    """Version 0 stored choices by index and had no tags."""
    values = document.get("parameters")
    values = dict(values) if isinstance(values, dict) else {}
    for name, value in values.items():
        if name in table.index and isinstance(value, int) and not isinstance(value, bool):
            choices = table[name].choices
            if choices and 0 <= value < len(choices):
                values[name] = choices[value]
    return {"tags": [], **document, "parameters": values, "format_version": 1}


MIGRATIONS = {0: _from_version_0}


def _migrate(document: dict[str, Any], table: ParameterTable, source: str) -> dict[str, Any]:
    version = document.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        raise BadPresetError(f"“{source}” does not say its format_version, a whole number.")
    if version > FORMAT_VERSION:
        raise IncompatibleVersionError(
            f"“{source}” has format version {version}, newer than this myna reads ({FORMAT_VERSION}): update myna."
        )
    while document["format_version"] < FORMAT_VERSION:
        document = MIGRATIONS[document["format_version"]](document, table)
    return document


def _check_synth(document: dict[str, Any], table: ParameterTable, source: str) -> None:
    synth = document.get("synth")
    if isinstance(synth, str) and synth != table.synth:
        raise BadPresetError(f"“{source}” is a preset for {printable(synth, 40)}, not for {table.synth}.")
    if not isinstance(document.get("parameters"), dict):
        raise BadPresetError(f"“{source}” has no parameters: they must be a JSON object of names and values.")


@functools.cache
def _validator(table: ParameterTable) -> Any:
    from jsonschema import Draft202012Validator  # late: importing it takes a tenth of a second

    from myna.presets.schema import schema_for

    return Draft202012Validator(schema_for(table))


def _check_schema(document: dict[str, Any], table: ParameterTable, source: str) -> None:
    error = next(_validator(table).iter_errors(document), None)
    if error is not None:
        where = ".".join(str(part) for part in error.path) or "the file"
        raise BadPresetError(f"“{source}”: in {printable(where, 60)}, {printable(error.message, 160)}.")
