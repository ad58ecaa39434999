"""The panel of a session: the preset that is played, what it was, and what may not be changed.

No Streamlit here: the pages draw it and call it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from myna.params import ParameterTable
from myna.presets import Preset
from myna.presets.compare import Change, changes
from myna.presets.mix import morph
from myna.render import find_preset
from myna.synth.registry import synth_table

__all__ = ["Panel", "first_preset", "initial_preset"]

FIRST = "Koto Garden"
"""What is on the panel when the app is opened: something to hear, with most of the synth in it."""
STEPS = 100
"""How far back undo goes."""


def initial_preset(synth: str = "serum-lite") -> Preset:
    """The preset of all defaults."""
    table = synth_table(synth)
    return Preset(table.synth, table.to_dict(table.defaults), name="Init")


def first_preset() -> Preset:
    """The preset that a new session begins with."""
    return find_preset(FIRST)


class Panel:
    """One preset at work.

    Args:
        preset: to begin with.
        seed: of randomising.

    Attributes:
        preset: as it is now, every knob named.
        loaded: as it was loaded, to compare with.
        locked: modules that randomising leaves alone.
        draws: how often it was randomised; each draw differs.
    """

    def __init__(self, preset: Preset | None = None, seed: int = 0) -> None:
        """See the class."""
        self.seed = seed
        self.preset = self.loaded = self._whole(preset or initial_preset())
        self.locked: set[str] = set()
        self.draws = 0
        self._past: list[Preset] = []
        self._future: list[Preset] = []

    @property
    def table(self) -> ParameterTable:
        """The knobs of its synth."""
        return synth_table(self.preset.synth)

    @property
    def values(self) -> Mapping[str, Any]:
        """Every knob's value, as a preset writes it."""
        return self.preset.values

    def load(self, preset: Preset) -> None:
        """Take another preset; undo leads back."""
        self.change(preset)
        self.loaded = self.preset

    def change(self, preset: Preset) -> None:
        """Set the whole panel."""
        preset = self._whole(preset)
        if preset != self.preset:
            self._past = [*self._past, self.preset][-STEPS:]
            self._future = []
            self.preset = preset

    def turn(self, settings: Mapping[str, Any]) -> None:
        """Set some knobs.

        Raises:
            UsageError: an unknown knob or a value out of its range.
        """
        self.change(replace(self.preset, values={**self.values, **settings}))

    def undo(self) -> None:
        """One change back."""
        if self._past:
            self._future.append(self.preset)
            self.preset = self._past.pop()

    def redo(self) -> None:
        """One change forward again."""
        if self._future:
            self._past.append(self.preset)
            self.preset = self._future.pop()

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return bool(self._future)

    def open_modules(self, wanted: Iterable[str] | None = None) -> list[str]:
        """The modules that may be drawn anew: those wanted, or all, without the locked ones."""
        return [name for name in (wanted or self.table.modules) if name not in self.locked]

    def differences(self) -> list[Change]:
        """The knobs that are not as they were loaded."""
        if self.loaded.synth != self.preset.synth:
            return []
        before, after = (self.table.from_dict(preset.values) for preset in (self.loaded, self.preset))
        return changes(self.table, before, after)

    def morphed(self, other: Preset, amount: float) -> Preset:
        """The loaded preset, moved a part of the way towards another, 0 to 1."""
        u = morph(self.table, self.loaded.u(self.table), other.u(self.table), amount)
        return replace(self.loaded, values=self.table.to_dict(self.table.decode(np.asarray(u))))

    def _whole(self, preset: Preset) -> Preset:
        """The same with every knob named and checked."""
        table = synth_table(preset.synth)
        return replace(preset, values=table.to_dict(table.from_dict(preset.values)))
