"""How far the curriculum has come: on to the next stage, or back, as the held-out targets tell.

Shapes: n episodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from myna.envs.stages import Stage
from myna.errors import UsageError, printable

__all__ = ["Outcomes", "Progress"]


@dataclass(frozen=True)
class Outcomes:
    """How episodes ended.

    Attributes:
        stage: (n,) of each episode's task, from 1 (0, outside of the curriculum, is passed over).
        best_loss: (n,) the lowest loss of each; NaN counts as the worst there is.
        held_out: whether these were the tasks of `Curriculum.held_out`, played without learning from them: one call of
            `update` is then one evaluation. Otherwise they are training episodes, which only make near starts farther.

    Example:
        >>> Outcomes([1, 1, 1], [0.3, 0.1, float("nan")], held_out=True).median(1)
        0.3
    """

    stage: Sequence[int] | np.ndarray | torch.Tensor
    best_loss: Sequence[float] | np.ndarray | torch.Tensor
    held_out: bool = False

    def check(self) -> None:
        """See `update`.

        Raises:
            UsageError: not one loss per stage.
        """
        stages, losses = np.shape(_numbers(self.stage)), np.shape(_numbers(self.best_loss))
        if stages != losses or len(stages) != 1:
            raise UsageError(f"Outcomes need one loss per stage; got losses {losses} for stages {stages}.")

    def count(self, stage: int) -> int:
        """Episodes of a stage."""
        return int((_numbers(self.stage) == stage).sum())

    def median(self, stage: int) -> float | None:
        """Median best loss of a stage's episodes, infinite where most are broken; None where there are none."""
        losses = _numbers(self.best_loss)[_numbers(self.stage) == stage]
        ordered = np.sort(np.where(np.isnan(losses), np.inf, losses))
        if not len(ordered):
            return None
        low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
        return float(low if low == high else (low + high) / 2)  # of two infinities the mean is no number


class Progress:
    """Which stage it is, and what may change that.

    Args:
        stages: all of them, in order.
        stage: number of the first one that is trained, from 1.

    Attributes:
        stage: number of the current stage, from 1.
        episodes: training episodes of it since it was entered.
        medians: stage name → its last finite median best loss on held-out targets.
    """

    def __init__(self, stages: Sequence[Stage], stage: int = 1) -> None:
        """See the class."""
        self.stages = tuple(stages)
        self.medians: dict[str, float] = {}
        self._enter(stage)

    @property
    def current(self) -> Stage:
        """The stage that is trained."""
        return self.stages[self.stage - 1]

    def update(self, outcomes: Outcomes) -> None:
        """Take in how episodes ended; an evaluation on held-out targets may change the stage.

        Raises:
            UsageError: not one loss per stage.
        """
        outcomes.check()
        if outcomes.held_out:
            self._judge(outcomes)
        else:
            self.episodes += outcomes.count(self.stage)

    def _judge(self, outcomes: Outcomes) -> None:
        """Count evaluations in a row, and move. A stage that was not played neither passes nor fails."""
        for stage in self.stages:
            median = outcomes.median(stage.number)
            if median is not None and np.isfinite(median):
                self.medians[stage.name] = median
        passed = outcomes.median(self.stage)
        if passed is not None:
            self._below = self._below + 1 if passed <= self.current.promotion["below"] else 0
        before = self.stages[self.stage - 2] if self.stage > 1 else None
        kept = outcomes.median(self.stage - 1)
        if before and kept is not None:
            self._above = self._above + 1 if kept > before.demotion["above"] else 0
        if before and self._above >= before.demotion["after"]:
            self._enter(self.stage - 1)
        elif self._below >= self.current.promotion["after"] and self.stage < len(self.stages):
            self._enter(self.stage + 1)

    def _enter(self, stage: int) -> None:
        self.stage: int = stage
        self.episodes: int = 0
        self._below: int = 0
        self._above: int = 0

    def state_dict(self) -> dict[str, Any]:
        """All that changes, as JSON can hold it.

        `stage`, `episodes` of it, evaluations in a row `below` its promotion's threshold and `above` the demotion's,
        the last finite `median` on held-out targets by stage, and the names of all `stages`.
        """
        return {
            "stage": self.stage,
            "episodes": self.episodes,
            "below": self._below,
            "above": self._above,
            "median": dict(self.medians),
            "stages": [stage.name for stage in self.stages],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken.

        Raises:
            UsageError: the state of other stages, or none at all; nothing is changed then.
        """
        names = [stage.name for stage in self.stages]
        if state.get("stages") != names:
            raise UsageError(f"The curriculum's state is not of the stages {', '.join(names)}: use the config it had.")
        counts = [_count(state.get(key)) for key in ("stage", "episodes", "below", "above")]
        medians = _medians(state.get("median"), names)
        if not 1 <= counts[0] <= len(names):
            raise UsageError(f"The curriculum's state names stage {counts[0]}: there are stages 1 to {len(names)}.")
        self.stage, self.episodes, self._below, self._above = counts
        self.medians = medians


def _medians(value: Any, names: list[str]) -> dict[str, float]:
    if not isinstance(value, Mapping) or not set(value) <= set(names) or not all(map(_is_loss, value.values())):
        raise UsageError("The curriculum's state is damaged: it needs median losses by stage.")
    return {name: float(median) for name, median in value.items()}


def _is_loss(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UsageError(
            f"The curriculum's state is damaged: it needs whole numbers; got {printable(repr(value), 40)}."
        )
    return value


def _numbers(values: Any) -> np.ndarray:
    return np.asarray(values.detach().cpu() if isinstance(values, torch.Tensor) else values, np.float64)
