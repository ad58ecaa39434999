"""Which knobs of a preset can be heard at all: the search leaves the others alone.

Shapes: P parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from myna.params import ParameterTable

__all__ = ["audible_knobs"]

_MODULATORS = ("env_2", "env_3", "lfo_1", "lfo_2")
_OSCILLATORS = ("osc_a", "osc_b")
# What an oscillator that is off still lends to the other one's FM.
_LENT = ("table", "position", "octave", "semitone", "fine_cents")


def audible_knobs(table: ParameterTable, u: np.ndarray) -> np.ndarray:
    """Which knobs can change the sound of preset u (P,) when turned alone, (P,) bool.

    Silent are the knobs of a module that is off (but for its switch), of a modulator that no slot of the matrix uses,
    of an empty slot (but for its source), and what only several voices or a warp would make heard.
    """
    settings = table.to_dict(table.decode(u))
    mask = np.ones(len(table), bool)
    for module in table.modules:
        if settings.get(f"{module}.on", True) is False:
            mask &= ~table.mask([module])
            mask[table.index[f"{module}.on"]] = True
    _drop(mask, table, (name for osc in _OSCILLATORS for name in _unused(settings, osc)))
    for osc, other in (_OSCILLATORS, _OSCILLATORS[::-1]):
        if settings.get(f"{other}.on") is True and settings.get(f"{other}.warp") == "fm":
            mask[[table.index[f"{osc}.{knob}"] for knob in _LENT]] = True
    return mask & _routed(table, settings)


def _unused(settings: dict[str, Any], osc: str) -> list[str]:
    names = []
    if settings.get(f"{osc}.unison") == 1:
        names += [f"{osc}.{knob}" for knob in ("detune_cents", "blend", "width")]
    if settings.get(f"{osc}.warp") == "none":
        names.append(f"{osc}.warp_amount")
    return names


def _routed(table: ParameterTable, settings: dict[str, Any]) -> np.ndarray:
    mask = np.ones(len(table), bool)
    used = set()
    for slot in range(1, 1 + sum(name.startswith("matrix.source_") for name in table.names)):
        source, destination = settings[f"matrix.source_{slot}"], settings[f"matrix.destination_{slot}"]
        if source == "none":
            _drop(mask, table, (f"matrix.destination_{slot}", f"matrix.amount_{slot}"))
        elif destination == "none":
            _drop(mask, table, (f"matrix.amount_{slot}",))
        else:
            used.add(source)
    return mask & ~table.mask(name for name in _MODULATORS if name in table.modules and name not in used)


def _drop(mask: np.ndarray, table: ParameterTable, names: Iterable[str]) -> None:
    for name in names:
        mask[table.index[name]] = False
