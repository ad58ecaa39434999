"""Whole batches of episodes: played side by side, judged by a second goal, and stored for the replay.

All episodes of a batch begin together; one that has ended waits for the others, and is not rendered meanwhile. Every
batch has generators of its own, so that its number and the actions made so far say all about it.

Shapes: B episodes, T steps of the longest, N probes, P parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from myna.agents.replay import Episodes, judged_by
from myna.envs.core import Core, Transition
from myna.envs.curriculum import Curriculum, Outcomes
from myna.envs.draws import PresetDraws
from myna.envs.reward import RewardConfig, Step, measured, reward_parts
from myna.envs.state import State
from myna.envs.statistics import load_statistics
from myna.envs.summary import summarise
from myna.envs.task import TaskBatch
from myna.errors import UsageError
from myna.features import TRAINING, Features, analyse, one_core
from myna.loss import Heard, PerceptualLoss
from myna.presets.generator import audible
from myna.seeding import generator

__all__ = ["EpisodeBatches", "RandomGoals", "stored"]

_KEPT = ("raw_u", "summary", "played", "moved", "step")
_SETTLED = ("open", "bound", "horizon")


@dataclass(frozen=True, eq=False)
class RandomGoals:
    """One rendered preset for each of B episodes: `u` (B, P), `features` (B, N) and `summary` (B, N, D)."""

    u: torch.Tensor
    features: Features
    summary: torch.Tensor


class EpisodeBatches:
    """Plays batch after batch.

    Args:
        core: of the environment, that keeps features in its states.
        curriculum: draws the tasks.
        count: episodes of a batch, B.
        seed: of all tasks and goals.

    Attributes:
        number: of batches begun so far.
        states: of the batch that is on, its start first; none before the first `begin`.
        actions: by which they came about.
    """

    def __init__(self, core: Core, curriculum: Curriculum, count: int, seed: int) -> None:
        """See the class."""
        if count < 1:
            raise UsageError(f"There must be 1 environment or more; got {count}.")
        self.core, self.curriculum, self.count, self.seed = core, curriculum, count, seed
        self.number = 0
        self.states: list[State] = []
        self.actions: list[Mapping[str, torch.Tensor]] = []
        self._began: dict[str, Any] = {}  # the curriculum as the batch began
        self._draws = PresetDraws(core.renderer.table, curriculum.stages)
        self._loss = PerceptualLoss(core.config.loss)
        self._statistics = load_statistics().to(core.device)

    @property
    def state(self) -> State:
        """Where the episodes are."""
        return self.states[-1]

    @property
    def over(self) -> bool:
        """Whether a new batch must begin."""
        return not self.states or bool(self.state.ended.all())

    def draw(self) -> State:
        """Draw and hear the starts of the next batch, which `begin` makes the one that is on."""
        self._began = self.curriculum.state_dict()
        tasks = self.curriculum.sample(self.count, generator(self.seed, "train", "tasks", self.number))
        return self.core.reset(tasks)

    def begin(self, start: State) -> None:
        """Go on to the batch that was drawn."""
        self.number += 1
        self.states, self.actions = [start], []

    def play(self, action: Mapping[str, torch.Tensor]) -> Transition:
        """One step of all."""
        done = self.core.step(self.state, action)
        self.states.append(done.state)
        self.actions.append(action)
        return done

    def outcomes(self) -> Outcomes:
        """How a batch that is over went, for the curriculum."""
        return Outcomes(self.state.tasks.stage, self.state.best_loss)

    # A second goal

    @one_core()
    def random_goals(self) -> RandomGoals:
        """A preset for each episode as the curriculum draws targets, heard by the episode's own probes.

        A silent or broken one would teach nothing: there the episode's own target stands in.
        """
        tasks = self.state.tasks
        stages = [self.curriculum.stages[int(number) - 1] for number in tasks.stage]
        rngs = generator(self.seed, "train", "goals", self.number).spawn(len(tasks))
        u = torch.from_numpy(self._draws.targets(stages, rngs)).to(self.core.device)
        renderer = self.core.renderer
        audio = renderer.render(u, tasks.probes)
        heard = analyse(audio, renderer.sample_rate, TRAINING, renderer.threads, on_bad="mark").lean()
        good = torch.from_numpy(audible(audio.flatten(0, 1).cpu().numpy())).reshape(len(tasks), -1).all(1)
        own = tasks.target.tensors()
        names = iter(own)
        good = good.to(self.core.device)
        features = heard.map(lambda tensor: _where(good, tensor, own[next(names)]))
        return RandomGoals(_where(good, u, tasks.target_u), features, self._statistics.standardise(summarise(features)))

    @one_core()
    def finished(self, goals: RandomGoals, reward: RewardConfig) -> Episodes:
        """The batch that is over, judged by the goals that were played for and by others."""
        judge = self._judge()
        own = judged_by(
            self.states,
            [None, Heard(goals.features).derived()],
            lambda state, goal: _played_for(state, self.core.layout.terms) if goal is None else judge(state, goal),
            self._rewarded(reward),
        )
        return stored(self.states, self.actions, goals, own)

    def _judge(self) -> Callable[[State, Heard], dict[str, torch.Tensor]]:
        terms, shape = self.core.layout.terms, (self.count, self.core.layout.probes)

        def judge(state: State, goal: Heard) -> dict[str, torch.Tensor]:
            assert state.features is not None  # noqa: S101 - the core was told to keep them
            flat = goal.map(lambda tensor: tensor.flatten(0, 1))
            said = self._loss(state.features.map(lambda tensor: tensor.flatten(0, 1)), flat)
            parts = {"loss": said.total, **said.terms, **said.penalties}
            means = {name: part.reshape(shape).mean(-1) for name, part in parts.items()}
            return {
                "loss": means["loss"],
                "terms": torch.stack([means[name] for name in terms], -1),
                "broken": state.broken,
            }

        return judge

    def _rewarded(self, reward: RewardConfig) -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
        """Rewards and terminations of all steps, as `Core.step` gives them."""
        effort = torch.stack([state.moved.square().sum(-1) for state in self.states[1:]], 1)[:, None]  # (B, 1, T)
        least, terms = self.core.config.ends.success_loss, self.core.layout.terms
        weights = self.core.config.loss.weights

        def counted(judged: Mapping[str, torch.Tensor]) -> torch.Tensor:
            part = judged["terms"]
            return measured(reward, weights, judged["loss"], lambda name: part[..., terms.index(name)])

        def rewarded(
            before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]
        ) -> tuple[torch.Tensor, torch.Tensor]:
            success = (after["loss"] <= least) & ~after["broken"]
            step = Step(
                counted(before),
                counted(after),
                effort.expand(after["loss"].shape),
                after["loss"] < before["best"],
                success,
                after["broken"],
                before["broken"],
            )
            parts = reward_parts(reward, step)
            return sum(parts.values(), torch.zeros_like(effort)), success | after["broken"]

        return rewarded

    # Saving

    def state_dict(self) -> dict[str, Any]:
        """Number, actions, and what the curriculum was when the batch began."""
        made = {f"action.{name}": torch.stack([one[name] for one in self.actions]) for name in self._heads()}
        return {"number": self.number, "on": bool(self.states), "began": dict(self._began), **made}

    def _heads(self) -> Sequence[str]:
        return [*self.actions[0]] if self.actions else []

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there: the batch is drawn and played again up to the last action, which gives the same bits."""
        now = self.curriculum.state_dict()
        self.states, self.actions, self.number = [], [], int(state["number"])
        if not state["on"]:
            return
        self.curriculum.load_state_dict(state["began"])
        self.number -= 1
        self.begin(self.draw())
        self.curriculum.load_state_dict(now)
        made = {name.removeprefix("action."): value for name, value in state.items() if name.startswith("action.")}
        for step in range(len(next(iter(made.values()), ()))):
            self.play({name: values[step].to(self.core.device) for name, values in made.items()})


def stored(
    states: Sequence[State], actions: Sequence[Mapping[str, torch.Tensor]], goals: RandomGoals, said: Mapping[str, Any]
) -> Episodes:
    """A batch of episodes as the replay takes it.

    Args:
        states: T + 1.
        actions: T.
        goals: the second goals.
        said: what both goals say of the states, see `judged_by`.
    """
    tasks: TaskBatch = states[0].tasks
    kept = {name: torch.stack([getattr(state, name) for state in states], 1) for name in _KEPT}
    kept |= {name: torch.stack([getattr(tasks, name)] * len(states), 1) for name in _SETTLED}
    last = states[-1]
    ends = torch.zeros(said["reward"].shape[::2], dtype=torch.bool, device=last.loss.device)
    ends.scatter_(1, (last.step - 1).clamp_min(0)[:, None], last.truncated[:, None])
    return Episodes(
        length=last.step,
        states=kept,
        actions={name: torch.stack([action[name] for action in actions], 1) for name in actions[0]},
        goals={
            "summary": torch.stack([states[0].target_summary, goals.summary], 1),
            "raw_u": torch.stack([tasks.target_u, goals.u], 1),
        },
        judged={name: value for name, value in said["judged"].items() if name != "broken"},
        reward=said["reward"],
        terminated=said["terminated"],
        truncated=ends,
    )


def _played_for(state: State, terms: Sequence[str]) -> dict[str, torch.Tensor]:
    """What the environment itself said of a state."""
    return {
        "loss": state.loss,
        "terms": torch.stack([state.terms[name] for name in terms], -1),
        "broken": state.broken,
    }


def _where(good: torch.Tensor, values: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    return torch.where(good.reshape(-1, *[1] * (values.ndim - 1)), values, others)


def ramped(reward: RewardConfig, steps_done: int, ramp: int) -> RewardConfig:
    """The reward with the price of effort that it has after so many of the ramp's steps."""
    share = min(1.0, steps_done / ramp) if ramp else 1.0
    return replace(reward, lambda_=reward.lambda_ * share)
