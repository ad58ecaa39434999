"""JSON from strangers: one small object of finite numbers and unique names, or one sentence that says why not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from myna.errors import BadPresetError, printable

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_DIGITS", "parse"]

MAX_BYTES = 1 << 20
MAX_DEPTH = 8
MAX_DIGITS = 40


def parse(data: bytes | str, source: str) -> dict[str, Any]:
    """Read one JSON object strictly; `json` alone would take NaN, repeated names and numbers that overflow.

    Args:
        data: the file's content.
        source: what to call it in messages, printable.

    Raises:
        BadPresetError: too large, not UTF-8, nested too deep, not JSON, or holding what JSON should not.
    """
    text = _text(data, source)
    _check_depth(text, source)
    try:
        document = json.loads(
            text,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
            parse_int=_number(int),
            parse_float=_number(float),
        )
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise BadPresetError(f"“{source}” is not JSON: {error.msg} in line {error.lineno}.") from None
    except UnicodeEncodeError:
        raise BadPresetError(f"“{source}” contains half a surrogate pair, which is no character.") from None
    except _RefusedError as error:
        raise BadPresetError(f"“{source}” {error}.") from None
    if not isinstance(document, dict):
        raise BadPresetError(f"“{source}” is not a preset: it must be a JSON object.")
    return document


class _RefusedError(Exception):
    """What the parser's hooks found, to follow the file's name."""


def _text(data: bytes | str, source: str) -> str:
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BYTES:
        raise BadPresetError(f"“{source}” is larger than a preset can be (1 MiB).")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadPresetError(f"“{source}” is not UTF-8 text: save it as plain UTF-8.") from None
    if text.startswith("\ufeff"):
        raise BadPresetError(f"“{source}” begins with a byte order mark: save it as plain UTF-8.")
    return text


def _check_depth(text: str, source: str) -> None:
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
                raise BadPresetError(f"“{source}” is nested deeper than a preset can be ({MAX_DEPTH} levels).")
        elif c in "]}":
            depth -= 1


def _refuse_constant(word: str) -> Any:
    raise _RefusedError(f"contains {printable(word, 40)}, and a preset holds finite numbers only")


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
