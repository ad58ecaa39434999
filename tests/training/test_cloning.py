"""Cloning learns the edits between rows as the environment would observe them, the same bits wherever it stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.agents.nets import save_proxy
from tests.training.rows import small_data

from myna.agents.networks import NetworkConfig
from myna.agents.weights import load_weights
from myna.envs.core import Core
from myna.errors import UsageError
from myna.synth.renderer import Renderer
from myna.training.cloning import CloningLearner, CloningSettings
from myna.training.config import load_config
from myna.training.data import SOURCES, DataSet
from myna.training.held_out import tasks_of
from myna.training.sac import SACTraining
from myna.training.supervised import Schedule

SETTINGS = {"networks": NetworkConfig((32,)), "schedule": Schedule(3e-3, warm_up=5), "batch": 32, "played": 3}


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


@pytest.fixture(scope="module")
def data(renderer: Renderer) -> DataSet:
    return small_data(renderer)


def learner(data: DataSet, renderer: Renderer, total: int = 60, **more) -> CloningLearner:
    settings = CloningSettings(**{**SETTINGS, "held_out": 0.3, **more})
    return CloningLearner(settings, total, 3, data=data, renderer=renderer)


def pairs(**columns: list[int]) -> dict[str, torch.Tensor]:
    return {**{name: torch.tensor(values) for name, values in columns.items()}, "gap": torch.zeros(len(columns["row"]))}


def test_a_pair_without_a_past_is_observed_as_an_episode_that_begins_there(data: DataSet, renderer: Renderer) -> None:
    row, goal = 8, 0
    target = data["goals"][row, goal].reshape(1).long()
    core, tasks = Core(renderer), tasks_of(data, target, renderer)
    u = tasks.target_u.clone().copy_(data["u"][row])
    state = core.reset(type(tasks)(**{**vars(tasks), "start_u": core.decoder.twin.snap(u)}))
    observed = learner(data, renderer).observed(pairs(row=[row], goal=[goal], before=[1], step=[0]))
    off = (observed.observation - core.observe(state)).abs()
    losses = core.layout.slices["terms"].start, core.layout.slices["gap"].stop
    assert off[:, : losses[0]].max() < 0.02  # half precision of summaries
    assert off[:, slice(*losses)].max() < 0.02
    assert off[:, losses[1] :].max() < 1e-6


def test_following_the_known_edits_leads_to_the_goal(data: DataSet, renderer: Renderer) -> None:
    own = learner(data, renderer, bound=1.0)
    table, decoder = data["u"], own.view.decoder
    made = own.observed(pairs(row=[2, 13], goal=[0, 1], before=[0, 0], step=[0, 5]))
    assert made.edits is not None
    u = decoder.twin.snap(table[[2, 13]])
    goal = decoder.twin.snap(table[data["goals"][[2, 13], [0, 1]].long()])
    reached = decoder.apply(u, u, made.edits.heads, torch.ones_like(u, dtype=torch.bool), torch.ones(2))
    assert (reached.u - goal).abs().max() < 1e-6


def test_a_past_is_a_step_that_the_bound_allows_towards_where_the_preset_is(data: DataSet, renderer: Renderer) -> None:
    own = learner(data, renderer)
    made = own.observed(pairs(row=[4], goal=[0], before=[1], step=[7])).observation[0]
    moved = made[own.view.layout.slices["previous_action"]]  # in bounds
    before, now = data["u"][data["goals"][4, 1].long()], data["u"][4]
    way = (now - before)[own.view.layout.ordered]
    assert moved.abs().max() == 1.0
    assert torch.allclose(moved[own.view.layout.ordered], (way / 0.2).clamp(-1.0, 1.0), atol=1e-5)
    assert made[own.view.layout.slices["time_left"]].item() == pytest.approx(9 / 16)


def test_pairs_are_drawn_in_the_shares_that_are_set(data: DataSet, renderer: Renderer) -> None:
    own = learner(data, renderer, batch=4_000, from_default=0.4, close=1.0, past=0.25)
    drawn = own.draw()
    default = data["source"][drawn["row"]] == SOURCES["default"]
    # A sixth of all rows is the default's, too.
    assert default.double().mean().item() == pytest.approx(0.4 + 0.6 / 6, abs=0.03)
    assert (drawn["step"] > 0).double().mean().item() == pytest.approx(0.25, abs=0.03)
    assert (drawn["step"].min(), drawn["step"].max()) == (0, 15)
    nearest = data["judged"][drawn["row"], :, -1].argmin(1)
    assert (drawn["goal"] == nearest).double().mean() > 0.75


def test_no_pair_that_is_learnt_has_a_row_that_is_held_out(data: DataSet, renderer: Renderer) -> None:
    own = learner(data, renderer, batch=2_000)
    drawn = own.draw()
    seen = torch.cat([drawn["row"], data["goals"][drawn["row"], drawn["goal"]].long()])
    held = torch.from_numpy(~torch.isin(torch.arange(len(data)), seen).numpy())
    assert set(data["group"][held].tolist()).isdisjoint(data["group"][seen].tolist())
    assert held.sum() == len(data) // 4


def test_learning_makes_the_edits_less_wrong(data: DataSet, renderer: Renderer) -> None:
    own = learner(data, renderer)
    losses = [own.step()["train/loss"] for _ in range(60)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


def test_stopped_and_resumed_it_learns_the_same_bits(data: DataSet, renderer: Renderer) -> None:
    whole, first, second = (learner(data, renderer) for _ in range(3))
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


def test_the_state_of_another_network_is_refused_in_a_sentence(data: DataSet, renderer: Renderer) -> None:
    other = learner(data, renderer, networks=NetworkConfig((16,)))
    with pytest.raises(UsageError, match="another network"):
        learner(data, renderer).load_state_dict(other.state_dict())


def test_its_score_is_the_median_loss_that_episodes_reach(data: DataSet, renderer: Renderer) -> None:
    told = learner(data, renderer).evaluate()
    assert told["eval/score"] == told["eval/in/best"] <= told["eval/in/start"]
    assert told["eval/loss"] > 0.0


def test_weights_tell_what_they_were_learnt_from(data: DataSet, renderer: Renderer, tmp_path: Path) -> None:
    own = learner(data, renderer)
    own.step()
    own.save(tmp_path)
    loaded = load_weights(tmp_path / "cloning")
    assert all(torch.equal(loaded.tensors[name], tensor) for name, tensor in own.net.state_dict().items())
    assert loaded.card["data"] == [{"kind": "random", "seed": 0, "engine": "", "rows": 24}]
    assert (loaded.card["kind"], loaded.card["horizon"], loaded.card["bound"], loaded.card["steps"]) == (
        "cloning",
        16,
        0.2,
        1,
    )


@pytest.mark.parametrize("wrong", [{"close": 1.5}, {"horizon": 1}, {"bound": 0.0}, {"past": float("nan")}])
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError):
        CloningSettings(**wrong)


def test_the_configuration_that_comes_with_myna_can_be_read() -> None:
    config = load_config("cloning", ["cloning.batch=64"])
    settings = config.settings(CloningSettings)
    assert config.kind == "cloning"
    assert (settings.batch, settings.data[0]) == (64, "out/data/random")


def test_sac_can_go_on_from_the_weights_of_the_configurations() -> None:
    networks = load_config("cloning").settings(CloningSettings).networks
    assert networks == load_config("laptop").settings(SACTraining).learner.networks


# What a proxy promises


@pytest.fixture(scope="module")
def proxy(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_proxy(renderer.table, tmp_path_factory.mktemp("proxy")))


def imagining(data: DataSet, renderer: Renderer, proxy: str, total: int = 60, **more) -> CloningLearner:
    return learner(data, renderer, total, clone=0.0, imagine=1.0, foresight=proxy, **more)


def test_what_is_imagined_alone_is_learnt(data: DataSet, renderer: Renderer, proxy: str) -> None:
    own = imagining(data, renderer, proxy, total=200)
    told = [own.step()["train/imagine"] for _ in range(100)]
    assert sum(told[-10:]) < 0.5 * sum(told[:10])


def test_an_evaluation_changes_nothing_of_what_is_imagined(data: DataSet, renderer: Renderer, proxy: str) -> None:
    one, other = imagining(data, renderer, proxy), imagining(data, renderer, proxy)
    one.step()
    one.evaluate()
    other.step()
    assert one.step() == other.step()


def test_to_imagine_takes_foresight_and_something_must_be_learnt() -> None:
    with pytest.raises(UsageError, match="takes foresight"):
        CloningSettings(imagine=1.0)
    with pytest.raises(UsageError, match="clone or imagine more"):
        CloningSettings(clone=0.0)


def test_the_packaged_dream_is_for_the_networks_of_the_packaged_sac() -> None:
    dream = load_config("dream").settings(CloningSettings)
    sac = load_config("laptop").settings(SACTraining)
    assert dream.networks == sac.learner.networks and dream.foresight == sac.foresight == "proxy"
