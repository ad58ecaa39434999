"""Groups of presets and of edits of them: what a proxy of the synth must know to say what an edit would do.

A draw and the packaged regression's guess at it are each edited several times, as agents edit: knobs that can be heard
are turned a little, many or few of them, and now and then a choice is changed.

Shapes: n presets, P parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from myna.agents.knobs import audible_knobs
from myna.features import Features
from myna.params import ParameterTable
from myna.seeding import generator
from myna.synth.renderer import Renderer
from myna.training.data import SOURCES
from myna.training.drawn import DrawnSounds, draw_probe, hear, stored
from myna.training.groups import Group, Tell, draw_goals, put_first
from myna.training.guessed import Guesser

__all__ = ["EditedGroups", "edited"]

_FAMILY = 8  # a preset and seven edits of it
_FAMILIES = 8  # half of draws, half of the guesses at them
_STEPS_U = 0.01, 0.15
"""Least and largest spread of what an edit turns its knobs by: from what a polish moves at its end to the reach of the
planner's first box."""
_CHOOSING, _MOST_CHOICES = 0.5, 3


class EditedGroups:
    """Families of a preset and its edits at a drawn probe; the first goal of an edit is the preset that it is of."""

    kind, rows, batch = "edited", _FAMILY * _FAMILIES, 8

    def __init__(self, renderer: Renderer, seed: int, stage: int, musical: float, goals: int) -> None:
        """See `collect.Settings`."""
        self._guess = Guesser(renderer.table)
        self.said = {"stage": stage, "musical": musical, "goals": goals, "weights": self._guess.sha256}
        self._renderer, self._seed, self._goals = renderer, seed, goals
        self._drawn = DrawnSounds(renderer, stage, musical)

    def make(self, numbers: Sequence[int], tell: Tell) -> list[Group]:
        """See `Groups`."""
        rngs = [generator(self._seed, "collect", self.kind, number) for number in numbers]
        probes = [draw_probe(rng) for rng in rngs]
        goals = [draw_goals(self.rows, self._goals, rng) for rng in rngs]
        for own in goals:
            put_first(own, {row: row - row % _FAMILY for row in range(self.rows) if row % _FAMILY})
        half = _FAMILIES // 2
        each = [probe for probe in probes for _ in range(half)]
        drawn_u, drawn = self._drawn(each, [one for rng in rngs for one in rng.spawn(half)])
        guessed_u = self._guess(drawn, each)
        groups = []
        for i, (probe, rng) in enumerate(zip(probes, rngs, strict=True)):
            own = slice(i * half, (i + 1) * half)
            u = self._families(np.concatenate([drawn_u[own], guessed_u[own]]), rng)
            known = np.flatnonzero(np.arange(self.rows) % _FAMILY == 0)[:half]  # the draws were heard before
            source = np.full(self.rows, SOURCES["search"], np.uint8)
            source[known] = SOURCES["drawn"]
            fresh = np.setdiff1d(np.arange(self.rows), known)
            heard = Features.cat([drawn[own], hear(self._renderer, u[fresh], [probe] * len(fresh))])
            order = np.argsort(np.concatenate([known, fresh]))
            groups.append(Group(probe, u, heard[order], source, np.full(self.rows, np.nan), goals[i]))
        tell(len(groups) * self.rows)
        return groups

    def _families(self, presets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Presets (n, P), each followed by its edits, (n · _FAMILY, P)."""
        table = self._renderer.table
        return np.concatenate([np.stack([u, *(edited(table, u, rng) for _ in range(_FAMILY - 1))]) for u in presets])


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
