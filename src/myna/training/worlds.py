"""The world of a training: curriculum, recordings, probes and starts, as a configuration describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from myna.agents.regression import load_regression
from myna.audio.target import Target
from myna.envs.action import ActionConfig
from myna.envs.core import Core, CoreConfig, EndConfig
from myna.envs.curriculum import Curriculum
from myna.envs.reward import RewardConfig
from myna.envs.stages import load_stages
from myna.envs.statistics import load_statistics
from myna.envs.summary import summarise
from myna.envs.task import TaskBatch, tasks_from_recordings
from myna.errors import UsageError
from myna.features import Features, one_core
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.training.augmentation import Augmentation, augmented
from myna.training.clocked import ClockedRenderer
from myna.training.recordings import load_recordings

__all__ = ["ProbeConfig", "RecordingsConfig", "World", "WorldConfig", "guesses", "honest", "make_world"]

Span = Any  # a list of values, or a table with low and high


@dataclass(frozen=True)
class ProbeConfig:
    """Notes, velocities and gates that episodes are played with, in every stage; drawn once, each by itself.

    Attributes:
        count: probe sets, 1 to 256; 0 leaves the curriculum its own.
        notes, velocities, gates_s: a list of values, or `{ low, high }`; notes and velocities are whole numbers.
        seed: of the draws; not the run's, so that runs of several seeds are judged alike.
    """

    count: int = 0
    notes: Span = field(default_factory=lambda: {"low": 33, "high": 84})
    velocities: Span = field(default_factory=lambda: {"low": 50, "high": 120})
    gates_s: Span = field(default_factory=lambda: {"low": 0.1, "high": 0.95})
    seed: int = 0

    def sets(self) -> list[dict[str, Any]]:
        """Probe sets of one note each, as a curriculum takes them.

        Raises:
            UsageError: a span that is none.
        """
        rng = generator(self.seed, "train", "probes")
        notes = _drawn("notes", self.notes, self.count, rng).round()
        velocities = _drawn("velocities", self.velocities, self.count, rng).round()
        gates_s = _drawn("gates_s", self.gates_s, self.count, rng)
        return [
            {"notes": [float(note)], "velocity": float(velocity), "gate_s": float(gate_s)}
            for note, velocity, gate_s in zip(notes, velocities, gates_s, strict=True)
        ]


def _drawn(name: str, span: Span, count: int, rng: np.random.Generator) -> np.ndarray:
    if isinstance(span, Mapping) and set(span) == {"low", "high"}:
        low, high = span["low"], span["high"]
        if _number(low) and _number(high) and low <= high:
            return rng.uniform(low, high, count)
    elif isinstance(span, list) and span and all(map(_number, span)):
        return np.asarray(span, np.float64)[rng.integers(len(span), size=count)]
    raise UsageError(f"probes.{name} must be a list of numbers, or a table of low and high; got {span!r}.")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@dataclass(frozen=True)
class RecordingsConfig:
    """Sounds of which no preset is known.

    Attributes:
        folder: of recordings with their index; empty for none. Some instruments are kept apart to judge by.
        share: of the tasks of every stage that aim at one, 0 to 1.
        variants: further targets that are made of them, drawn from the run's seed.
        augmentation: by what, see `Augmentation`.
    """

    folder: str = ""
    share: float = 0.25
    variants: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def targets(self, seed: int) -> list[Target]:
        """Those to train on.

        Raises:
            MynaError: a recording that cannot be used.
        """
        found = load_recordings(self.folder) if self.folder else []
        if not found or not self.variants:
            return found
        return found + augmented(found, self.variants, generator(seed, "train", "recordings"), self.augmentation)


@dataclass(frozen=True)
class WorldConfig:
    """What is played.

    Attributes:
        mode: of actions: `all` or `module`.
        absolute: actions are positions, not steps, see `ActionConfig`.
        stage: of the curriculum that is trained first, from 1.
        promote: move between stages as held-out targets tell; else the stage stays.
        curriculum: laid over the curriculum that comes with myna, key by key.
        probes, recordings: see there.
        regression: weights by name or path: what retrieved starts are made with; empty for none.
        reward: `lambda_` is reached over `lambda_steps`.
        lambda_steps: see `reward`.
        undo_worse: see `CoreConfig`; a policy is then judged by draws, as its likeliest edit would only be tried again.
        patience: see `EndConfig`; without it all episodes of a batch last as long as they may.
    """

    mode: str = "all"
    absolute: bool = False
    stage: int = 1
    promote: bool = True
    curriculum: Mapping[str, Any] = field(default_factory=dict)
    probes: ProbeConfig = field(default_factory=ProbeConfig)
    recordings: RecordingsConfig = field(default_factory=RecordingsConfig)
    regression: str = ""
    reward: RewardConfig = field(default_factory=RewardConfig)
    lambda_steps: int = 0
    undo_worse: bool = False
    patience: float | None = None


@dataclass(frozen=True, eq=False)
class World:
    """Curriculum and cores over one renderer each: `core` trains on one thread, `judge` evaluates on all there are.

    `recordings` are tasks that are kept apart to judge by, None where there are none; `guess` is what retrieved starts
    are made with; `clock` is the renderer of `core`.
    """

    config: WorldConfig
    curriculum: Curriculum
    core: Core
    judge: Core
    recordings: TaskBatch | None
    guess: Any
    clock: ClockedRenderer

    def honest(self, tasks: TaskBatch) -> TaskBatch:
        """See `honest`."""
        return honest(tasks, self.core, self.guess)


def honest(tasks: TaskBatch, core: Core, guess: Any) -> TaskBatch:
    """The same tasks from starts that know nothing of the target but its sound: guesses, or the default preset."""
    table = core.renderer.table
    start = torch.from_numpy(table.encode(table.defaults)).to(tasks.device).repeat(len(tasks), 1)
    if guess is not None:
        rows = range(len(tasks))
        found = [guess(tasks.target[row : row + 1, 0], tasks.probes[row][0], 1)[0] for row in rows]
        start = torch.from_numpy(np.stack(found)).to(tasks.device)
    closed = torch.where(tasks.known[:, None], tasks.target_u, tasks.start_u)
    return replace(tasks, start_u=torch.where(tasks.open, core.decoder.twin.snap(start), closed))


def make_world(config: WorldConfig, device: str, seed: int, threads: int | None = None) -> World:
    """Put a world together.

    Args:
        config: see `WorldConfig`.
        seed: of what is drawn of recordings.
        device: `cpu` or `cuda`.
        threads: that evaluate; None for all there are.

    Raises:
        MynaError: a setting, weights or a recording that cannot be used.
    """
    renderer, wide = ClockedRenderer(device=device, threads=1), Renderer(device=device, threads=threads)
    guess = guesses(config.regression, renderer) if config.regression else None
    targets = config.recordings.targets(seed)
    stages = load_stages(renderer.table, overrides=_overrides(config, renderer))
    curriculum = Curriculum(stages, renderer, mode=config.mode, retrieve=guess, recordings=targets, stage=config.stage)
    ends = EndConfig(patience=config.patience)
    settings = CoreConfig(ActionConfig(config.mode, config.absolute), config.reward, ends, undo_worse=config.undo_worse)
    core = Core(renderer, replace(settings, keep_features=True), stages.notes)
    judge = Core(wide, settings, stages.notes)
    return World(config, curriculum, core, judge, _kept_apart(config, curriculum), guess, renderer)


def _overrides(config: WorldConfig, renderer: Renderer) -> dict[str, Any]:
    own = dict(config.curriculum)
    named = own.get("stages", {})
    if not isinstance(named, Mapping):
        raise UsageError("curriculum.stages must be a table of stages.")
    fields: dict[str, Any] = {"probe_sets": config.probes.sets()} if config.probes.count else {}
    if config.recordings.folder:
        fields["recordings"] = config.recordings.share
    names = [stage.name for stage in load_stages(renderer.table).stages]
    own["stages"] = {name: {**fields, **named.get(name, {})} for name in dict.fromkeys([*names, *named])}
    return own


def _kept_apart(config: WorldConfig, curriculum: Curriculum) -> TaskBatch | None:
    if not config.recordings.folder:
        return None
    stage, renderer = curriculum.stages[-1], curriculum.renderer
    return tasks_from_recordings(
        load_recordings(config.recordings.folder, "validation"),
        renderer.table,
        sample_rate=renderer.sample_rate,
        total_s=curriculum.config.total_s,
        notes=curriculum.config.notes,
        bound=stage.bound,
        horizon=stage.horizon[config.mode],
        keep_audio=True,  # to be listened to
        device=renderer.device,
    )


def guesses(weights: str, renderer: Renderer) -> Any:
    """`Curriculum`'s `retrieve`, by the regression's weights: one preset, its likeliest.

    Raises:
        MynaError: weights that cannot be used.
    """
    net, _ = load_regression(renderer.table, weights)
    statistics = load_statistics()

    @one_core()
    @torch.no_grad()
    def guess(features: Features, probe: Probe, count: int) -> np.ndarray:
        summary = statistics.standardise(summarise(features.to("cpu")))
        played = torch.tensor([[probe.note_midi / 127.0, probe.velocity / 127.0, probe.gate_s / probe.total_s]])
        return net.likeliest(net(summary, played)).numpy()

    return guess
