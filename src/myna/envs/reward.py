"""The reward: how much nearer a step came, less what the effort cost; every part by name.

Shapes: B environments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import torch

from myna.errors import UsageError, printable
from myna.loss import TRAINING_LOSS

__all__ = ["RewardConfig", "Step", "measured", "reward_parts"]


@dataclass(frozen=True)
class RewardConfig:
    """What is rewarded.

    Attributes:
        scale: times the improvement of the loss. Starts lie at 0.5 to 0.9, so that 4 makes good episodes worth 2 to 4.
        lambda_: price of ‖Δ‖², the sum of the squares of what moved, in u. A random step moves about 2.
        new_best_bonus: for a step that finds the best preset of its episode so far.
        success_bonus: for the step that reaches the target.
        broken_penalty: for the step that broke the sound (NaN or infinity); the improvement then counts as 0.
        term: of the loss whose improvement counts in the loss's place, as if it were the whole loss (an ablation);
            empty for the loss.

    Raises:
        UsageError: a part that is negative or not finite, or an unknown term.
    """

    scale: float = 4.0
    lambda_: float = 0.01
    new_best_bonus: float = 0.0
    success_bonus: float = 1.0
    broken_penalty: float = 5.0
    term: str = ""

    def __post_init__(self) -> None:
        """See the class."""
        if self.term not in ("", *TRAINING_LOSS.weights):
            known = ", ".join(TRAINING_LOSS.weights)
            raise UsageError(f"The reward's term must be one of {known}; got '{printable(str(self.term), 40)}'.")
        for field in fields(self)[:-1]:
            value = getattr(self, field.name)
            if not (isinstance(value, (int, float)) and math.isfinite(value) and value >= 0.0):
                raise UsageError(f"The reward's {field.name} must be a number of 0 or more; got {value!r}.")


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        loss_before, loss_after: (B,), see `measured`.
        effort: (B,) ‖Δ‖² of what moved.
        new_best: (B,) bool.
        success: (B,) bool.
        broken: (B,) bool, now; `broken_before` at the step before.
        broken_before: (B,) bool.
    """

    loss_before: torch.Tensor
    loss_after: torch.Tensor
    effort: torch.Tensor
    new_best: torch.Tensor
    success: torch.Tensor
    broken: torch.Tensor
    broken_before: torch.Tensor


def measured(
    config: RewardConfig, weights: Mapping[str, float], loss: torch.Tensor, term: Callable[[str], torch.Tensor]
) -> torch.Tensor:
    """What improvement is measured in, shaped like the loss: the loss, or the term that stands in its place.

    Args:
        config: which.
        weights: of the loss's terms: that of the term is taken back, so that 1 is the median of random pairs again.
        loss: the whole.
        term: gives what a term, by its name, adds to the loss.
    """
    return term(config.term) / weights[config.term] if config.term else loss


def reward_parts(config: RewardConfig, step: Step) -> dict[str, torch.Tensor]:
    """The parts (B,) float64; the reward is their sum in this order.

    `improvement`: scale · (loss before − loss after); `effort`: −λ‖Δ‖²; `new_best`, `success`: the bonuses;
    `broken`: the penalty. A broken sound has no loss to compare with, before or after: its improvement is 0.
    """
    improved = config.scale * (step.loss_before.double() - step.loss_after.double())
    return {
        "improvement": torch.where(step.broken | step.broken_before, 0.0, improved),
        "effort": -config.lambda_ * step.effort.double(),
        "new_best": config.new_best_bonus * step.new_best.double(),
        "success": config.success_bonus * step.success.double(),
        "broken": -config.broken_penalty * step.broken.double(),
    }
