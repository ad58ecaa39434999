"""The reward is the sum of its parts, each with its sign and its price."""

from __future__ import annotations

import math

import pytest
import torch

from myna.envs.reward import RewardConfig, Step, measured, reward_parts
from myna.errors import UsageError


def step(**changes) -> Step:
    """Three environments that came from 1.0 to 0.75, and did nothing else."""
    no = torch.zeros(3, dtype=torch.bool)
    still = {"effort": torch.zeros(3), "new_best": no, "success": no, "broken": no, "broken_before": no}
    losses = {"loss_before": torch.ones(3), "loss_after": torch.full((3,), 0.75)}
    return Step(**(losses | still | changes))


def test_what_is_gained_counts_by_the_scale() -> None:
    parts = reward_parts(RewardConfig(scale=8.0), step())
    assert parts["improvement"].tolist() == [2.0] * 3
    assert reward_parts(RewardConfig(), step(loss_after=torch.full((3,), 1.5)))["improvement"].tolist() == [-2.0] * 3


def test_effort_costs_lambda_times_its_square() -> None:
    parts = reward_parts(RewardConfig(lambda_=0.5), step(effort=torch.tensor([0.0, 0.5, 2.0])))
    assert parts["effort"].tolist() == [0.0, -0.25, -1.0]


def test_bonuses_come_where_they_are_due() -> None:
    due = torch.tensor([True, False, True])
    parts = reward_parts(RewardConfig(new_best_bonus=0.5, success_bonus=3.0), step(new_best=due, success=~due))
    assert parts["new_best"].tolist() == [0.5, 0.0, 0.5]
    assert parts["success"].tolist() == [0.0, 3.0, 0.0]


def test_a_broken_sound_costs_the_penalty_and_no_loss_of_its_own() -> None:
    broken = torch.tensor([True, False, False])
    parts = reward_parts(RewardConfig(broken_penalty=7.0), step(broken=broken, broken_before=broken.roll(1)))
    assert parts["broken"].tolist() == [-7.0, 0.0, 0.0]
    assert parts["improvement"].tolist() == [0.0, 0.0, 1.0]


def test_the_parts_are_of_double_precision_and_in_a_fixed_order() -> None:
    parts = reward_parts(RewardConfig(), step())
    assert list(parts) == ["improvement", "effort", "new_best", "success", "broken"]
    assert {part.dtype for part in parts.values()} == {torch.float64}


@pytest.mark.parametrize("name", ["scale", "lambda_", "new_best_bonus", "success_bonus", "broken_penalty"])
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "much"])
def test_a_weight_that_is_none_is_told(name: str, value) -> None:
    with pytest.raises(UsageError, match=f"The reward's {name} must be a number of 0 or more"):
        RewardConfig(**{name: value})


def test_one_term_may_stand_for_the_loss_as_if_it_were_the_whole() -> None:
    loss, mfcc = torch.tensor([1.0, 2.0]), torch.tensor([0.25, 0.5])
    assert measured(RewardConfig(), {}, loss, {}.__getitem__) is loss
    alone = measured(RewardConfig(term="mfcc"), {"mfcc": 0.25}, loss, {"mfcc": mfcc}.__getitem__)
    assert alone.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("term", ["mr_stft", "loudnes", "\x1b[2J"])
def test_a_term_that_training_does_not_know_is_told(term: str) -> None:
    with pytest.raises(UsageError, match=r"The reward's term must be one of log_mel, mfcc, .*got") as caught:
        RewardConfig(term=term)
    assert str(caught.value).isprintable()
