"""SAC in the environment: every cycle all environments step once, while updates run on another thread.

The order is fixed, so that it is deterministic whatever the threads do: a cycle's actions come from the actor as the
updates of the cycles before left it; what the cycle plays comes into the replay after its updates.

Shapes: B environments, S samples of an update.
"""

from __future__ import annotations

import functools
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from myna.agents.foresight import foresight_of
from myna.agents.heads import ActionHeads, Live
from myna.agents.networks import torch_generator
from myna.agents.replay import Batch, Edits, Episodes, Replay, ReplayConfig
from myna.agents.rows import RowView, layout_of
from myna.agents.sac import SAC, SACConfig
from myna.agents.weights import fits, load_weights, parts_of, save_weights
from myna.envs.callbacks import Episode
from myna.envs.core import Transition
from myna.envs.curriculum import Outcomes
from myna.envs.run_logs import curriculum_figures
from myna.envs.state import State
from myna.errors import UsageError, printable
from myna.features import one_core
from myna.training.config import TrainConfig
from myna.training.episodes import EpisodeBatches, ramped
from myna.training.judging import Policy, over_sets, play_out
from myna.training.learner import BrokenError
from myna.training.rollouts import Rollouts
from myna.training.worlds import WorldConfig, make_world

__all__ = ["SACLearner", "SACTraining", "make", "weighted"]

Clock = defaultdict[str, float]
KNOWN = ("presets", "gains", "weighted gains", "both")
_MOST = 4.0
_TURN = 4
"""Between two batches goals, targets and starts are rendered: as long as so many cycles, with as many updates."""


@dataclass(frozen=True)
class HeadTargets:
    """Entropy targets, see `ActionHeads`."""

    entropy_per_delta: float = -1.0
    choice_rate: float = 0.05
    module_rate: float = 0.5
    sharpness: float = 1.0


@dataclass(frozen=True)
class SACTraining:
    """How SAC is trained.

    Attributes:
        world: what is played.
        learner: how it learns.
        heads: entropy targets.
        replay_steps: that the replay holds.
        relabelled: share of samples that aim at a random preset.
        envs: environments side by side, B.
        updates_per_cycle: gradient updates while all environments step once.
        learn_after: steps in the replay before the first update.
        known: which edits the cloning term holds the actor to: `presets`, those towards the preset that made the
            target; `gains`, those of its own that brought it nearer, which recordings have, too; `weighted gains`, the
            more the nearer they brought it, see `weighted`; `both`, presets and weighted gains.
        foresight: weights of a proxy of the synth, by name or path: see `agents.foresight`; empty for none.
        init: weights of an actor to begin with (`cloning` or `sac`), by name or path; empty for new ones.
    """

    world: WorldConfig = field(default_factory=WorldConfig)
    learner: SACConfig = field(default_factory=SACConfig)
    heads: HeadTargets = field(default_factory=HeadTargets)
    replay_steps: int = 300_000
    relabelled: float = 0.5
    envs: int = 64
    updates_per_cycle: int = 2
    learn_after: int = 4_096
    known: str = "presets"
    foresight: str = ""
    init: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: names the setting.
        """
        for name in ("envs", "replay_steps", "learn_after"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be 1 or more; got {getattr(self, name)}.")
        if self.known not in KNOWN:
            raise UsageError(f"known must be {', '.join(KNOWN)}; got '{printable(self.known, 40)}'.")
        if self.updates_per_cycle < 0:
            raise UsageError(f"updates_per_cycle must be 0 or more; got {self.updates_per_cycle}.")
        if self.world.undo_worse and self.relabelled > 0.0:
            raise UsageError("With undo_worse no other goal can judge what was tried: set relabelled to 0.")
        if self.world.absolute and self.foresight:
            raise UsageError("Foresight promises of steps, not of positions: leave out foresight or world.absolute.")


def make(config: TrainConfig) -> SACLearner:
    """The learner of a configuration.

    Raises:
        MynaError: a setting, weights or a recording that cannot be used.
    """
    return SACLearner(config.settings(SACTraining), config.run.steps, config.seed, config.device)


class SACLearner:
    """A `Learner` whose steps are those of the environments.

    Args:
        config: how.
        total: steps of the training.
        seed: of all of it.
        device: `cpu` or `cuda`.
    """

    name = "sac"
    shown: Mapping[str, Episode]

    def __init__(self, config: SACTraining, total: int, seed: int, device: str = "cpu") -> None:
        """See the class."""
        self.config, self.total, self.seed, self.steps_done = config, total, seed, 0
        self.world = make_world(config.world, device, seed)
        core = self.world.core
        self.view = RowView(core.layout, core.decoder)
        heads = ActionHeads.of(core.decoder.layout, **asdict(config.heads))
        layout = layout_of(core.layout)
        foresight = foresight_of(core.renderer.table, layout, heads, config.foresight, device)
        self.sac = SAC(config.learner, layout, heads, seed, device, foresight)
        if config.init:
            self._begin_with(config.init)
        self.batches = EpisodeBatches(core, self.world.curriculum, config.envs, seed)
        self.rollouts, self.shown = Rollouts(), {}
        self.replay = Replay(
            ReplayConfig(self._rows(), 2, config.relabelled),
            self.view.state,
            self.view.action,
            self.view.judged,
            self.view,
            torch_generator(seed, "train", "replay", device=device),
            device,
        )
        # Torch's own threads would fight the renderer's.
        self._beside = ThreadPoolExecutor(1, "updates", functools.partial(torch.set_num_threads, 1))

    @property
    def settings(self) -> SACTraining:
        """See `Learner`."""
        return self.config

    def _rows(self) -> int:
        """Of the ring: an episode of T steps takes T + 1 states and 2 goals."""
        horizon = min(stage.horizon[self.config.world.mode] for stage in self.world.curriculum.stages)
        return self.config.replay_steps * (horizon + 3) // horizon

    def _begin_with(self, weights: str) -> None:
        core = self.world.core
        wanted = fits("any", core.renderer.table, parts_of(core.layout.parts))
        loaded = load_weights(weights, {name: value for name, value in wanted.items() if name != "kind"})
        if bool(loaded.card.get("absolute", False)) != self.config.world.absolute:
            raise UsageError(
                f"The weights '{weights}' are of other actions: set world.absolute as theirs, or leave out init."
            )
        try:
            self.sac.actor.load_state_dict(loaded.tensors)
        except RuntimeError:
            mend = f"set learner.networks as its card says, {loaded.card.get('networks')}"
            raise UsageError(f"The weights '{weights}' are of other networks: {mend}.") from None
        if loaded.card["kind"] == "cloning" and not loaded.card["settings"].get("imagine"):
            self.sac.actor.spread_as_meant()

    # Learning

    @one_core()
    def step(self) -> dict[str, float]:
        """One cycle, or the turn from one batch of episodes to the next."""
        clock: Clock = defaultdict(float)
        if self.batches.over:
            told = self._turn(clock)
        else:
            told = self._cycle(clock)
        return told | self.world.clock.taken() | {f"seconds/{name}": seconds for name, seconds in clock.items()}

    def _cycle(self, clock: Clock) -> dict[str, float]:
        state = self.batches.state
        running = int((~state.ended).sum())
        with _timed(clock, "act"):
            action = self.sac.act(self.world.core.observe(state), self.view.live(state.tasks.open))
        done, told = self._side_by_side(clock, lambda: self.batches.play(action), self.config.updates_per_cycle)
        self.steps_done += running
        return told | self._told(done)

    def _turn(self, clock: Clock) -> dict[str, float]:
        (start, episodes), told = self._side_by_side(clock, self._between, _TURN * self.config.updates_per_cycle)
        with _timed(clock, "store"):
            if episodes is not None:
                self.rollouts.add(self.batches.states[0], self.batches.state, episodes.reward[:, 0].sum(-1))
                told |= self.rollouts.figures() | curriculum_figures(self.world.curriculum.state_dict())
                self.replay.add(episodes)
            self.batches.begin(start)
        return told

    def _between(self) -> tuple[State, Episodes | None]:
        """The next batch's start, and the episodes of the one that is over."""
        if not self.batches.states:
            return self.batches.draw(), None
        self.world.curriculum.update(self.batches.outcomes())
        reward = ramped(self.config.world.reward, self.steps_done, self.config.world.lambda_steps)
        episodes = self.batches.finished(self.batches.random_goals(), reward)
        return self.batches.draw(), episodes

    def _side_by_side(self, clock: Clock, play: Callable[[], Any], updates: int) -> tuple[Any, dict[str, float]]:
        ready = len(self.replay) >= min(self.config.learn_after, self.config.replay_steps)
        learning = self._beside.submit(self._updates, updates if ready else 0)
        try:
            with _timed(clock, "play"):
                played = play()
        finally:
            with _timed(clock, "wait"):
                told = learning.result()
        return played, told

    def _updates(self, count: int) -> dict[str, float]:
        begun, sums, counts = time.perf_counter(), Counter(), Counter()
        for _ in range(count):
            batch = self.replay.sample(self.config.learner.batch)
            if self.config.known != "presets":
                known = batch.reward > 0.0 if self.config.known == "gains" else weighted(batch.reward)
                edits = batch.now.edits if self.config.known == "both" else None
                helped = Edits(batch.action, known, drawn=True)
                batch = batch._replace(now=batch.now._replace(edits=edits, helped=helped))
            told = self.sac.update(batch)
            self._check(told, batch)
            sums.update({name: float(value) for name, value in told.items()})
            counts.update(told.keys())  # not every update has an actor's
        means = {f"train/{name}": value / counts[name] for name, value in sums.items()}
        rate = self.sac.optimisers["actor"].param_groups[0]["lr"]
        done = {"train/n_updates": float(self.sac.updates), "train/learning_rate": float(rate)}
        return means | done | {"seconds/updates_beside": time.perf_counter() - begun}

    def _check(self, told: Mapping[str, torch.Tensor], batch: Batch) -> None:
        gradients = [p.grad for group in (self.sac.actor, self.sac.critics) for p in group.parameters()]
        norm = torch.nn.utils.get_total_norm([g for g in gradients if g is not None])
        bad = [name for name, value in told.items() if not bool(torch.isfinite(value))]
        if not bool(torch.isfinite(norm)):
            bad.append("a gradient")
        if bad:
            update = self.sac.updates
            raise BrokenError(f"In update {update:,} {' and '.join(bad)} ceased to be a number", _flat(batch))

    def _told(self, done: Transition) -> dict[str, float]:
        state = done.state
        parts = {"match/loss": state.loss, "match/best_loss": state.best_loss}
        parts |= {f"match/loss_{name}": term for name, term in state.terms.items()}
        parts |= {f"rollout/reward_{name}": part for name, part in done.info["reward_parts"].items()}
        means = torch.stack([part.double() for part in parts.values()]).mean(1).tolist()  # one copy from the device
        return dict(zip(parts, means, strict=True)) | {"curriculum/stage": float(self.world.curriculum.stage)}

    # Judging

    def evaluate(self) -> dict[str, float]:
        """The curriculum's held-out targets, which may change the stage; and what it is all for.

        `eval/score` is the mean of the median lowest losses, from honest starts, on the last stage's held-out targets
        and on recordings that were kept apart. One of these is shown, too.
        """
        told: dict[str, float] = {}
        curriculum = self.world.curriculum
        if self.config.world.promote:
            tasks = curriculum.held_out()
            played = play_out(self.world.judge, tasks, self._judged())
            for stage in sorted(set(tasks.stage.tolist())):
                told |= played.of(tasks.stage == stage).figures(f"stage_{stage}")
            curriculum.update(Outcomes(tasks.stage, played.best, held_out=True))
            told |= curriculum_figures(curriculum.state_dict())
        sets = {"in": curriculum.held_out(len(curriculum.stages))}
        if self.world.recordings is not None:
            sets["rec"] = self.world.recordings
        for name, tasks in sets.items():
            played = play_out(self.world.judge, self.world.honest(tasks), self._judged())
            told |= played.figures(name) | played.term_figures(name)
            self.shown = played.shown if name == "in" else {**self.shown, "fixed_2": played.shown["fixed_1"]}
        told |= over_sets(told, [*sets])
        return told | {"eval/score": sum(told[f"eval/{name}/best"] for name in sets) / len(sets)}

    def _judged(self) -> Policy:
        """The policy as it is judged: its likeliest edits, or where failures are taken back draws, always the same."""
        actor, rng = self.sac.actor, torch_generator(0, "train", "judge", device=self.sac.device)

        @torch.no_grad()
        def act(observation: torch.Tensor, live: Live) -> dict[str, torch.Tensor]:
            if not self.config.world.undo_worse:
                return actor.best(actor(observation, live))
            return self.sac.draw(observation, live, rng)

        return act

    # Saving

    def state_dict(self) -> dict[str, Any]:
        """See `Learner`."""
        return {
            "steps_done": self.steps_done,
            "sac": self.sac.state_dict(),
            "replay": self.replay.state_dict(),
            "curriculum": self.world.curriculum.state_dict(),
            "batches": self.batches.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Learner`."""
        self.steps_done = int(state["steps_done"])
        self.sac.load_state_dict(state["sac"])
        self.replay.load_state_dict(state["replay"])
        self.world.curriculum.load_state_dict(state["curriculum"])
        self.batches.load_state_dict(state["batches"])

    def save(self, folder: Path) -> None:
        """The actor with its card, `sac.safetensors` and `sac.json`."""
        core, world = self.world.core, self.config.world
        stage = self.world.curriculum.stages[-1]
        card = fits("sac", core.renderer.table, parts_of(core.layout.parts)) | {
            "networks": asdict(self.config.learner.networks),
            "foresight": self.config.foresight,
            "foresight_sha256": self.sac.foresight.sha256 if self.sac.foresight else "",
            "draws": self.config.learner.draws,
            "heads": asdict(self.config.heads),
            "mode": world.mode,
            "absolute": world.absolute,
            "bound": stage.bound,
            "horizon": stage.horizon[world.mode],
            "undo_worse": world.undo_worse,
            "settings": asdict(self.config),
            "seed": self.seed,
            "steps": self.steps_done,
            "updates": self.sac.updates,
            "begun_with": self.config.init,
            "start": world.regression or "default",
        }
        save_weights(folder / self.name, self.sac.actor.state_dict(), card)


def weighted(reward: torch.Tensor) -> torch.Tensor:
    """What edits of these rewards (S,) count as examples: as much as they helped, next to the mean of those that did.

    A draw's likelihood times its reward is the gradient of the expected reward (Williams 1992); counted alike, edits
    teach how to help often, which small ones do best. No edit counts more than `_MOST` of the mean ones, as some
    targets are far louder than others.
    """
    helped = reward.clamp_min(0.0)
    mean = helped.sum() / (helped > 0.0).sum().clamp_min(1)
    return (helped / mean.clamp_min(1e-12)).clamp_max(_MOST)


def _flat(batch: Batch) -> dict[str, torch.Tensor]:
    """What a batch holds, by name."""
    found = {"reward": batch.reward, "terminated": batch.terminated, "truncated": batch.truncated}
    found |= {f"action.{name}": value for name, value in batch.action.items()}
    return found | {"now": batch.now.observation, "after": batch.after.observation}


class _timed:  # noqa: N801 - used like a function
    """Adds the seconds of a block to a counter."""

    def __init__(self, clock: Clock, name: str) -> None:
        self.clock, self.name = clock, name

    def __enter__(self) -> None:
        self.begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.clock[self.name] += time.perf_counter() - self.begun
