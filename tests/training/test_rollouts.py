from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from myna.training.rollouts import WINDOW, Rollouts


def batch(count: int, **figures: float) -> tuple[Any, Any, torch.Tensor]:
    """First and last state, and returns, of episodes that are all alike."""
    full = lambda value: torch.full((count,), float(value))  # noqa: E731
    start = SimpleNamespace(loss=full(figures["first"]))
    end = SimpleNamespace(
        terminated=full(figures["reached"]) > 0.0,
        broken=full(figures.get("broken", 0.0)) > 0.0,
        step=full(figures["steps"]).long(),
        best_loss=full(figures["best"]),
    )
    return start, end, full(figures["reward"])


def test_nothing_is_told_before_an_episode_has_ended() -> None:
    assert Rollouts().figures() == {}


def test_means_are_over_the_last_hundred_episodes_whatever_the_batches() -> None:
    rollouts = Rollouts()
    rollouts.add(*batch(200, first=9.0, best=9.0, reached=1.0, steps=1, reward=-50.0))  # all forgotten
    rollouts.add(*batch(WINDOW - 25, first=1.0, best=0.6, reached=0.0, steps=16, reward=2.0))
    rollouts.add(*batch(25, first=1.0, best=0.0, reached=1.0, steps=8, reward=6.0))
    told = rollouts.figures()
    assert told["rollout/ep_rew_mean"] == pytest.approx(3.0) and told["rollout/ep_len_mean"] == pytest.approx(14.0)
    assert told["rollout/success_rate"] == 0.25 and told["match/improvement"] == pytest.approx(0.55)


def test_a_broken_end_is_no_success() -> None:
    rollouts = Rollouts()
    rollouts.add(*batch(4, first=1.0, best=0.5, reached=1.0, broken=1.0, steps=3, reward=-5.0))
    assert rollouts.figures()["rollout/success_rate"] == 0.0
