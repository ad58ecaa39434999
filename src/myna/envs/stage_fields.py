"""What each field of a curriculum may hold: checks that return the value, or say what it must be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from myna.errors import printable

__all__ = ["FIELDS", "TOP", "BadField", "Check"]

Check = Callable[[Any], Any]
MOST_NOTES = 4


class BadField(Exception):  # noqa: N818 - never leaves the envs package
    """What a field must be and is not; the reader adds where it stands."""


def _number(low: float, high: float, what: str = "a number", above: bool = False) -> Check:
    """A number in [low, high], or above low."""
    span = f"above {low:g} up to {high:g}" if above else f"from {low:g} to {high:g}"

    def check(value: Any) -> float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not low <= value <= high or (above and value == low):
            raise BadField(f"must be {what} {span}; got {_shown(value)}.")
        return float(value)

    return check


def _whole(low: int, high: int) -> Check:
    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise BadField(f"must be a whole number from {low} to {high}; got {_shown(value)}.")
        return value

    return check


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadField(f"must be true or false; got {_shown(value)}.")
    return value


def _list(check: Check, least: int, most: int, what: str) -> Check:
    def check_all(value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)) or not least <= len(value) <= most:
            raise BadField(f"must be {what}; got {_shown(value)}.")
        return [check(one) for one in value]

    return check_all


def _fields(**checks: Check) -> Check:
    """A table that has exactly these fields."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or set(value) != set(checks):
            raise BadField(f"must have the fields {', '.join(checks)}; got {_shown(value)}.")
        result = {}
        for name, inner in checks.items():
            try:
                result[name] = inner(value[name])
            except BadField as error:
                raise BadField(f"has a {name} that {error}") from None
        return result

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadField(f"must hold names; got {_shown(value)}.")
    return value


def _starts(value: Any) -> dict[str, float]:
    shares = _fields(default=_SHARE, near=_SHARE, retrieved=_SHARE)(value)
    if abs(sum(shares.values()) - 1.0) > 1e-6:
        raise BadField(f"must add up to 1; got {sum(shares.values()):g}.")
    return shares


def _distance(value: Any) -> tuple[float, float]:
    first, full = _list(_SHARE, 2, 2, "two numbers, as the stage begins and in full")(value)
    if first > full:
        raise BadField(f"must not fall; got {_shown(value)}.")
    return first, full


def _probe_sets(value: Any) -> list[dict[str, Any]]:
    sets = _list(_PROBE_SET, 1, 256, "a list of 1 to 256 probe sets")(value)
    return [{**played, "notes": tuple(played["notes"])} for played in sets]


def _shown(value: Any) -> str:
    return printable(repr(value), 60)


_SHARE = _number(0.0, 1.0, "a share")
_LOSS = _number(0.0, 100.0, "a loss", above=True)
_STEPS = _whole(1, 100_000)
_PROBE_SET = _fields(
    notes=_list(_number(0, 127, "a MIDI note"), 1, MOST_NOTES, f"a list of 1 to {MOST_NOTES} MIDI notes"),
    velocity=_number(1, 127),
    gate_s=_number(0.001, 30.0, "seconds"),
)

TOP: dict[str, Check] = {
    "total_s": _number(0.1, 30.0, "seconds"),
    "held_out_seed": _whole(0, 2**63 - 1),
    "own_seeds": _switch,
}
"""Fields of the whole curriculum."""

FIELDS: dict[str, Check] = {
    "opens": _list(_text, 0, 1000, "a list of modules and parameters"),
    "musical": _SHARE,
    "starts": _starts,
    "distance": _distance,
    "ramp_episodes": _whole(0, 10**9),
    "probe_sets": _probe_sets,
    "bound": _number(0.0, 1.0, above=True),
    "horizon": _fields(all=_STEPS, module=_STEPS),
    "earlier": _SHARE,
    "recordings": _SHARE,
    "held_out": _whole(1, 100_000),
    "promotion": _fields(below=_LOSS, after=_STEPS),
    "demotion": _fields(above=_LOSS, after=_STEPS),
}
"""Fields of a stage, and of [defaults]."""
