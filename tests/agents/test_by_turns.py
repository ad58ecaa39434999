"""An agent that edits as its policy does and plans by its proxy, by turns, each from the best of both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.agents.nets import save_actor

from myna.agents import Goal
from myna.agents.by_turns import ByTurns
from myna.agents.proxy import Plan
from myna.agents.regression import Regression
from myna.errors import UsageError
from myna.seeding import generator
from myna.synth.renderer import Renderer


@pytest.fixture(scope="module")
def agent(renderer: Renderer, folder: Path) -> ByTurns:
    return ByTurns(renderer, weights=folder / "sac", guess=folder / "regression")


@pytest.fixture
def start(renderer: Renderer, target_u: np.ndarray) -> np.ndarray:
    return renderer.table.snap(target_u)[0]


def tried(agent: ByTurns, goal: Goal, budget: int) -> np.ndarray:
    """All presets (budget, P), in the order in which they were heard."""
    (match,) = agent.match([goal], budget, generator(0, "match"))
    assert match.renders == budget
    return np.concatenate(match.archive._u)


def test_it_begins_with_the_guess_and_every_second_step_is_planned(
    agent: ByTurns, goal: Goal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (guess,) = Regression(agent.renderer, folder / "regression").match([goal], 1, generator(0, "match"))
    planned: list[np.ndarray] = []
    real = Plan.step
    monkeypatch.setattr(Plan, "step", lambda plan, rng: planned.append(real(plan, rng)) or planned[-1])
    presets = tried(agent, goal, 10)
    assert np.array_equal(presets[0], guess.u)
    assert np.array_equal(presets[2::2], planned)
    assert not any(np.array_equal(preset, plan) for preset in presets[1::2] for plan in planned)


def test_both_go_on_from_the_best_of_both(agent: ByTurns, goal: Goal) -> None:
    (match,) = agent.match([goal], 24, generator(0, "match"))
    presets, losses = np.concatenate(match.archive._u), np.concatenate(match.archive._losses)
    table = agent.renderer.table
    ordered = ~table.discrete
    for step in range(1, 24):
        best = presets[losses[:step].argmin()]
        reach = agent.bound if step % 2 else 1.0
        assert np.abs(presets[step] - best)[ordered].max() <= reach + 1e-9
        if step % 2 == 0:  # a plan turns knobs and changes no choice
            assert np.array_equal(presets[step][table.categorical], best[table.categorical])


def test_locked_knobs_never_move(agent: ByTurns, goal: Goal, start: np.ndarray) -> None:
    frozen = agent.renderer.table.mask(["osc_a", "filter"])
    presets = tried(agent, Goal(goal.audio, goal.probe, goal.name, frozen, start), 9)
    assert (presets[:, frozen] == start[frozen]).all()
    assert np.ptp(presets, axis=0).max() > 0.0


def test_a_match_is_the_same_bits_alone_and_beside_others(agent: ByTurns, goal: Goal) -> None:
    other = Goal(goal.audio[:, ::-1].copy(), goal.probe, "other")
    beside = agent.match([other, goal], 9, generator(0, "match"))[1]
    assert np.array_equal(np.concatenate(beside.archive._u), tried(agent, goal, 9))


def test_a_policy_without_foresight_cannot_plan(renderer: Renderer, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a policy needs foresight"):
        ByTurns(renderer, weights=save_actor(renderer.table, tmp_path), guess=folder / "regression")
