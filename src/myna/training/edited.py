"""Groups of presets and of edits of them: what a proxy of the synth must know to say what an edit would do.

A draw and a regression's guess at it, or what it finds likely of a recording, are each edited several times,
as agents edit: knobs that can be heard are turned a little, many or few of them, and now and then a choice is changed.

Shapes: n presets of a group, P parameters, M families.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from myna.agents.knobs import audible_knobs
from myna.agents.regression import Regression
from myna.params import ParameterTable
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.training.data import SOURCES
from myna.training.drawn import DrawnSounds, draw_probe, hear, stored
from myna.training.groups import Group, Tell, draw_goals, put_first
from myna.training.guessed import Guesser
from myna.training.searches import Variants

__all__ = ["EditedGroups", "edited"]

_FAMILY = 8  # a preset and seven edits of it
_FAMILIES = 8
_STEPS_U = 0.01, 0.15
"""Least and largest spread of what an edit turns its knobs by: from what a polish moves at its end to the reach of the
planner's first box."""
_CHOOSING, _MOST_CHOICES = 0.5, 3


class EditedGroups:
    """Families of a preset and its edits at one probe; the first goal of an edit is the preset that it is of."""

    kind, rows, batch = "edited", _FAMILY * _FAMILIES, 8

    def __init__(
        self,
        renderer: Renderer,
        seed: int,
        stage: int,
        musical: float,
        goals: int,
        recordings: str = "",
        regression: str | Path = "regression",
    ) -> None:
        """See `collect.Settings`; `recordings` in place of draws."""
        if recordings:
            self._edited = _Likely(renderer, recordings, regression)
        else:
            self._edited = _DrawnAndGuessed(renderer, stage, musical, regression)
        self.said: dict[str, Any] = {**self._edited.said, "goals": goals}
        self._renderer, self._seed, self._goals = renderer, seed, goals

    def make(self, numbers: Sequence[int], tell: Tell) -> list[Group]:
        """See `Groups`."""
        rngs = [generator(self._seed, "collect", self.kind, number) for number in numbers]
        groups = []
        for (probe, presets), rng in zip(self._edited(rngs), rngs, strict=True):
            goals = draw_goals(self.rows, self._goals, rng)
            put_first(goals, {row: row - row % _FAMILY for row in range(self.rows) if row % _FAMILY})
            u = self._families(presets, rng)
            source = np.full(self.rows, SOURCES["search"], np.uint8)
            source[: _FAMILY * self._edited.drawn : _FAMILY] = SOURCES["drawn"]
            heard = hear(self._renderer, u, [probe] * len(u))
            groups.append(Group(probe, u, heard, source, np.full(self.rows, np.nan), goals))
        tell(len(groups) * self.rows)
        return groups

    def _families(self, presets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Presets (M, P), each followed by its edits, (n, P)."""
        table = self._renderer.table
        return np.concatenate([np.stack([u, *(edited(table, u, rng) for _ in range(_FAMILY - 1))]) for u in presets])


class _DrawnAndGuessed:
    """Draws of the curriculum at a drawn probe, and the regression's guess at each."""

    drawn = _FAMILIES // 2

    def __init__(self, renderer: Renderer, stage: int, musical: float, regression: str | Path) -> None:
        self._guess, self._draw = Guesser(renderer.table, regression), DrawnSounds(renderer, stage, musical)
        self.said = {"stage": stage, "musical": musical, "weights": self._guess.sha256}

    def __call__(self, rngs: Sequence[np.random.Generator]) -> list[tuple[Probe, np.ndarray]]:
        """For each generator a probe and presets (M, P), as rows hold them; `drawn` of them, the first, are draws."""
        probes = [draw_probe(rng) for rng in rngs]
        each = [probe for probe in probes for _ in range(self.drawn)]
        u, heard = self._draw(each, [one for rng in rngs for one in rng.spawn(self.drawn)])
        guessed = self._guess(heard, each)
        groups = [slice(i * self.drawn, (i + 1) * self.drawn) for i in range(len(probes))]
        return [(probe, np.concatenate([u[own], guessed[own]])) for probe, own in zip(probes, groups, strict=True)]


class _Likely:
    """Of a variant of a recording, as it was played: what the regression guesses, and presets that it finds likely."""

    drawn = 0

    def __init__(self, renderer: Renderer, recordings: str, regression: str | Path) -> None:
        self._table, self._guessing = renderer.table, Regression(renderer, regression)
        self._variants = Variants(renderer, recordings)
        self.said = {"weights": str(self._guessing.card["sha256"]), "recordings": self._variants.digest}

    def __call__(self, rngs: Sequence[np.random.Generator]) -> list[tuple[Probe, np.ndarray]]:
        """See `_DrawnAndGuessed`."""
        return [self._group(rng) for rng in rngs]

    def _group(self, rng: np.random.Generator) -> tuple[Probe, np.ndarray]:
        goal = self._variants.draw(rng)
        guess = self._guessing.guess(self._guessing.ear.aim(goal.audio, goal.probe))
        likely = self._guessing.drawn(guess, _FAMILIES - 1, rng)
        u = np.concatenate([self._guessing.net.likeliest(guess).numpy(), likely])
        return goal.probe, stored(self._table.snap(u))


def edited(table: ParameterTable, u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Preset u (P,) with some of the knobs that can be heard turned, and in half of the cases choices changed, (P,).

    One to all of the ordered knobs are turned, by a spread from 0.01 to 0.15 of their ranges, so that small and large
    edits, of one knob and of all, are alike frequent; one to three choices take another option.
    """
    audible = audible_knobs(table, u)
    after = u.copy()
    knobs = np.flatnonzero(audible & ~table.categorical)
    turned = rng.permutation(knobs)[: max(1, round(len(knobs) ** rng.uniform()))]
    low, high = np.log(_STEPS_U)
    after[turned] += np.exp(rng.uniform(low, high)) * rng.standard_normal(len(turned))
    if rng.uniform() < _CHOOSING:
        choices = np.flatnonzero(audible & table.categorical)
        for choice in rng.permutation(choices)[: int(rng.integers(1, _MOST_CHOICES, endpoint=True))]:
            options = int(table.steps[choice])
            pick = (int(u[choice] * options) + int(rng.integers(1, options))) % options
            after[choice] = (pick + 0.5) / options
    return stored(table.snap(np.clip(after, 0.0, 1.0)))
