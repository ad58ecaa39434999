"""Groups made of searches: all that was tried on the way to a drawn preset's sound, or to a recorded one.

Shapes: n rows of a group, P parameters, G goals.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch

from myna.agents.base import Agent, Goal, Watch
from myna.agents.registry import make_agent
from myna.agents.weights import load_weights, packaged
from myna.audio.collection import INDEX
from myna.envs.task import tasks_from_recordings
from myna.errors import UsageError
from myna.features import Features
from myna.files import sha256_hex
from myna.seeding import generator
from myna.synth.renderer import Renderer
from myna.training.augmentation import augmented
from myna.training.data import SOURCES
from myna.training.drawn import TOTAL_S, DrawnSounds, draw_probe, hear, played_of, probe_of, stored
from myna.training.groups import Group, Tell, draw_goals, put_first
from myna.training.recordings import load_recordings

__all__ = ["RecordedGroups", "SearchGroups", "Variants"]

_AT_ONCE = 1024  # rows that are searched for side by side


class SearchGroups:
    """A target, drawn as random rows are, and every preset that a search for it heard, in order.

    The searches run side by side and hear full features with the full loss, as `myna match` does; what they tried is
    then heard again as all rows are.
    """

    kind = "searched"

    def __init__(
        self, renderer: Renderer, seed: int, stage: int, musical: float, goals: int, agent: str, renders: int
    ) -> None:
        """See `collect.Settings`."""
        self.rows = 1 + renders
        self.said = {"stage": stage, "musical": musical, "goals": goals, "renders": renders, **_agent_said(agent)}
        self._renderer, self._seed, self._goals = renderer, seed, goals
        self._drawn, self._agent = DrawnSounds(renderer, stage, musical), make_agent(agent, renderer)

    @property
    def batch(self) -> int:
        """See `Groups`."""
        return max(1, _AT_ONCE // self.rows)

    def make(self, numbers: Sequence[int], tell: Tell) -> list[Group]:
        """See `Groups`."""
        rngs = [generator(self._seed, "collect", self.kind, number) for number in numbers]
        probes = [draw_probe(rng) for rng in rngs]
        goals = [draw_goals(self.rows, self._goals, rng) for rng in rngs]
        for own in goals:
            put_first(own, dict.fromkeys(range(1, self.rows), 0))
        target_u, target_features = self._drawn(probes, [rng.spawn(1)[0] for rng in rngs])
        audio = self._renderer.render(target_u, [[probe] for probe in probes])[:, 0]
        targets = [Goal(sound, probe) for sound, probe in zip(audio, probes, strict=True)]
        tried = _tried(self._agent, targets, self.rows - 1, generator(self._seed, "collect", self.kind), tell)
        groups = []
        for i, (u, losses) in enumerate(tried):
            features = Features.cat([target_features[i : i + 1], hear(self._renderer, u, [probes[i]] * len(u))])
            source = np.array([SOURCES["target"], *[SOURCES["search"]] * len(u)], np.uint8)
            both = np.concatenate([target_u[i : i + 1], u])
            groups.append(Group(probes[i], both, features, source, np.concatenate([[0.0], losses]), goals[i]))
        return groups


class Variants:
    """Variants of a folder's recordings, as all rows are played: 1 s long, at a probe that a row can hold.

    Attributes:
        digest: SHA-256 of the folder's index, which holds the hashes of its files.
    """

    def __init__(self, renderer: Renderer, folder: str) -> None:
        """Those kept to validate with are left out."""
        self._renderer, self._recordings = renderer, load_recordings(folder)
        self.digest = sha256_hex((Path(folder) / INDEX).read_bytes())

    def draw(self, rng: np.random.Generator) -> Goal:
        """The next one."""
        varied = augmented(self._recordings, 1, rng)
        rate = self._renderer.sample_rate
        task = tasks_from_recordings(varied, self._renderer.table, sample_rate=rate, total_s=TOTAL_S, keep_audio=True)
        sounds = cast(torch.Tensor, task.target_audio)  # kept
        return Goal(sounds[0, 0].numpy(), probe_of(played_of(task.probes[0][0])), task.names[0])


class RecordedGroups:
    """Every preset that an agent heard on its way to a variant of a recording: what sounds like recordings.

    The recording has no preset and so no row: its nearest presets are what is learnt from.
    """

    kind = "recorded"

    def __init__(self, renderer: Renderer, seed: int, goals: int, agent: str, renders: int, folder: str) -> None:
        """See `collect.Settings`."""
        self.rows = renders
        self._variants, self._agent = Variants(renderer, folder), make_agent(agent, renderer)
        self.said = {"goals": goals, "renders": renders, **_agent_said(agent), "recordings": self._variants.digest}
        self._renderer, self._seed, self._goals = renderer, seed, goals

    @property
    def batch(self) -> int:
        """See `Groups`."""
        return max(1, _AT_ONCE // self.rows)

    def make(self, numbers: Sequence[int], tell: Tell) -> list[Group]:
        """See `Groups`."""
        rngs = [generator(self._seed, "collect", self.kind, number) for number in numbers]
        goals = [draw_goals(self.rows, self._goals, rng) for rng in rngs]
        targets = [self._variants.draw(rng) for rng in rngs]
        tried = _tried(self._agent, targets, self.rows, generator(self._seed, "collect", self.kind), tell)
        source = np.full(self.rows, SOURCES["search"], np.uint8)
        return [
            Group(target.probe, u, hear(self._renderer, u, [target.probe] * len(u)), source, losses, own)
            for target, (u, losses), own in zip(targets, tried, goals, strict=True)
        ]


def _agent_said(agent: str) -> dict[str, str]:
    """The agent, and the weights that it may have."""
    return {"agent": agent, **{f"weights of {name}": str(load_weights(name).card["sha256"]) for name in packaged()}}


def _tried(
    agent: Agent, targets: Sequence[Goal], renders: int, rng: np.random.Generator, tell: Tell
) -> list[tuple[np.ndarray, np.ndarray]]:
    """What was tried for each target, (renders, P) as a row holds it, and the losses (renders,)."""
    tried: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in targets]
    watch = Watch(
        progress=lambda renders, budget, loss: tell(renders),
        log=lambda index, u, losses, features: tried[index].append((u, losses)),
    )
    matches = agent.match(targets, renders, rng, watch=watch)
    if (least := min(match.renders for match in matches)) < renders:
        raise UsageError(f"This agent ends after {least} renders: ask for no more, or name one that goes on.")
    return [
        (stored(np.concatenate(u)), np.concatenate(losses)) for u, losses in (zip(*own, strict=True) for own in tried)
    ]
