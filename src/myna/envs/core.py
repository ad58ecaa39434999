"""The environment itself: batched, on any device, and without a state of its own.

Shapes: B environments, N probes, C channels, T samples, P parameters, A entries of a flat action, D of an observation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch

from myna.envs.action import ActionConfig, ActionDecoder
from myna.envs.judge import Judge, Judged
from myna.envs.noise_floor import success_loss
from myna.envs.observation import ObservationLayout, observe, played
from myna.envs.oracle import Journey
from myna.envs.reward import RewardConfig, Step, measured, reward_parts
from myna.envs.state import State, put_rows
from myna.envs.task import TaskBatch
from myna.errors import UsageError
from myna.features import Features, analyse, each_item, one_core
from myna.loss import TRAINING_LOSS, Heard, LossConfig
from myna.synth.renderer import Renderer

__all__ = ["Core", "CoreConfig", "EndConfig", "Transition"]

_CPU_CHUNK_S = 64.0  # seconds of sound that are heard at once: more would not stay in the caches
_DEVICE_CHUNK = 512  # sounds, where the device is no CPU


@dataclass(frozen=True)
class EndConfig:
    """When an episode ends before its horizon.

    Attributes:
        success_loss: at most this is success, and terminates; by default the measured noise floor, see `noise_floor`.
        patience: share of the horizon, above 0, without a new best preset after which the episode is truncated; None
            for no such rule.

    Raises:
        UsageError: a value out of range.
    """

    success_loss: float = field(default_factory=success_loss)
    patience: float | None = 0.5

    def __post_init__(self) -> None:
        """See the class."""
        if not 0.0 <= self.success_loss < math.inf:
            raise UsageError(f"success_loss must be a number of 0 or more; got {self.success_loss!r}.")
        if self.patience is not None and not 0.0 < self.patience < math.inf:
            raise UsageError(f"patience must be a share of the horizon above 0, or None; got {self.patience!r}.")


@dataclass(frozen=True)
class CoreConfig:
    """How presets are edited, what is heard, what is rewarded, and when it ends.

    With `undo_worse` a step that made it worse is taken back: the episode goes on from its best preset, the improvement
    counts as 0, and the observation tells of the move that failed; the trail keeps what was tried.
    With `keep_features` states keep the features of their sounds, to be compared with other goals than their own.
    """

    action: ActionConfig = field(default_factory=ActionConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    ends: EndConfig = field(default_factory=EndConfig)
    loss: LossConfig = TRAINING_LOSS
    undo_worse: bool = False
    keep_features: bool = False


class Transition(NamedTuple):
    """What a step gives.

    Attributes:
        state: after it; an episode that has ended waits there to be replaced.
        reward: (B,) float64, the sum of its parts; 0 where the episode had ended before.
        terminated: (B,) bool, for good: the target was reached, or the sound broke.
        truncated: (B,) bool, cut off: at the horizon, or after steps without a new best.
        info: `reward_parts` (name → (B,)), and `is_success`, `broken`, `stagnated`, (B,) bool.
    """

    state: State
    reward: torch.Tensor
    terminated: torch.Tensor
    truncated: torch.Tensor
    info: dict[str, Any]


class _Heard(NamedTuple):
    """What was heard of some rows: summary (n, N, D), loss (n,), its terms, and whether it is broken (n,)."""

    summary: torch.Tensor
    loss: torch.Tensor
    terms: Mapping[str, torch.Tensor]
    broken: torch.Tensor
    features: Features | None


class Core:
    """Plays episodes.

    Args:
        renderer: of the synth; its device is that of states and tasks.
        config: see `CoreConfig`.
        probes: notes per task, N.

    Attributes:
        decoder: of actions.
        layout: of observations.

    Example:
        >>> # core = Core(renderer)
        >>> # state = core.reset(curriculum.sample(64, generator(0, "train")))
        >>> # state, reward, terminated, truncated, info = core.step(state, torch.zeros(64, core.decoder.layout.size))
        >>> # core.observe(state)  → (64, D) float32
    """

    def __init__(self, renderer: Renderer, config: CoreConfig | None = None, probes: int = 1) -> None:
        """See the class."""
        self.renderer = renderer
        self.config = config or CoreConfig()
        self.device = torch.device(renderer.device)
        self.decoder = ActionDecoder(renderer.table, self.config.action, self.device)
        self._judge = Judge(self.config.loss, self.device)
        self.layout = ObservationLayout(renderer.table, self._judge.names, probes)

    @one_core()  # tensors this small are not worth torch's threads, which wait by spinning
    def reset(self, tasks: TaskBatch) -> State:
        """Begin episodes: render and hear the start presets.

        Args:
            tasks: B of them, with the number of probes that the core was made for.

        Raises:
            UsageError: another number of probes, or targets of another length or features than the renderer's sounds.
        """
        if tasks.target.shape[1] != self.layout.probes:
            raise UsageError(f"The tasks have {tasks.target.shape[1]} probes; this core plays {self.layout.probes}.")
        goal = Heard(tasks.target).derived()
        heard = self._hear(tasks, tasks.start_u, goal)
        count = len(tasks)
        nothing = torch.zeros(count, dtype=torch.int64, device=self.device)
        never = torch.zeros(count, dtype=torch.bool, device=self.device)
        return State(
            tasks=tasks,
            u=tasks.start_u,
            raw_u=tasks.start_u,
            summary=heard.summary,
            goal=goal,
            target_summary=self._judge.summary(tasks.target),
            played=played(tasks),
            loss=heard.loss,
            terms=heard.terms,
            step=nothing,
            moved=torch.zeros_like(tasks.start_u),
            best_loss=heard.loss,
            best_u=tasks.start_u,
            best_step=nothing,
            broken=heard.broken,
            terminated=never,
            truncated=never,
            idle=nothing,
            trail_u=(tasks.start_u,),
            trail_loss=(heard.loss,),
            features=heard.features,
        )

    @one_core()
    @torch.no_grad()  # an actor's action may carry a graph, which must not live on in the states
    def step(self, state: State, action: Any) -> Transition:
        """Apply one action to each running episode; one that has ended stays as it is, with reward 0.

        Args:
            state: it is not changed.
            action: flat (B, A), or heads; see `ActionDecoder.apply`.

        Raises:
            UsageError: an action of a wrong shape, or not finite.
        """
        running = ~state.ended
        move = self.decoder.apply(state.raw_u, state.u, action, state.tasks.open & running[:, None], state.tasks.bound)
        heard = self._listen(state, move.u, running) if running.any() else state
        after = replace(heard, u=move.u, raw_u=move.raw_u, moved=torch.where(running[:, None], move.moved, state.moved))
        after, new_best = self._keep_books(after, running)
        success = running & (after.loss <= self.config.ends.success_loss) & ~after.broken
        stagnated = running & self._stagnated(after)
        terminated = state.terminated | success | (running & after.broken)
        truncated = (state.truncated | stagnated | (after.step >= after.tasks.horizon)) & ~terminated
        after = replace(after, terminated=terminated, truncated=truncated)
        broken = running & after.broken
        if self.config.undo_worse:
            after = _undone(state, after, running & (after.loss > state.loss) & ~after.broken)
        step = Step(
            self._measured(state), self._measured(after), move.effort(), new_best, success, broken, state.broken
        )
        parts = reward_parts(self.config.reward, step)
        reward = sum(parts.values(), torch.zeros_like(parts["improvement"]))
        info = {"reward_parts": parts, "is_success": success, "broken": step.broken, "stagnated": stagnated & truncated}
        return Transition(after, reward, terminated, truncated, info)

    def _measured(self, state: State) -> torch.Tensor:
        return measured(self.config.reward, self.config.loss.weights, state.loss, state.terms.__getitem__)

    @one_core()
    def observe(self, state: State) -> torch.Tensor:
        """Flat observations, (B, D) float32; `layout.split` gives the `Dict` form."""
        return observe(self.layout, state)

    def journey(self, state: State) -> Journey:
        """What the oracle must know to go on from a state."""
        tasks = state.tasks
        return Journey(state.raw_u, state.u, tasks.target_u, tasks.open, tasks.bound)

    # Hearing

    def _listen(self, state: State, u: torch.Tensor, running: torch.Tensor) -> State:
        """The state with what is heard of presets u (B, P) where episodes are running."""
        if running.all():
            heard = self._hear(state.tasks, u, state.goal, again=True)
            return replace(state, **heard._asdict())
        rows = running.nonzero()[:, 0]
        heard = self._hear(state.tasks[rows], u[rows], state.goal.map(lambda tensor: tensor[rows]), again=True)
        return replace(
            state,
            summary=put_rows(state.summary, rows, heard.summary),
            loss=put_rows(state.loss, rows, heard.loss),
            terms={name: put_rows(term, rows, heard.terms[name]) for name, term in state.terms.items()},
            broken=put_rows(state.broken, rows, heard.broken),
            features=_put_features(state.features, rows, heard.features),
        )

    def _hear(self, tasks: TaskBatch, u: torch.Tensor, goal: Heard, again: bool = False) -> _Heard:
        """Render presets u (n, P) in one call, then analyse and compare them with the goal (n, N) in another."""
        shape = (len(tasks), self.layout.probes)
        audio = self.renderer.render(u, tasks.probes, reuse=True).flatten(0, 1)  # (n N, C, T), until the next step
        features, judged = self._compare(audio, goal.map(lambda tensor: tensor.flatten(0, 1)), again)
        loss, *terms = _mean(judged.parts.reshape(-1, *shape)).unbind()
        broken = ~torch.cat([part.finite for part in features]).reshape(shape).all(1)
        kept = Features.cat(features).reshape(*shape) if self.config.keep_features else None
        by_name = dict(zip(self._judge.names, terms, strict=True))
        return _Heard(judged.summary.reshape(*shape, -1), loss, by_name, broken, kept)

    def _compare(self, audio: torch.Tensor, goal: Heard, again: bool) -> tuple[tuple[Features, ...], Judged]:
        """Features of sounds (n N, C, T), chunk by chunk, and what the judge says of all, by threads at once."""
        size, threads = _DEVICE_CHUNK, 1
        if self.device.type == "cpu":
            threads = self.renderer.threads
            most = max(1, int(_CPU_CHUNK_S * self.renderer.sample_rate / audio.shape[-1]))
            size = min(most, -(-len(audio) // threads))

        def compare(i: int) -> tuple[Features, Judged]:
            part = slice(i * size, (i + 1) * size)
            features = analyse(audio[part], self.renderer.sample_rate, goal.features.config, on_bad="mark").lean()
            return features, self._judge(features, goal.map(lambda tensor: tensor[part]), again)

        features, judged = zip(*each_item(compare, -(-len(audio) // size), threads), strict=True)
        parts, summaries = zip(*judged, strict=True)
        return features, Judged(torch.cat(parts, 1), torch.cat(summaries))

    # Bookkeeping

    def _keep_books(self, state: State, running: torch.Tensor) -> tuple[State, torch.Tensor]:
        """The state one step on, with its best and its trail brought up to date; and which found a new best, (B,)."""
        step, better = state.step + running, state.loss < state.best_loss
        if not running.any():  # nothing is worth a line in the trail
            return state, better
        longest = int(state.tasks.horizon.max()) + 1
        updated = replace(
            state,
            step=step,
            idle=state.idle + ~running,
            best_loss=torch.where(better, state.loss, state.best_loss),
            best_u=torch.where(better[:, None], state.u, state.best_u),
            best_step=torch.where(better, step, state.best_step),
            trail_u=(*state.trail_u, state.u)[-longest:],
            trail_loss=(*state.trail_loss, state.loss)[-longest:],
        )
        return updated, better

    def _stagnated(self, state: State) -> torch.Tensor:
        if self.config.ends.patience is None:
            return torch.zeros_like(state.broken)
        return state.step - state.best_step >= torch.ceil(self.config.ends.patience * state.tasks.horizon)


def _put_features(features: Features | None, rows: torch.Tensor, fresh: Features | None) -> Features | None:
    if features is None or fresh is None:
        return None
    return features.combine(lambda both: put_rows(both[0], rows, both[1]), fresh)


def _undone(before: State, after: State, worse: torch.Tensor) -> State:
    """The state with what is heard in it as it was before, where `worse` (B,) bool."""

    def back(old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        return torch.where(worse.reshape(-1, *[1] * (new.ndim - 1)), old, new)

    names = ("raw_u", "u", "summary", "loss")
    kept: dict[str, Any] = {name: back(getattr(before, name), getattr(after, name)) for name in names}
    terms = {name: back(before.terms[name], term) for name, term in after.terms.items()}
    features = after.features
    if features is not None and before.features is not None:
        old = before.features.tensors()
        each = iter(old)
        features = features.map(lambda tensor: back(old[next(each)], tensor))
    return replace(after, **kept, terms=terms, features=features)


def _mean(values: torch.Tensor) -> torch.Tensor:
    """Mean over the probes (…, N) → (…), added one by one: the same bits in any batch."""
    total = values[..., 0]
    for n in range(1, values.shape[-1]):
        total = total + values[..., n]
    return total / values.shape[-1]
