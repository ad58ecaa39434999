"""Regression learns what can be heard of a preset, and is the same bits wherever it was stopped."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from tests.training.rows import small_data

from myna.agents.networks import torch_generator
from myna.agents.regression import Guess, RegressionConfig, RegressionNet, load_regression
from myna.errors import UsageError
from myna.params import Parameter, ParameterTable
from myna.synth.renderer import Renderer
from myna.training.config import load_config
from myna.training.data import DataSet
from myna.training.learner import BrokenError
from myna.training.regression import RegressionLearner, RegressionSettings, guess_loss
from myna.training.supervised import Schedule

SETTINGS = {
    "network": RegressionConfig(32, 2),
    "schedule": Schedule(3e-3, warm_up=5),
    "batch": 32,
    "held_out": 0.3,
    "heard": 3,
}


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


@pytest.fixture(scope="module")
def data(renderer: Renderer) -> DataSet:
    return small_data(renderer)


def learner(data: DataSet, renderer: Renderer, total: int = 40, seed: int = 3, **more) -> RegressionLearner:
    return RegressionLearner(RegressionSettings(**{**SETTINGS, **more}), total, seed, data=data, renderer=renderer)


def test_the_loss_of_a_small_case_is_what_a_hand_computes() -> None:
    table = ParameterTable(
        "toy",
        1,
        [
            Parameter("a.level", "continuous", 0.0, 1.0, 1.0),
            Parameter("a.kind", "categorical", 0.0, 2.0, 0.0, choices=("x", "y", "z")),
            Parameter("a.pan", "continuous", 0.0, 1.0, 1.0),
        ],
    )
    net = RegressionNet(table, RegressionConfig(4, 1), torch_generator(0, "toy"))
    guess = Guess(torch.tensor([[[0.1, 0.5, 0.6], [0.0, 0.0, 0.0]]]), torch.tensor([[[0.5, 0.25, 0.25]]]).log())
    audible = torch.tensor([[True, True, False]])  # the third is far off, but nobody hears it
    said = guess_loss(net, guess, torch.tensor([[0.8, 0.5, 1.0]]), audible)
    assert said.pinball.item() == pytest.approx((0.1 * 0.7 + 0.5 * 0.3 + 0.9 * 0.2) / 3)
    assert said.surprise.item() == pytest.approx(math.log(4.0))
    above = guess_loss(net, guess, torch.tensor([[0.3, 0.1, 1.0]]), audible)
    assert above.pinball.item() == pytest.approx((0.1 * 0.2 + 0.5 * 0.2 + 0.1 * 0.3) / 3)
    assert above.surprise.item() == pytest.approx(math.log(2.0))


def test_learning_makes_the_guesses_better(data: DataSet, renderer: Renderer) -> None:
    own = learner(data, renderer)
    losses = [own.step()["train/loss"] for _ in range(40)]
    assert losses[-1] < 0.7 * losses[0]


def test_stopped_and_resumed_it_learns_the_same_bits(data: DataSet, renderer: Renderer) -> None:
    whole, first, second = (learner(data, renderer, noise=0.1) for _ in range(3))
    for _ in range(6):
        whole.step()
    for _ in range(3):
        first.step()
    first.evaluate()  # changes nothing
    second.load_state_dict(first.state_dict())
    for _ in range(3):
        second.step()
    assert second.steps_done == 6
    assert all(
        torch.equal(one, other) for one, other in zip(whole.net.parameters(), second.net.parameters(), strict=True)
    )


def test_another_seed_learns_something_else_from_the_same_rows(data: DataSet, renderer: Renderer) -> None:
    one, other = learner(data, renderer), learner(data, renderer, seed=4)
    assert not torch.equal(one.net.first.weight, other.net.first.weight)
    assert torch.equal(one.held, other.held)


def test_the_rate_rises_and_then_falls_to_nothing() -> None:
    rates = [Schedule(1.0, warm_up=10).at(step, 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.1, rel=1e-3)
    assert max(rates) == rates[9] > 0.95
    assert rates[55] == pytest.approx(0.5, abs=0.1)
    assert rates[100] == pytest.approx(0.0, abs=1e-9)


def test_a_loss_that_is_no_number_stops_it_with_the_batch(data: DataSet, renderer: Renderer) -> None:
    own = learner(data, renderer)
    with torch.no_grad():
        own.net.last.bias[0] = torch.nan
    with pytest.raises(BrokenError, match="no number") as stopped:
        own.step()
    assert len(stopped.value.batch["summary"]) == 32
    assert own.steps_done == 0


def test_what_is_heard_at_an_evaluation_is_the_loss_of_the_rendered_guess(data: DataSet, renderer: Renderer) -> None:
    """A network that knows the preset is heard to be right."""
    own = learner(data, renderer)
    assert own.evaluate()["eval/in/start"] > 0.3
    rows = own._goals
    u = data["u"][rows].double()
    own.net.likeliest = lambda guess: u
    assert own.hear().max() < 1e-3


def test_what_is_saved_guesses_as_what_was_learnt(data: DataSet, renderer: Renderer, tmp_path: Path) -> None:
    own = learner(data, renderer)
    own.step()
    own.save(tmp_path)
    net, card = load_regression(renderer.table, tmp_path / "regression")
    inputs = data["summary"][:5], data["played"][:5]
    with torch.no_grad():
        assert all(torch.equal(one, other) for one, other in zip(net(*inputs), own.net(*inputs), strict=True))
    assert card["data"] == [{"kind": "random", "seed": 0, "engine": "", "rows": 24}]
    assert (card["seed"], card["steps"]) == (3, 1)


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"noise": -1.0}, {"choice_weight": float("nan")}])
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError):
        RegressionSettings(**wrong)


@pytest.mark.parametrize("wrong", [{"rate": 0.0}, {"clip": float("nan")}, {"decay": -1.0}])
def test_a_schedule_out_of_range_is_refused(wrong: dict) -> None:
    with pytest.raises(UsageError):
        Schedule(**wrong)


def test_the_configuration_that_comes_with_myna_can_be_read() -> None:
    config = load_config("regression", ["regression.batch=64"])
    settings = config.settings(RegressionSettings)
    assert config.kind == "regression"
    assert (settings.batch, settings.data[0]) == (64, "out/data/random")
