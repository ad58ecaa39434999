"""The curriculum: draws tasks stage by stage, and moves on, or back, as the held-out targets tell.

Shapes: n tasks, N probes, P parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from myna.audio.target import Target
from myna.envs.draws import PresetDraws
from myna.envs.progress import Outcomes, Progress
from myna.envs.sampling import Plan, Retrieve, TaskSampler
from myna.envs.stages import CurriculumConfig, Stage, load_stages
from myna.envs.target_sounds import TargetSource
from myna.envs.task import TaskBatch
from myna.errors import UsageError
from myna.features import TRAINING, FeatureConfig
from myna.seeding import generator as seeded
from myna.synth.renderer import Renderer

__all__ = ["Curriculum", "Outcomes"]


class Curriculum:
    """Draws tasks and follows how well they go.

    Args:
        config: the stages.
        renderer: of the synth; its device is that of the tasks.
        features: what targets are analysed with.
        mode: action mode, `all` or `module`: which horizon counts.
        retrieve: `retrieve(features, probe, count) -> u (k, P)` gives up to `count` presets of a bank that sound like
            the target, nearest first; features have the leading shape (1,), probe is the first of the task. Without it,
            the other kinds of start share what is meant for retrieved ones. A vector environment calls it from a thread
            of its own.
        recordings: targets that stages with a share of `recordings` draw from.
        stage: number of the first one that is trained, from 1.
        keep_audio: fill `TaskBatch.target_audio`.

    Attributes:
        config: the stages.
        renderer: of the synth.
        progress: the current stage, and what may change it.

    Raises:
        UsageError: an unknown mode or stage, a stage that starts from nothing but a bank that is not there, or a
            recording of another sample rate.

    Example:
        >>> # curriculum = Curriculum.from_file(overrides={"defaults": {"bound": 0.1}})
        >>> # tasks = curriculum.sample(64, generator(seed, "train"))
        >>> # curriculum.update(Outcomes(tasks.stage, best_losses))
        >>> # judged = curriculum.held_out()
        >>> # curriculum.update(Outcomes(judged.stage, their_best_losses, held_out=True))
    """

    def __init__(
        self,
        config: CurriculumConfig,
        renderer: Renderer,
        *,
        features: FeatureConfig = TRAINING,
        mode: str = "all",
        retrieve: Retrieve | None = None,
        recordings: Sequence[Target] = (),
        stage: int = 1,
        keep_audio: bool = False,
    ) -> None:
        """See the class."""
        self.config = config
        self.renderer = renderer
        for one in config.stages:
            if mode not in one.horizon:
                raise UsageError(f"The action mode must be one of {', '.join(one.horizon)}; got {mode!r}.")
            if retrieve is None and one.starts["retrieved"] == 1.0:
                raise UsageError(f"Stage '{one.name}' starts from retrieved presets alone: give `retrieve` a bank.")
        draws = PresetDraws(renderer.table, config.stages)
        source = TargetSource(config, renderer, draws, features, recordings, keep_audio)
        self._sampler = TaskSampler(source, draws, mode, retrieve)
        self._held_out: dict[int, TaskBatch] = {}
        self.progress = Progress(config.stages, self._of(stage).number)

    @classmethod
    def from_file(
        cls,
        path: str | Path | None = None,
        overrides: Mapping[str, Any] | None = None,
        *,
        renderer: Renderer | None = None,
        **settings: Any,
    ) -> Curriculum:
        """The curriculum that a TOML file describes, by default the one that comes with myna.

        Args:
            path: of the file.
            overrides: see `load_stages`.
            renderer: `Renderer()` unless given.
            settings: the other arguments of the class.

        Raises:
            UsageError: see `load_stages` and the class.
        """
        renderer = renderer or Renderer()
        return cls(load_stages(renderer.table, path, overrides), renderer, **settings)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All stages, in order."""
        return self.config.stages

    # Tasks

    def sample(self, n: int, generator: np.random.Generator, stage: int | None = None) -> TaskBatch:
        """Draw n tasks; equal to `sample_each` with n generators spawned from the one.

        Args:
            n: how many, 1 or more.
            generator: of all randomness; it is moved on, so that the next call gives other tasks.
            stage: only this one's, at its full distance; None for the current one with its share of earlier ones.

        Raises:
            UsageError: no such stage, or n below 1.
            MynaError: a target is still silent after many draws.
        """
        return self.sample_each(generator.spawn(n), stage)

    def sample_each(self, generators: Sequence[np.random.Generator], stage: int | None = None) -> TaskBatch:
        """Draw one task from each generator, the same bits whatever the others are; see `sample`."""
        only = None if stage is None else self._of(stage)
        return self._sampler.tasks([self._plan(rng, only) for rng in generators], generators)

    def _plan(self, rng: np.random.Generator, only: Stage | None) -> Plan:
        stage, distance = only or self.current, self.distance
        if only is None and rng.random() < stage.earlier and self.stage > 1:
            stage = self.stages[rng.integers(self.stage - 1)]
        if only or stage is not self.current:
            distance = stage.distance[1]  # the ramp is for the stage that is being learnt
        return Plan(stage, distance, recorded=bool(rng.random() < stage.recordings))

    def held_out(self, stage: int | None = None) -> TaskBatch:
        """The fixed tasks that judge a stage: presets alone, at full distance, drawn from a seed of their own.

        Args:
            stage: whose; None for the current one's and, to notice what is unlearnt, those of the one before.

        Raises:
            UsageError: no such stage.
        """
        if stage is None:
            return TaskBatch.cat([self.held_out(s.number) for s in self.stages[max(0, self.stage - 2) : self.stage]])
        one = self._of(stage)
        if stage not in self._held_out:
            root = seeded(self.config.held_out_seed, "curriculum", "held-out", one.name)
            plan = Plan(one, one.distance[1], recorded=False)
            self._held_out[stage] = self._sampler.tasks([plan] * one.held_out, root.spawn(one.held_out))
        return self._held_out[stage]

    def _of(self, number: int) -> Stage:
        if isinstance(number, bool) or number not in range(1, len(self.stages) + 1):
            raise UsageError(f"There is no stage {number}: choose from 1 to {len(self.stages)}.")
        return self.stages[number - 1]

    # Progress

    @property
    def stage(self) -> int:
        """Number of the current stage, from 1."""
        return self.progress.stage

    @property
    def current(self) -> Stage:
        """The stage that is trained."""
        return self.stages[self.stage - 1]

    @property
    def distance(self) -> float:
        """How far the current stage's near starts are from their targets by now, in [0, 1]."""
        return self.current.distance_after(self.progress.episodes)

    def update(self, outcomes: Outcomes) -> None:
        """Take in how episodes ended; an evaluation on held-out targets may change the stage.

        Raises:
            UsageError: not one loss per stage.
        """
        self.progress.update(outcomes)

    def state_dict(self) -> dict[str, Any]:
        """All that changes, as JSON can hold it: see `Progress.state_dict`; and near starts' `distance`."""
        return {**self.progress.state_dict(), "distance": self.distance}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken.

        Raises:
            UsageError: the state of other stages, or none at all; nothing is changed then.
        """
        self.progress.load_state_dict(state)
