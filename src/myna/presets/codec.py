"""Presets to and from JSON, strictly: what is not surely a sound preset is refused with one sentence.

In order: size, UTF-8, nesting, parse (no NaN, no duplicate keys, no huge numbers), version (older migrates, newer is refused),
schema, synth, names, ranges. A file may leave parameters out; they take their defaults, as in Vital.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from myna.errors import BadPresetError, IncompatibleVersionError, MynaError
from myna.files import write_atomic
from myna.params import ParameterTable
from myna.presets.preset import FORMAT_VERSION, Preset
from myna.presets.schema import schema_for

__all__ = ["dumps", "load_preset", "loads", "save_preset"]

MAX_BYTES = 1 << 20
MAX_DEPTH = 8
MAX_DIGITS = 40


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
    path = Path(path)
    try:
        if not path.is_file():
            raise BadPresetError(f"There is no preset file '{_shown(path.name)}'.")
        if path.stat().st_size > MAX_BYTES:
            raise BadPresetError(f"'{_shown(path.name)}' is larger than a preset can be (1 MiB).")
        data = path.read_bytes()
    except OSError as error:
        raise BadPresetError(f"'{_shown(path.name)}' cannot be read: {error.strerror}.") from error
    return loads(data, table, source=path.name)


def loads(data: bytes | str, table: ParameterTable, source: str = "preset") -> Preset:
    """Parse a preset; see `load_preset`. `source` names it in messages."""
    source = _shown(source)
    document = _parse(data, source)
    document = _migrate(document, table, source)
    _check_schema(document, table, source)
    try:
        values = table.to_dict(table.from_dict(document["parameters"]))
    except MynaError as error:
        raise BadPresetError(f"'{source}': {error}") from error
    return Preset(
        synth=document["synth"],
        values=values,
        name=document["name"],
        author=document["author"],
        category=document["category"],
        tags=tuple(document["tags"]),
        description=document["description"],
    )


def _shown(name: str) -> str:
    """A name safe to print: control characters and lone surrogates escaped, at most 80 characters."""
    safe = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name)
    return safe if len(safe) <= 80 else safe[:77] + "..."


def _parse(data: bytes | str, source: str) -> dict[str, Any]:
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BYTES:
        raise BadPresetError(f"'{source}' is larger than a preset can be (1 MiB).")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadPresetError(f"'{source}' is not UTF-8 text.") from error
    if text.startswith("\ufeff"):
        raise BadPresetError(f"'{source}' begins with a byte order mark; save it as plain UTF-8.")
    _check_depth(text, source)

    def refuse(word: str) -> Any:
        raise BadPresetError(f"'{source}' contains {word}; a preset holds finite numbers only.")

    def number(convert: Callable[[str], Any]) -> Callable[[str], Any]:
        def parse(digits: str) -> Any:
            if len(digits) > MAX_DIGITS:
                raise BadPresetError(f"'{source}' contains a number of {len(digits)} digits.")
            value = convert(digits)
            if not math.isfinite(value):
                refuse(digits)
            return value + 0 if value else convert("0")  # -0.0 is 0.0

        return parse

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            names = [k for k, _ in items]
            twice = next(k for k in names if names.count(k) > 1)
            raise BadPresetError(f"'{source}' names '{_shown(twice)}' twice.")
        return result

    try:
        document = json.loads(
            text,
            parse_constant=refuse,
            object_pairs_hook=pairs,
            parse_int=number(int),
            parse_float=number(float),
        )
    except json.JSONDecodeError as error:
        raise BadPresetError(f"'{source}' is not JSON: {error.msg} in line {error.lineno}.") from error
    except (RecursionError, ValueError) as error:
        raise BadPresetError(f"'{source}' is not JSON that a preset could hold.") from error
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadPresetError(f"'{source}' contains half a surrogate pair, which is no character.") from error
    if not isinstance(document, dict):
        raise BadPresetError(f"'{source}' is not a preset: it must be a JSON object.")
    return document


def _check_depth(text: str, source: str) -> None:
    depth = 0
    inside = escaped = False
    for c in text:
        if inside:
            inside = escaped or c != '"'
            escaped = c == "\\" and not escaped
        elif c == '"':
            inside = True
        elif c in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise BadPresetError(f"'{source}' is nested deeper than a preset can be.")
        elif c in "]}":
            depth -= 1


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
        raise BadPresetError(f"'{source}' does not say its format_version, a whole number.")
    if version > FORMAT_VERSION:
        raise IncompatibleVersionError(
            f"'{source}' has format version {version}, newer than this myna reads ({FORMAT_VERSION}); update myna."
        )
    while document["format_version"] < FORMAT_VERSION:
        document = MIGRATIONS[document["format_version"]](document, table)
    return document


def _check_schema(document: dict[str, Any], table: ParameterTable, source: str) -> None:
    from jsonschema import Draft202012Validator

    synth = document.get("synth")
    if isinstance(synth, str) and synth != table.synth:
        raise BadPresetError(f"'{source}' is a preset for {_shown(synth)}, not for {table.synth}.")
    parameters = document.get("parameters")
    for name in parameters if isinstance(parameters, dict) else ():
        if name not in table.index:
            try:
                table[_shown(name)]
            except MynaError as error:
                raise BadPresetError(f"'{source}': {error}") from error
    errors = sorted(Draft202012Validator(schema_for(table)).iter_errors(document), key=lambda e: list(map(str, e.path)))
    if errors:
        where = ".".join(str(p) for p in errors[0].path) or "the top level"
        raise BadPresetError(f"'{source}': {_shown(where)}: {_shown(errors[0].message)}.")
