"""Groups made of searches: a drawn target, and all that cold CMA-ES tried on its way there.

Shapes: n rows of a group, P parameters, G goals.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from myna.agents.base import Goal, Watch
from myna.agents.registry import make_agent
from myna.features import Features
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.training.data import SOURCES
from myna.training.drawn import DrawnSounds, draw_probe, hear, stored
from myna.training.groups import Group, Tell, draw_goals

__all__ = ["SearchGroups"]

AGENT = "cma-es"


class SearchGroups:
    """A target, drawn as random rows are, and every preset that a search for it heard, in order.

    The searches run side by side and hear full features with the full loss, as `myna match` does; what they tried is
    then heard again as all rows are.
    """

    kind = "cma"

    def __init__(self, renderer: Renderer, seed: int, stage: int, musical: float, goals: int, renders: int) -> None:
        """See `collect.Settings`."""
        self.rows = 1 + renders
        self._renderer, self._seed, self._goals = renderer, seed, goals
        self._drawn, self._agent = DrawnSounds(renderer, stage, musical), make_agent(AGENT, renderer)

    @property
    def batch(self) -> int:
        """See `Groups`."""
        return max(1, 4096 // self.rows)

    def make(self, numbers: Sequence[int], tell: Tell) -> list[Group]:
        """See `Groups`."""
        rngs = [generator(self._seed, "collect", self.kind, number) for number in numbers]
        probes = [draw_probe(rng) for rng in rngs]
        goals = [_target_first(draw_goals(self.rows, self._goals, rng)) for rng in rngs]
        target_u, target_features = self._drawn(probes, [rng.spawn(1)[0] for rng in rngs])
        tried = self._search(target_u, probes, tell)
        groups = []
        for i, (u, losses) in enumerate(tried):
            features = Features.cat([target_features[i : i + 1], hear(self._renderer, u, [probes[i]] * len(u))])
            source = np.array([SOURCES["target"], *[SOURCES["search"]] * len(u)], np.uint8)
            both = np.concatenate([target_u[i : i + 1], u])
            groups.append(Group(probes[i], both, features, source, np.concatenate([[0.0], losses]), goals[i]))
        return groups

    def _search(self, target_u: np.ndarray, probes: Sequence[Probe], tell: Tell) -> list[tuple[np.ndarray, np.ndarray]]:
        """What was tried for each target, (renders, P) as a row holds it, and the losses (renders,)."""
        audio = self._renderer.render(target_u, [[probe] for probe in probes])[:, 0]
        tried: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in probes]
        watch = Watch(
            progress=lambda renders, budget, loss: tell(renders),
            log=lambda index, u, losses, features: tried[index].append((u, losses)),
        )
        targets = [Goal(sound, probe) for sound, probe in zip(audio, probes, strict=True)]
        self._agent.match(targets, self.rows - 1, generator(self._seed, "collect", self.kind), watch=watch)
        return [
            (stored(np.concatenate(u)), np.concatenate(losses))
            for u, losses in (zip(*own, strict=True) for own in tried)
        ]


def _target_first(goals: np.ndarray) -> np.ndarray:
    """The goals (n, G) with the group's first row, the target, as the first goal of all others."""
    for own in goals[1:]:
        own[own == 0] = own[0]
        own[0] = 0
    return goals
