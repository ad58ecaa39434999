"""The proxy reads presets as they are, and an agent that plans with one finds what a perfect proxy would tell it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.agents.exact import Linear, look_exactly
from tests.agents.nets import save_proxy, save_regression

from myna.agents import Goal, Objective, proxy_view
from myna.agents.ear import Impression
from myna.agents.knobs import audible_knobs
from myna.agents.networks import torch_generator
from myna.agents.proxy import Plan, ProxyPlanner
from myna.agents.proxy_net import ProxyConfig, ProxyNet, load_proxy
from myna.agents.regression import Regression
from myna.envs.summary import SIZE
from myna.errors import IncompatibleVersionError, MynaError
from myna.params import Parameter, ParameterTable
from myna.seeding import generator
from myna.synth.renderer import Renderer

TOY = ParameterTable(
    "toy",
    1,
    [
        Parameter("a.level", "continuous", 0.0, 1.0, 1.0),
        Parameter("a.kind", "categorical", 0.0, 2.0, 0.0, choices=("x", "y", "z")),
        Parameter("a.on", "boolean", 0.0, 1.0, 1.0),
    ],
)


@pytest.fixture(scope="module")
def folder(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    save_regression(renderer.table, folder)
    save_proxy(renderer.table, folder)
    return folder


@pytest.fixture(scope="module")
def agent(renderer: Renderer, folder: Path) -> ProxyPlanner:
    return ProxyPlanner(renderer, folder / "proxy", folder / "regression")


@pytest.fixture
def start(renderer: Renderer, target_u: np.ndarray) -> np.ndarray:
    """(P,), a preset."""
    return renderer.table.snap(target_u)[0]


# The network


def test_a_choice_is_read_by_its_bin_and_an_ordered_knob_by_its_place() -> None:
    net = ProxyNet(TOY, ProxyConfig(8, 1), torch_generator(0, "toy"))
    played = torch.tensor([[0.5, 0.7, 0.5]])

    def said(level: float, kind: float, on: float) -> torch.Tensor:
        return net(torch.tensor([[level, kind, on]], dtype=torch.float64), played)[0]

    assert torch.equal(said(0.2, 0.34, 0.9), said(0.2, 0.6, 0.6))  # the middle third, and on
    for other in (said(0.21, 0.5, 0.9), said(0.2, 0.2, 0.9), said(0.2, 0.8, 0.9), said(0.2, 0.5, 0.4)):
        assert not torch.allclose(said(0.2, 0.5, 0.9), other)
    assert torch.equal(said(0.2, 1.0, 1.0), said(0.2, 0.7, 0.7))  # the end of the range is in the last bin


def test_the_first_layer_sees_values_then_options_then_the_probe() -> None:
    net = ProxyNet(TOY, ProxyConfig(8, 0), torch_generator(0, "toy"))
    seen: list[torch.Tensor] = []
    net.first.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    net(torch.tensor([[0.75, 0.5, 0.9]]), torch.tensor([[0.46, 0.83, 0.52]]))
    assert seen[0][0].tolist() == pytest.approx([0.75, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0], abs=1e-6)


def test_a_preset_is_said_alike_whatever_is_beside_it(renderer: Renderer, folder: Path) -> None:
    net, _ = load_proxy(renderer.table, folder / "proxy")
    u, played = torch.rand(5, len(renderer.table), generator=torch_generator(1, "u")), torch.full((5, 3), 0.5)
    assert torch.allclose(net(u, played)[2:3], net(u[2:3], played[2:3]), atol=1e-5)
    assert net(u, played).shape == (5, SIZE)


def test_weights_of_another_kind_are_refused(renderer: Renderer, folder: Path) -> None:
    with pytest.raises(IncompatibleVersionError, match="for the kind “regression”, not “proxy”"):
        load_proxy(renderer.table, folder / "regression")


def test_a_card_of_other_networks_is_told_in_a_sentence(renderer: Renderer, tmp_path: Path) -> None:
    path = save_proxy(renderer.table, tmp_path).with_suffix(".json")
    path.write_text(path.read_text().replace('"hidden": 16', '"hidden": 8'))
    with pytest.raises(MynaError, match="does not tell what they are"):
        load_proxy(renderer.table, tmp_path / "proxy")


# Plans


def planned(agent: ProxyPlanner, task: Objective, u: np.ndarray, target: np.ndarray) -> Plan:
    """A plan from u (P,) whose proxy and ears are exact and whose target is how `target` (P,) sounds."""
    aim = agent.ear.aim(task.goal.audio, task.goal.probe)
    plan = Plan(agent.net, agent.ear, task, aim, u, task.goal.audio)
    look_exactly(plan, u, target)
    return plan


def test_a_step_finds_the_knobs_where_the_proxy_is_right(agent: ProxyPlanner, objective, start, rng) -> None:
    task = objective(1)
    knobs = np.flatnonzero(audible_knobs(task.table, start) & ~task.table.discrete)
    target = start.copy()
    target[knobs] = np.clip(target[knobs] + rng.uniform(-0.08, 0.08, len(knobs)), 0.0, 1.0)
    found = planned(agent, task, start, target).turned(0.1)
    assert np.abs(found - target)[knobs].max() < 0.01 < np.abs(start - target)[knobs].max()


def test_no_knob_is_turned_further_than_the_box_or_where_it_cannot_be_heard(
    agent: ProxyPlanner, objective, start, rng
) -> None:
    task = objective(1)
    target = np.clip(start + 0.5, 0.0, 1.0)
    plan = planned(agent, task, start, target)
    moved = np.abs(plan.turned(0.05) - start)
    still = task.table.categorical | ~audible_knobs(task.table, start)
    assert moved[~task.table.discrete].max() <= 0.05 + 1e-12 and moved[still].max() == 0.0
    assert moved.max() > 0.04


def test_the_best_change_of_a_choice_is_found_and_not_tried_again_where_it_failed(
    agent: ProxyPlanner, objective, start
) -> None:
    task = objective(10)
    column = task.table.index["osc_a.table"]
    target = start.copy()
    target[column] = (target[column] + 0.4) % 1.0
    target = task.table.snap(target)
    plan = planned(agent, task, start, target)
    assert np.flatnonzero(plan.changed() != start).tolist() == [column]
    assert np.array_equal(plan.changed(), target)
    likely = plan.likely()
    row = np.flatnonzero(task.table.categorical).tolist().index(column)
    assert np.unravel_index(likely.argmax(), likely.shape) == (row, int(target[column] * task.table.steps[column]))
    # It was heard, and was no better.
    task.losses, task.heard, task.audio = np.array([np.inf]), target[None], task.goal.audio[None]
    plan.net, plan._mistakes = Linear(task.table), type(plan._mistakes)()  # pyright: ignore[reportAttributeAccessIssue]
    assert not plan.keep()
    assert not np.array_equal(plan.changed(), target)


def test_where_no_change_helps_none_is_made(agent: ProxyPlanner, objective, start) -> None:
    assert len(planned(agent, objective(1), start, start).changed()) == 0


# What it was wrong by


class Small(Linear):
    """Within what a summary is clipped to."""

    def __init__(self, table: ParameterTable) -> None:
        super().__init__(table)
        self.slope, self.adds = 0.02 * self.slope, 0.02 * self.adds


class Wrong(Small):
    """Knows what every knob does but for one number of the summary, which it tells too low the more a knob is up."""

    def __call__(self, u: torch.Tensor, played: torch.Tensor) -> torch.Tensor:
        said = super().__call__(u, played)
        said[:, 0] -= 3.0 * u[:, self.knobs[0]].float()
        return said


def wrong_plan(agent: ProxyPlanner, task: Objective, u: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan from u (P,) by a proxy that is wrong, and ears that hear what is right."""
    plan = planned(agent, task, u, u)
    right = Small(task.table)
    plan.net = Wrong(task.table)  # pyright: ignore[reportAttributeAccessIssue] - it is called alike
    plan._mistakes = type(plan._mistakes)()
    # A sound is a preset here: it is heard as it really would be.
    heard = {"hear": lambda sound, aim: Impression(right(torch.from_numpy(sound[:, 0]), aim.played), None, None)}
    monkeypatch.setattr(plan, "ear", SimpleNamespace(**heard))
    plan.move_to(u, u[None])
    return plan


def test_what_was_heard_puts_the_proxy_right_nearby_and_one_preset_alone_does_not(
    agent: ProxyPlanner, objective, start: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = objective(1)
    knob = int(np.flatnonzero(~task.table.categorical)[0])
    start = start.copy()
    start[knob] = 0.3
    plan, right = wrong_plan(agent, task, start, monkeypatch), Small(task.table)

    def off(value: float) -> float:
        u = start.copy()
        u[knob] = value
        there = torch.from_numpy(u)[None]
        return float((plan.said(there) - right(there, plan.aim.played))[0, 0])

    assert off(0.3) == pytest.approx(0.0, abs=1e-3) and off(0.5) == pytest.approx(-0.6, abs=1e-3)
    higher = start.copy()
    higher[knob] = 0.5
    plan.learn(higher[None], higher[None, None])
    assert off(0.3) == pytest.approx(0.0, abs=0.01) and off(0.5) == pytest.approx(0.0, abs=0.01)
    assert abs(off(0.4)) < 0.05 < 0.3 and abs(off(0.6)) < 0.25 < 0.9
    plan.move_to(higher, higher[None])  # the same from there
    assert off(0.3) == pytest.approx(0.0, abs=0.01) and off(0.5) == pytest.approx(0.0, abs=0.01)


def test_only_what_was_heard_last_is_remembered(agent: ProxyPlanner, objective, start, monkeypatch) -> None:
    monkeypatch.setattr(proxy_view, "_MOST", 3)
    plan = wrong_plan(agent, objective(1), start, monkeypatch)
    for _ in range(5):
        plan.learn(start[None], start[None, None])
    assert len(plan._mistakes) == 3


# The agent


def test_its_first_render_is_the_guess_and_all_are_spent(agent: ProxyPlanner, goal: Goal, folder: Path) -> None:
    (match,) = agent.match([goal], 20, generator(0, "match"))
    (guess,) = Regression(agent.renderer, folder / "regression").match([goal], 1, generator(0, "match"))
    assert np.array_equal(match.archive._u[0][0], guess.u)
    assert match.renders == 20
    assert match.loss <= guess.loss


def test_a_match_is_the_same_bits_alone_and_beside_others(agent: ProxyPlanner, goal: Goal, renderer: Renderer) -> None:
    other = Goal(goal.audio[:, ::-1].copy(), goal.probe, "other")
    beside = agent.match([other, goal], 12, generator(0, "match"))[1]
    (alone,) = agent.match([goal], 12, generator(0, "match"))
    assert np.array_equal(np.concatenate(beside.archive._u), np.concatenate(alone.archive._u))
    assert beside.loss == alone.loss


def test_the_box_grows_with_success_and_shrinks_with_failure_of_its_own_steps(
    agent: ProxyPlanner, objective, start: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = objective(1)
    plan = planned(agent, task, start, start)
    told: list[tuple[float, bool]] = []
    monkeypatch.setattr(plan, "turned", lambda reach, rng: told.append((reach, rng is None)) or plan.u)
    monkeypatch.setattr(plan, "move_to", lambda u, audio: None)
    monkeypatch.setattr(plan, "learn", lambda u, audio: None)
    task.heard, task.audio = start[None], task.goal.audio[None]

    def heard(better: bool) -> None:
        task.losses = np.array([1.0 if plan.loss == np.inf else plan.loss - 0.01 if better else plan.loss + 0.01])
        assert plan.keep() is better

    for better in (True, False, False, False, False, False, True):
        plan.step(np.random.default_rng(0))
        heard(better)
    heard(False)  # somebody else's try says nothing of the box
    plan.step(np.random.default_rng(0))
    assert [reach for reach, _ in told] == pytest.approx([0.2, 0.26, 0.13, 0.065, 0.0325, 0.01625, 0.2, 0.26])
    # After a failure half of what is heard is left out.
    assert [whole for _, whole in told] == [True, True, False, False, False, False, False, True]


def test_what_another_finds_ends_a_plan_that_failed(
    agent: ProxyPlanner, objective, start: np.ndarray, monkeypatch
) -> None:
    task = objective(1)
    plan = planned(agent, task, start, start)
    told: list[bool] = []
    monkeypatch.setattr(plan, "turned", lambda reach, rng: told.append(rng is None) or plan.u)
    task.heard, task.audio = start[None], task.goal.audio[None]
    plan.loss = 0.5
    for loss, step in ((0.6, True), (0.55, False), (0.6, True), (0.4, False), (0.6, True)):
        if step:
            plan.step(np.random.default_rng(0))
        task.losses = np.array([loss])
        plan.keep()
    assert told == [True, False, True]


def test_locked_knobs_never_move(agent: ProxyPlanner, goal: Goal, start: np.ndarray) -> None:
    frozen = agent.renderer.table.mask(["osc_a", "filter"])
    locked = Goal(goal.audio, goal.probe, goal.name, frozen, start)
    (match,) = agent.match([locked], 12, generator(0, "match"))
    tried = np.concatenate(match.archive._u)
    assert (tried[:, frozen] == start[frozen]).all()
    assert np.ptp(tried, axis=0).max() > 0.0


def test_it_proposes_single_choices(agent: ProxyPlanner, objective, start: np.ndarray) -> None:
    task = objective(1)
    proposed = agent.propose(task, start, task.goal.audio, 3, np.random.default_rng(0))
    assert 1 <= len(proposed) <= 3
    assert all(task.table.categorical[np.flatnonzero(one != start)].tolist() == [True] for one in proposed)
