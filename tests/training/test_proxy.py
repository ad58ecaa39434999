"""A proxy learns how presets sound, says honestly how well, and is the same bits wherever it was stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.training.rows import small_data

from myna.agents.proxy_net import IMPORTANCE, ProxyConfig, clipped, load_proxy
from myna.errors import UsageError
from myna.synth.renderer import Renderer
from myna.training.config import load_config
from myna.training.data import DataSet
from myna.training.proxy import ProxyLearner, ProxySettings
from myna.training.supervised import Schedule

SETTINGS = {"network": ProxyConfig(32, 1), "schedule": Schedule(3e-3, warm_up=5), "batch": 32, "held_out": 0.3}


@pytest.fixture(scope="module")
def data() -> DataSet:
    return small_data(Renderer(threads=1))


def learner(data: DataSet, total: int = 60, seed: int = 3, **more) -> ProxyLearner:
    return ProxyLearner(ProxySettings(**{**SETTINGS, **more}), total, seed, data=data)


def test_learning_makes_it_say_better_how_its_rows_sound(data: DataSet) -> None:
    own = learner(data)
    losses = [own.step()["train/loss"] for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]


def test_the_loss_is_squared_near_the_truth_and_absolute_far_from_it(data: DataSet) -> None:
    own = learner(data, beta=0.5)
    batch = own.draw()
    truth = clipped(batch["summary"])
    own.net.forward = lambda u, played: truth + 0.1  # pyright: ignore[reportIncompatibleMethodOverride]
    assert own.losses(batch)["loss"].item() == pytest.approx(0.5 * 0.1**2 / 0.5, rel=1e-4)
    own.net.forward = lambda u, played: truth + 2.0  # pyright: ignore[reportIncompatibleMethodOverride]
    assert own.losses(batch)["loss"].item() == pytest.approx(2.0 - 0.25, rel=1e-4)


def test_an_evaluation_tells_error_and_share_explained_of_rows_that_were_not_learnt(data: DataSet) -> None:
    own = learner(data)
    truth = clipped(data["summary"][own.held])
    own.net.forward = lambda u, played: truth.mean(0).expand(len(u), -1)  # pyright: ignore[reportIncompatibleMethodOverride]
    told = own.evaluate()
    assert told["eval/r2"] == pytest.approx(0.0, abs=1e-5)
    assert (
        told["eval/score"] == told["eval/error"] == pytest.approx((truth - truth.mean(0)).abs().mean().item(), rel=1e-5)
    )
    own.net.forward = lambda u, played: truth  # pyright: ignore[reportIncompatibleMethodOverride]
    assert own.evaluate() == {"eval/error": 0.0, "eval/r2": 1.0, "eval/score": 0.0}
    assert not set(own.held.tolist()) & set(own._learnt.tolist())


def test_with_apart_every_row_stands_before_its_first_goal_and_their_difference_is_learnt(data: DataSet) -> None:
    own = learner(data, apart=2.0)
    batch = own.draw()
    assert len(batch["u"]) == 32
    places = [  # of a preset at a probe
        ((data["u"] == u) & (data["played"] == played).all(1, keepdim=True)).all(1).nonzero().flatten()
        for u, played in zip(batch["u"], batch["played"], strict=True)
    ]
    for one, other in zip(places[::2], places[1::2], strict=True):
        assert set(data["goals"][one, 0].tolist()) & set(other.tolist())
    assert torch.equal(batch["played"][::2], batch["played"][1::2])
    truth = clipped(batch["summary"])
    own.net.forward = lambda u, played: truth + 0.1
    said = own.losses(batch)
    assert said["apart"].item() == pytest.approx(0.0, abs=1e-5)  # wrong about both alike
    assert said["loss"].item() == pytest.approx(0.5 * 0.1**2 / 0.3, rel=1e-3)
    wrong = torch.tensor([0.1, 0.0]).repeat(16)[:, None]
    own.net.forward = lambda u, played: truth + wrong
    said, differ = own.losses(batch), (truth[::2] - truth[1::2]).abs() @ IMPORTANCE
    assert said["apart"].item() == pytest.approx((0.1 / (differ + 0.05)).mean().item(), rel=1e-4)
    assert said["loss"].item() == pytest.approx(0.5 * 0.1**2 / 0.3 / 2 + 2.0 * said["apart"].item(), rel=1e-3)


def test_with_apart_an_evaluation_tells_what_is_missed_of_differences(data: DataSet) -> None:
    own = learner(data, apart=1.0)
    own.net.forward = lambda u, played: torch.zeros(len(u), data["summary"].shape[1])
    told = own.evaluate()
    held = own.held
    differ = clipped(data["summary"][held]) - clipped(data["summary"][data["goals"][held, 0].long()])
    differ = differ.abs() @ IMPORTANCE
    assert told["eval/apart"] == pytest.approx((differ / (differ + 0.05)).mean().item(), rel=1e-4)
    assert told["eval/error"] == pytest.approx(clipped(data["summary"][held]).abs().mean().item(), rel=1e-4)
    assert told["eval/score"] == pytest.approx(told["eval/error"] + told["eval/apart"])


def test_it_begins_with_the_weights_that_it_is_given(data: DataSet, tmp_path: Path) -> None:
    first = learner(data)
    first.step()
    first.save(tmp_path)
    second = learner(data, init=str(tmp_path / "proxy"))
    for (name, tensor), other in zip(first.net.named_parameters(), second.net.parameters(), strict=True):
        assert torch.equal(tensor, other), name
    second.step()
    with pytest.raises(UsageError, match="are of another network"):
        learner(data, init=str(tmp_path / "proxy"), network=ProxyConfig(16, 1))


def test_stopped_and_resumed_it_learns_the_same_bits(data: DataSet) -> None:
    whole, first, second = (learner(data, bf16=True) for _ in range(3))
    for _ in range(6):
        whole.step()
    for _ in range(3):
        first.step()
    first.evaluate()  # changes nothing
    second.load_state_dict(first.state_dict())
    for _ in range(3):
        second.step()
    assert second.steps_done == 6
    pairs = zip(whole.net.parameters(), second.net.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_what_is_saved_is_what_was_learnt(data: DataSet, tmp_path: Path) -> None:
    own = learner(data)
    own.step()
    own.save(tmp_path)
    net, card = load_proxy(data.table, tmp_path / "proxy")
    u, played = data["u"][:4], data["played"][:4]
    assert torch.equal(net(u, played), own.net(u, played))
    assert (card["seed"], card["steps"], card["data"][0]["rows"]) == (3, 1, len(data))


@pytest.mark.parametrize(
    "wrong", [{"batch": 0}, {"beta": 0.0}, {"beta": float("nan")}, {"apart": -1.0}, {"apart": float("nan")}]
)
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError, match=r"batch must be 1 or more|beta must be above 0"):
        ProxySettings(**wrong)


def test_the_packaged_configuration_is_one_of_a_proxy() -> None:
    config = load_config("proxy")
    assert config.kind == "proxy" and config.settings(ProxySettings).network.hidden == 768
