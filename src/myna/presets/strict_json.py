"""JSON from strangers: one small object of finite numbers and unique names, or one sentence that says why not."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Callable
from typing import Any

from myna.errors import BadPresetError, MynaError, printable

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_DIGITS", "parse", "read_file"]

MAX_BYTES = 1 << 20
MAX_DEPTH = 8
MAX_DIGITS = 40


def read_file(path: str | os.PathLike[str], what: str = "preset", error: type[MynaError] = BadPresetError) -> bytes:
    """The content of a file, of which no more than `parse` takes is read.

    Args:
        path: the file.
        what: what it should be, for messages.
        error: what to raise.

    Raises:
        MynaError: there is none, or it cannot be read.
    """
    shown = printable(os.fspath(path))
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise error(f"“{shown}” is not a file: give a {what} file.")
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise error(f"There is no {what} file “{shown}”: check the path.") from None
    except (OSError, ValueError) as fault:  # ValueError: a NUL in the path
        reason = getattr(fault, "strerror", None) or str(fault)
        raise error(f"“{shown}” cannot be read ({reason.lower()}).") from None


def parse(
    data: bytes | str, source: str, what: str = "preset", error: type[MynaError] = BadPresetError
) -> dict[str, Any]:
    """Read one JSON object strictly; `json` alone would take NaN, repeated names and numbers that overflow.

    Args:
        data: the file's content.
        source: what to call it in messages, printable.
        what: what it should be, for messages.
        error: what to raise.

    Raises:
        MynaError: too large, not UTF-8, nested too deep, not JSON, or holding what JSON should not.
    """
    try:
        document = _document(_text(data, what), what)
    except json.JSONDecodeError as fault:
        raise error(f"“{source}” is not JSON: {fault.msg} in line {fault.lineno}.") from None
    except _RefusedError as fault:
        raise error(f"“{source}” {fault}.") from None
    if not isinstance(document, dict):
        raise error(f"“{source}” is not a {what}: it must be a JSON object.")
    return document


class _RefusedError(Exception):
    """What was found, to follow the file's name."""


def _document(text: str, what: str) -> Any:
    _check_depth(text, what)
    document = json.loads(
        text,
        parse_constant=_refuse_constant,
        object_pairs_hook=_object,
        parse_int=_number(int),
        parse_float=_number(float),
    )
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _RefusedError("contains half a surrogate pair, which is no character") from None
    return document


def _text(data: bytes | str, what: str) -> str:
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BYTES:
        raise _RefusedError(f"is larger than a {what} can be (1 MiB)")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _RefusedError("is not UTF-8 text: save it as plain UTF-8") from None
    if text.startswith("\ufeff"):
        raise _RefusedError("begins with a byte order mark: save it as plain UTF-8")
    return text


def _check_depth(text: str, what: str) -> None:
    """Refuse deep nesting before the parser, which recurses, meets it."""
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
                raise _RefusedError(f"is nested deeper than a {what} can be ({MAX_DEPTH} levels)")
        elif c in "]}":
            depth -= 1


def _refuse_constant(word: str) -> Any:
    raise _RefusedError(f"contains {printable(word, 40)}: it may hold finite numbers only")


def _number(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(digits: str) -> Any:
        if len(digits) > MAX_DIGITS:
            raise _RefusedError(f"contains a number of {len(digits)} digits, and {MAX_DIGITS} are the most")
        value = convert(digits)
        if not math.isfinite(value):
            _refuse_constant(digits)
        return value if value else convert("0")  # -0.0 is 0.0

    return read


def _object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in items:
        if name in result:
            raise _RefusedError(f"names '{printable(name, 40)}' twice")
        result[name] = value
    return result
