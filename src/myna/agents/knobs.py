"""Which knobs of a preset can be heard at all: search leaves the others alone, and regression learns nothing of them.

Shapes: … leading dimensions, P parameters.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from myna.params import ParameterTable

__all__ = ["audible_knobs"]

_MODULATORS = ("env_2", "env_3", "lfo_1", "lfo_2")
_OSCILLATORS = ("osc_a", "osc_b")
# What an oscillator that is off still lends to the other one's FM.
_LENT = ("table", "position", "octave", "semitone", "fine_cents")


def audible_knobs(table: ParameterTable, u: np.ndarray) -> np.ndarray:
    """Which knobs can change the sound of presets u (…, P) when turned alone, (…, P) bool.

    Silent are the knobs of a module that is off (but for its switch), of a modulator that no slot of the matrix uses,
    of an empty slot (but for its source), and what only several voices or a warp would make heard.
    """
    return _Presets(table, np.asarray(u)).mask


class _Presets:
    """Settings of presets by name, and the mask that rules strike knobs from."""

    def __init__(self, table: ParameterTable, u: np.ndarray) -> None:
        self.table, self.values = table, table.decode(u)
        self.mask = np.ones(u.shape, bool)
        self._modules()
        self._oscillators()
        self._matrix()

    def _is(self, name: str, setting: float | str) -> np.ndarray:
        """Where a knob has that setting (…), a choice by its name; nowhere for a knob that does not exist."""
        if name not in self.table.index:
            return np.zeros(self.mask.shape[:-1], bool)
        value = self.table[name].choices.index(setting) if isinstance(setting, str) else setting
        return np.round(self.values[..., self.table.index[name]]) == value

    def _drop(self, where: np.ndarray, names: Iterable[str]) -> None:
        columns = [self.table.index[name] for name in names if name in self.table.index]
        self.mask[..., columns] &= ~where[..., None]

    def _members(self, module: str) -> list[str]:
        return [name for name in self.table.names if name.startswith(f"{module}.")]

    def _modules(self) -> None:
        for module in self.table.modules:
            self._drop(self._is(f"{module}.on", 0), [name for name in self._members(module) if name != f"{module}.on"])

    def _oscillators(self) -> None:
        for osc in _OSCILLATORS:
            self._drop(self._is(f"{osc}.unison", 1), [f"{osc}.{knob}" for knob in ("detune_cents", "blend", "width")])
            self._drop(self._is(f"{osc}.warp", "none"), [f"{osc}.warp_amount"])
        for osc, other in (_OSCILLATORS, _OSCILLATORS[::-1]):
            lends = self._is(f"{other}.on", 1) & self._is(f"{other}.warp", "fm")
            self.mask[..., [self.table.index[f"{osc}.{knob}"] for knob in _LENT]] |= lends[..., None]

    def _matrix(self) -> None:
        used = {name: np.zeros(self.mask.shape[:-1], bool) for name in _MODULATORS}
        for slot in range(1, 1 + sum(name.startswith("matrix.source_") for name in self.table.names)):
            source, destination, amount = (f"matrix.{knob}_{slot}" for knob in ("source", "destination", "amount"))
            empty, nowhere = self._is(source, "none"), self._is(destination, "none")
            self._drop(empty, (destination, amount))
            self._drop(nowhere, (amount,))
            for name in _MODULATORS:
                used[name] |= self._is(source, name) & ~nowhere
        for name in _MODULATORS:
            self._drop(~used[name], self._members(name))
