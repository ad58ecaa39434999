"""Groups of draws and of a regression's guesses at them: where a policy that begins with a guess begins.

Shapes: n rows of a group, P parameters, G goals.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from myna.agents.regression import load_regression
from myna.envs.statistics import load_statistics
from myna.envs.summary import summarise
from myna.features import Features, one_core
from myna.params import ParameterTable
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.training.data import SOURCES
from myna.training.drawn import DrawnSounds, draw_probe, hear, played_of, stored
from myna.training.groups import Group, Tell, draw_goals, put_first

__all__ = ["GuessedGroups", "Guesser"]


class Guesser:
    """A regression, as it guesses at rows; `sha256` of its weights."""

    def __init__(self, table: ParameterTable, weights: str | Path = "regression") -> None:
        """See the class."""
        self._table, self._statistics = table, load_statistics()
        self._net, card = load_regression(table, weights)
        self.sha256 = str(card["sha256"])

    @one_core()
    @torch.no_grad()
    def __call__(self, heard: Features, probes: Sequence[Probe]) -> np.ndarray:
        """Guesses (n, P) at sounds (n,), as rows hold them; one by one, so that no guess depends on the others."""
        summaries = self._statistics.standardise(summarise(heard))
        played = torch.from_numpy(np.stack([played_of(probe) for probe in probes]))
        said = [self._net(*one) for one in zip(summaries.split(1), played.split(1), strict=True)]
        return stored(self._table.snap(np.concatenate([self._net.likeliest(one).numpy() for one in said])))


class GuessedGroups:
    """Draws at a drawn probe, and for each of them the guess; the first goal of a guess is the draw that it is of."""

    kind, rows, batch = "guessed", 64, 8

    def __init__(
        self,
        renderer: Renderer,
        seed: int,
        stage: int,
        musical: float,
        goals: int,
        regression: str | Path = "regression",
    ) -> None:
        """See `collect.Settings`."""
        self._guess = Guesser(renderer.table, regression)
        self.said = {"stage": stage, "musical": musical, "goals": goals, "weights": self._guess.sha256}
        self._renderer, self._seed, self._goals = renderer, seed, goals
        self._drawn = DrawnSounds(renderer, stage, musical)

    def make(self, numbers: Sequence[int], tell: Tell) -> list[Group]:
        """See `Groups`."""
        rngs = [generator(self._seed, "collect", self.kind, number) for number in numbers]
        probes = [draw_probe(rng) for rng in rngs]
        goals = [draw_goals(self.rows, self._goals, rng) for rng in rngs]
        half = self.rows // 2
        for own in goals:
            put_first(own, {half + target: target for target in range(half)})
        each = [probe for probe in probes for _ in range(half)]
        drawn_u, drawn = self._drawn(each, [one for rng in rngs for one in rng.spawn(half)])
        guessed_u = self._guess(drawn, each)
        guessed = hear(self._renderer, guessed_u, each)
        source = np.repeat(np.array([SOURCES["drawn"], SOURCES["search"]], np.uint8), half)
        groups = []
        for i, probe in enumerate(probes):
            own = slice(i * half, (i + 1) * half)
            u, heard = np.concatenate([drawn_u[own], guessed_u[own]]), Features.cat([drawn[own], guessed[own]])
            groups.append(Group(probe, u, heard, source, np.full(self.rows, np.nan), goals[i]))
        tell(len(groups) * self.rows)
        return groups
