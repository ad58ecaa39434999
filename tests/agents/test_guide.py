"""What guides a polish: its shape, which draws are heard, planned steps, and that each render corrects it."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.agents.exact import Linear, look_exactly
from tests.agents.nets import save_proxy, save_regression

from myna.agents import Goal, Objective
from myna.agents.cma_es import Polish
from myna.agents.guide import PLANNED, SCREENED, Guide
from myna.agents.knobs import audible_knobs
from myna.agents.polished import Polished
from myna.agents.proxy import ProxyPlanner
from myna.agents.proxy_view import ProxyView
from myna.seeding import generator
from myna.synth.renderer import Renderer


@pytest.fixture(scope="module")
def agent(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> ProxyPlanner:
    folder: Path = tmp_path_factory.mktemp("weights")
    save_regression(renderer.table, folder)
    save_proxy(renderer.table, folder)
    return ProxyPlanner(renderer, folder / "proxy", folder / "regression")


@pytest.fixture
def start(renderer: Renderer, target_u: np.ndarray) -> np.ndarray:
    """(P,), a preset."""
    return renderer.table.snap(target_u)[0]


@pytest.fixture
def knobs(renderer: Renderer, start: np.ndarray) -> np.ndarray:
    """Those that a polish of it moves."""
    return np.flatnonzero(audible_knobs(renderer.table, start) & ~renderer.table.discrete)


@pytest.fixture
def target(start: np.ndarray, knobs: np.ndarray) -> np.ndarray:
    """(P,), a preset near it."""
    near = start.copy()
    near[knobs] = np.clip(near[knobs] + np.random.default_rng(5).uniform(-0.04, 0.04, len(knobs)), 0.0, 1.0)
    return near


def exactly(agent: ProxyPlanner, task: Objective, u: np.ndarray, target: np.ndarray) -> ProxyView:
    """A view from u (P,) that is exact."""
    view = agent.foretell(task)
    view.move_to(u, task.goal.audio)
    look_exactly(view, u, target)
    return view


def guided(agent: ProxyPlanner, task: Objective, u: np.ndarray, target: np.ndarray) -> Guide:
    """A guide from u (P,) that is exact."""
    guide = Guide(agent.foretell(task), u, task.goal.audio, np.random.default_rng(0))
    look_exactly(guide._view, u, target)
    return guide


# The shape


def test_a_shape_moves_what_does_little_far_and_is_heard_alike_in_every_direction(
    agent: ProxyPlanner, objective, start: np.ndarray
) -> None:
    task = objective(1)
    knobs = np.flatnonzero(audible_knobs(task.table, start) & ~task.table.discrete)
    view = exactly(agent, task, start, np.clip(start + 0.2, 0.0, 1.0))
    exact = view.net
    assert isinstance(exact, Linear)
    exact.slope[knobs[0]] *= 10.0
    exact.slope[knobs[2]] = exact.slope[knobs[1]] + 0.1 * exact.slope[knobs[2]]  # nearly the same knob twice
    view._heard = exact(torch.from_numpy(start)[None], torch.empty(1, 3))
    shape = view.covariance(knobs)
    assert np.allclose(shape, shape.T) and np.trace(shape) == pytest.approx(len(knobs))
    assert np.linalg.eigvalsh(shape).min() > 0.0
    variances = np.diag(shape)
    assert variances[0] == variances.min() < 0.1 * np.median(variances)
    assert shape[1, 2] < -0.3 * np.sqrt(variances[1] * variances[2])
    curvature, _ = view.curvature(*view.jacobian(start, knobs))
    rest = np.linalg.inv(shape) / (np.trace(np.linalg.inv(shape)) / len(knobs))
    wanted = curvature / np.diag(curvature).mean() + 0.1 * np.eye(len(knobs))
    assert np.allclose(rest, wanted / (np.trace(wanted) / len(knobs)), atol=1e-6)


def test_the_shape_of_a_preset_that_was_not_heard_is_as_the_proxy_hears_it(
    agent: ProxyPlanner, objective, start: np.ndarray, knobs: np.ndarray
) -> None:
    task = objective(1)
    for audio in (task.goal.audio, None):
        shape = Guide(agent.foretell(task), start, audio, np.random.default_rng(0)).covariance(knobs)
        assert shape.shape == (len(knobs), len(knobs)) and np.isfinite(shape).all()


def test_a_polish_begins_in_the_shape_that_its_guide_gives(
    agent: ProxyPlanner, objective, start: np.ndarray, knobs: np.ndarray
) -> None:
    task = objective(1)

    class Narrow(Guide):
        def covariance(self, knobs: np.ndarray) -> np.ndarray:
            diagonal = np.full(len(knobs), 1e-9)
            diagonal[3] = len(knobs)
            return np.diag(diagonal)

    spread = {}
    for guide in (Narrow(agent.foretell(task), start, task.goal.audio, np.random.default_rng(0)), None):
        polish = Polish(task, start, np.random.default_rng(1), guide=guide)
        spread[guide is None] = np.ptp(polish._drawn(), axis=0)
    widest, others = knobs[3], np.delete(knobs, 3)
    assert spread[False][widest] > 0.02 > 1e-3 > spread[False][others].max()
    assert np.median(spread[True][others]) > 0.02


# What is heard


def test_the_draws_that_are_nearest_are_heard(
    agent: ProxyPlanner, objective, start: np.ndarray, target: np.ndarray, knobs: np.ndarray
) -> None:
    guide = guided(agent, objective(1), start, target)
    rng = np.random.default_rng(2)
    u = np.repeat(start[None], 9, axis=0)
    u[:, knobs] = np.clip(u[:, knobs] + rng.normal(0.0, 0.1, (9, len(knobs))), 0.0, 1.0)
    u[4] = target
    exact = Linear(agent.renderer.table)
    heard = exact(torch.from_numpy(np.concatenate([u, target[None]])), torch.empty(10, 3))
    nearest = guide._view.distances(u).argsort()
    assert guide.screen(u, 3).tolist() == nearest[:3].tolist()
    assert nearest[0] == 4 and torch.equal(heard[4], heard[9])


def test_a_generation_is_the_best_of_its_draws_and_planned_steps_at_its_end(
    agent: ProxyPlanner, objective, start: np.ndarray, target: np.ndarray, knobs: np.ndarray
) -> None:
    task = objective(1)
    guide = guided(agent, task, start, target)
    drawn = Polish(task, start, np.random.default_rng(1), guide=guide)._drawn(SCREENED)
    asked = next(Polish(task, start, np.random.default_rng(1), guide=guide).generation())
    far = guide._view.distances(drawn)
    assert len(drawn) == SCREENED * len(asked)
    assert np.array_equal(asked[:-PLANNED], drawn[far.argsort(kind="stable")[: len(asked) - PLANNED]])
    assert np.abs(asked[-PLANNED] - target)[knobs].max() < 0.01  # where the model is right it finds the target
    assert guide._view.distances(asked[-PLANNED:]).max() < far.min()
    still = np.setdiff1d(np.arange(len(start)), knobs)
    assert (asked[:, still] == start[still]).all()


def test_planned_steps_keep_to_a_box_that_grows_with_success_and_shrinks_with_failure(
    agent: ProxyPlanner, objective, start: np.ndarray, knobs: np.ndarray
) -> None:
    far = start.copy()
    far[knobs] = np.where(far[knobs] > 0.5, far[knobs] - 0.5, far[knobs] + 0.5)
    guide = guided(agent, objective(1), start, far)

    def widths() -> list[float]:
        return np.abs(guide.plan() - start)[:, knobs].max(1).tolist()

    assert widths() == pytest.approx([0.1, 0.05])
    guide.judge(True)
    assert widths() == pytest.approx([0.13, 0.065])
    guide.judge(False)
    assert widths() == pytest.approx([0.091, 0.0455])
    for _ in range(20):
        guide.judge(False)
    assert widths() == pytest.approx([0.01, 0.005])
    for _ in range(20):
        guide.judge(True)
    assert widths() == pytest.approx([0.3, 0.15])


def test_a_plan_that_failed_is_not_made_again(
    agent: ProxyPlanner, objective, start: np.ndarray, target: np.ndarray
) -> None:
    guide = guided(agent, objective(1), start, np.clip(target + 0.2, 0.0, 1.0))
    first = guide.plan()[0]
    assert np.array_equal(first, guide.plan()[0])
    guide.judge(False)
    guide._reach = 0.1
    assert not np.array_equal(first, guide.plan()[0])


def test_every_render_corrects_it_and_it_looks_from_the_best(
    agent: ProxyPlanner, objective, start: np.ndarray, target: np.ndarray
) -> None:
    task = objective(1)
    guide = Guide(agent.foretell(task), start, task.goal.audio, np.random.default_rng(0))
    u = np.stack([start, target, np.clip(target + 0.1, 0.0, 1.0)])
    audio = agent.renderer.render(u, task.goal.probe)[:, 0]
    heard = agent.ear.hear(audio, guide._view.aim).summary
    before = (guide._view.said(torch.from_numpy(u)) - heard).abs().mean()
    guide.learn(u[1:], audio[1:], None)
    assert np.array_equal(guide._view.u, start)
    assert (guide._view.said(torch.from_numpy(u)) - heard).abs().mean() < 0.1 * before
    guide.learn(u[1:], audio[1:], 0)
    assert np.array_equal(guide._view.u, target)
    guide.learn(u[:1], audio[:1], 0)  # the only one, and the best
    assert np.array_equal(guide._view.u, start)


# Searches


def test_a_guided_polish_is_the_same_bits_alone_and_beside_others_and_spends_what_it_has(
    agent: ProxyPlanner, goal: Goal
) -> None:
    other = Goal(goal.audio[:, ::-1].copy(), goal.probe, "other")
    beside = Polished(agent).match([other, goal], 40, generator(0, "match"))[1]
    (alone,) = Polished(agent).match([goal], 40, generator(0, "match"))
    (plain,) = Polished(agent, guided=False).match([goal], 40, generator(0, "match"))
    assert alone.renders == beside.renders == plain.renders == 40
    assert np.array_equal(np.concatenate(beside.archive._u), np.concatenate(alone.archive._u))
    assert not np.array_equal(np.concatenate(plain.archive._u), np.concatenate(alone.archive._u))


def test_a_guided_polish_moves_no_knob_that_is_locked(agent: ProxyPlanner, goal: Goal, start: np.ndarray) -> None:
    frozen = agent.renderer.table.mask(["osc_a", "filter"])
    locked = Goal(goal.audio, goal.probe, goal.name, frozen, start)
    (match,) = Polished(agent).match([locked], 40, generator(0, "match"))
    tried = np.concatenate(match.archive._u)
    assert (tried[:, frozen] == start[frozen]).all()
    assert np.ptp(tried, axis=0).max() > 0.0


def test_where_nothing_is_foretold_nothing_guides(agent: ProxyPlanner, goal: Goal) -> None:
    class Ignorant(ProxyPlanner):
        def foretell(self, objective):
            return None

    ignorant = copy.copy(agent)
    ignorant.__class__ = Ignorant
    tried = [
        np.concatenate(polished.match([goal], 30, generator(0, "match"))[0].archive._u)
        for polished in (Polished(ignorant), Polished(agent, guided=False))
    ]
    assert np.array_equal(*tried)
