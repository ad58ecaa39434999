"""A preset's knobs for a person: by module, with what is in use and what differs from the default.

Units: `u` in [0, 1] is a knob's position; values are shown in their own units.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from myna.params import ParameterTable

__all__ = ["Knob", "Module", "in_words", "knob_name", "module_title", "modules_of"]

TITLES = {
    "osc_a": "Oscillator A",
    "osc_b": "Oscillator B",
    "sub": "Sub oscillator",
    "env_1": "Envelope 1 (amplifier)",
    "env_2": "Envelope 2",
    "env_3": "Envelope 3",
    "eq": "Equaliser",
    "lfo_1": "LFO 1",
    "lfo_2": "LFO 2",
    "matrix": "Modulation matrix",
}
ALWAYS_USED = ("env_1", "master")
UNITS = ("_hz", "_db", "_s", "_cents")


@dataclass(frozen=True)
class Knob:
    """One row: its name, its value and default in words, positions in percent, and whether it was moved."""

    name: str
    value: str
    default: str
    position: float
    default_position: float
    changed: bool
    stepped: bool
    help: str


@dataclass(frozen=True)
class Module:
    """A group of knobs; `used` if it can be heard, `locked` if the search left it alone."""

    name: str
    title: str
    used: bool
    locked: bool
    knobs: tuple[Knob, ...]
    changed: int


def modules_of(table: ParameterTable, values: Mapping[str, Any], locked: Collection[str] = ()) -> list[Module]:
    """Group a preset's values by module, in the table's order.

    Args:
        table: the synth's knobs.
        values: name → JSON value, as in a preset.
        locked: names of modules that were not searched.

    Raises:
        UsageError: a name that the synth does not have, or a value out of range.
    """
    physical = table.from_dict(values)
    shown = table.to_dict(physical)
    used = _used(table, shown)
    modules = []
    for name in table.modules:
        rows = _routes(shown) if name == "matrix" else _rows(table, physical, name)
        title = module_title(name)
        modules.append(Module(name, title, name in used, name in locked, tuple(rows), sum(row.changed for row in rows)))
    return modules


def _rows(table: ParameterTable, physical: np.ndarray, module: str) -> list[Knob]:
    rows = []
    for parameter, value in zip(table.parameters, physical, strict=True):
        if parameter.module == module:
            here, home = (float(parameter.encode(x)) for x in (value, parameter.default))
            rows.append(
                Knob(
                    knob_name(parameter.name),
                    in_words(parameter.describe(value)),
                    in_words(parameter.describe(parameter.default)),
                    100.0 * here,
                    100.0 * home,
                    abs(here - home) > 1e-4,
                    parameter.kind in ("categorical", "boolean"),
                    parameter.help,
                )
            )
    return rows


def _routes(shown: Mapping[str, Any]) -> list[Knob]:
    """One row per matrix slot that carries something, rather than three per slot."""
    rows = []
    for slot, (source, destination, amount) in _slots(shown).items():
        if _carries(source, destination, amount):
            route = f"{in_words(source)} → {in_words(destination.replace('.', ' '))}"
            position = 50.0 + 50.0 * float(amount)
            rows.append(Knob(f"slot {slot}", f"{route}, {amount:+.2f}", "none", position, 50.0, True, False, route))
    return rows


def _slots(shown: Mapping[str, Any]) -> dict[str, tuple[str, str, float]]:
    slots = [m.group(1) for m in (re.fullmatch(r"matrix\.source_(\d+)", name) for name in shown) if m]
    return {
        slot: (
            str(shown[f"matrix.source_{slot}"]),
            str(shown[f"matrix.destination_{slot}"]),
            float(shown[f"matrix.amount_{slot}"]),
        )
        for slot in slots
    }


def _carries(source: str, destination: str, amount: float) -> bool:
    return source != "none" and destination != "none" and abs(amount) > 1e-3


def _used(table: ParameterTable, shown: Mapping[str, Any]) -> set[str]:
    """Modules that can be heard: switched on, or sources of a route that carries something."""
    sources = {slot[0] for slot in _slots(shown).values() if _carries(*slot)}
    used = {"matrix"} if sources else set()
    for module in table.modules:
        switch = shown.get(f"{module}.on")
        modulator = re.fullmatch(r"(env|lfo)_\d+", module) is not None
        heard = module in sources if modulator else module != "matrix"
        if module in ALWAYS_USED or (heard if switch is None else bool(switch)):
            used.add(module)
    return used


def module_title(module: str) -> str:
    """A module's name for a person."""
    return TITLES.get(module, in_words(module).capitalize())


def knob_name(name: str) -> str:
    """A parameter's name for a person, without its module and its unit."""
    knob = name.partition(".")[2]
    for unit in UNITS:
        knob = knob.removesuffix(unit)
    return in_words(knob)


def in_words(name: str) -> str:
    """A name for a person.

    >>> in_words("lfo_1"), in_words("sample_hold")
    ('LFO 1', 'sample hold')
    """
    words = name.replace("_", " ")
    return re.sub(
        r"\b(lfo|osc [ab])\b",
        lambda m: m.group(1).upper() if m.group(1) == "lfo" else m.group(1).title(),
        words,
    )
