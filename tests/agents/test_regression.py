"""The regression agent guesses first, then tries what it held for likely next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.agents.nets import save_regression

from myna.agents import Goal
from myna.agents.ear import Ear
from myna.agents.networks import torch_generator
from myna.agents.regression import Guess, Regression, RegressionConfig, RegressionNet, _alternatives, load_regression
from myna.errors import IncompatibleVersionError, MynaError
from myna.params import Parameter, ParameterTable
from myna.seeding import generator
from myna.synth.renderer import Renderer


@pytest.fixture(scope="module")
def weights(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_regression(renderer.table, tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def agent(renderer: Renderer, weights: Path) -> Regression:
    return Regression(renderer, weights)


def test_its_only_render_is_the_likeliest_preset(agent: Regression, goal: Goal, renderer: Renderer) -> None:
    (match,) = agent.match([goal], 1, generator(0, "r"))
    guess = agent.guess(Ear(renderer).aim(goal.audio, goal.probe))
    assert match.renders == 1
    assert np.array_equal(match.u, renderer.table.snap(agent.net.likeliest(guess).numpy())[0])


def test_it_spends_the_whole_budget_on_presets_that_all_differ(agent: Regression, goal: Goal) -> None:
    (match,) = agent.match([goal], 30, generator(0, "r"))
    tried = np.concatenate(match.archive._u)
    assert match.renders == len(tried) == 30
    assert len(np.unique(tried, axis=0)) == 30


def test_a_preset_is_in_range_with_every_choice_at_the_centre_of_its_bin(renderer: Renderer) -> None:
    table = renderer.table
    net = RegressionNet(table, RegressionConfig(16, 2), torch_generator(1, "net"))
    with torch.no_grad():
        u = net.likeliest(net(5.0 * torch.randn(8, 433, generator=torch_generator(2, "x")), torch.rand(8, 3))).numpy()
    assert u.min() >= 0.0 and u.max() <= 1.0
    assert np.array_equal(table.snap(u)[:, table.categorical], u[:, table.categorical])


def test_options_that_do_not_exist_have_no_chance(renderer: Renderer) -> None:
    net = RegressionNet(renderer.table, RegressionConfig(16, 2), torch_generator(1, "net"))
    with torch.no_grad():
        chances = net(torch.zeros(1, 433), torch.full((1, 3), 0.5)).choice[0].exp()
    assert torch.allclose(chances.sum(-1), torch.ones(len(chances)))
    beyond = torch.arange(chances.shape[1]) >= net.options[:, None]
    assert beyond.any() and chances[beyond].max() == 0.0


def test_other_options_come_in_the_order_of_how_nearly_they_were_chosen() -> None:
    choice = torch.tensor([[[0.5, 0.3, 0.2], [0.6, 0.4, 0.0], [0.97, 0.02, 0.01]]]).log()
    assert _alternatives(Guess(torch.zeros(1, 0, 3), choice), 0.1) == [(1, 1), (0, 1), (0, 2)]


def test_draws_lie_between_the_quantiles_and_choose_by_their_chances(agent: Regression) -> None:
    count, options = len(agent.net.ordered), len(agent.net.choices)
    quantiles = torch.tensor([0.2, 0.3, 0.7]).expand(1, count, 3)
    choice = torch.full((1, options, 25), -1e9)
    choice[..., 0], choice[..., 1] = np.log(0.75), np.log(0.25)
    drawn = agent.drawn(Guess(quantiles, choice), 400, generator(0, "draws"))
    values = drawn[:, agent.net.ordered]
    assert values.min() >= 0.2 and values.max() <= 0.7
    assert np.median(values) == pytest.approx(0.3, abs=0.01)
    first = drawn[:, agent.net.choices] * agent.net.options.numpy() < 1.0
    assert first.mean() == pytest.approx(0.75, abs=0.02)


def test_weights_of_another_synth_are_refused(weights: Path) -> None:
    other = ParameterTable("toy", 1, [Parameter("a.level", "continuous", 0.0, 1.0, 1.0)])
    with pytest.raises(IncompatibleVersionError, match="for the synth “serum-lite”, not “toy”"):
        load_regression(other, weights)


def test_a_card_of_other_networks_is_told_in_a_sentence(renderer: Renderer, weights: Path, tmp_path: Path) -> None:
    card = weights.with_suffix(".json").read_text()
    (tmp_path / "r.safetensors").write_bytes(weights.with_suffix(".safetensors").read_bytes())
    for lie in ('"hidden": 17', '"width": 16'):
        (tmp_path / "r.json").write_text(card.replace('"hidden": 16', lie))
        with pytest.raises(MynaError, match="does not tell what they are"):
            load_regression(renderer.table, tmp_path / "r")
