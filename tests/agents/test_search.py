"""The agents: budgets, seeds, locks and stops, and that each one's idea pays."""

from __future__ import annotations

import numpy as np
import pytest

from myna.agents import AGENTS, make_agent
from myna.agents.auto import Auto
from myna.agents.cma_es import ColdCMA, _mean_preset
from myna.agents.descent import Descent
from myna.agents.random_search import RandomSearch
from myna.agents.swaps import GROUPS, change_choices, swap_modules
from myna.errors import UsageError
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.renderer import Renderer


@pytest.mark.parametrize("name", list(AGENTS))
@pytest.mark.parametrize("budget", [1, 2, 7, 61])
def test_an_agent_spends_its_budget_and_no_more(objective, rng, name: str, budget: int) -> None:
    match = make_agent(name).match(objective(budget), rng)
    reachable = 24 if name == "retrieval" else budget  # the test's bank holds no more
    assert match.renders == min(budget, reachable)
    assert np.isfinite(match.loss)
    assert match.u.min() >= 0.0
    assert match.u.max() <= 1.0


@pytest.mark.parametrize("name", list(AGENTS))
def test_the_same_seed_gives_the_same_bits_whatever_the_threads(objective, name: str) -> None:
    one = make_agent(name).match(objective(90), generator(1, "run"))
    two = make_agent(name).match(objective(90, renderer=Renderer(threads=2)), generator(1, "run"))
    assert np.array_equal(one.u, two.u)
    assert one.curve == two.curve
    assert np.array_equal(one.audio, two.audio)


@pytest.mark.parametrize("name", ["auto", "random", "cma-es"])
def test_another_seed_searches_elsewhere(objective, name: str) -> None:
    one = make_agent(name).match(objective(90), generator(1, "run"))
    two = make_agent(name).match(objective(90), generator(2, "run"))
    assert one.curve != two.curve


@pytest.mark.parametrize("name", list(AGENTS))
def test_locked_modules_keep_their_values(objective, rng, name: str) -> None:
    table = objective(1).table
    start = MusicalPrior(table).sample(1, generator(4, "start"))[0]
    frozen = table.mask(["env_1", "osc_a"])
    match = make_agent(name).match(objective(60, frozen=frozen, start=start), rng)
    assert np.array_equal(match.u[frozen], start[frozen])


@pytest.mark.parametrize("name", list(AGENTS))
def test_everything_locked_still_gives_the_start(objective, rng, name: str) -> None:
    table = objective(1).table
    start = MusicalPrior(table).sample(1, generator(4, "start"))[0]
    match = make_agent(name).match(objective(20, frozen=table.mask(table.modules), start=start), rng)
    assert np.array_equal(match.u, start)


@pytest.mark.parametrize("name", list(AGENTS))
def test_a_stop_keeps_the_best_so_far(objective, rng, name: str) -> None:
    task = objective(500)
    task.stop = lambda: task.renders >= 20
    match = make_agent(name).match(task, rng)
    assert 20 <= match.renders < 120
    assert match.loss == match.curve[-1][1]


def test_auto_is_at_least_as_good_as_the_start_it_was_given(objective, rng) -> None:
    task = objective(2)
    start = MusicalPrior(task.table).sample(1, generator(3, "target"))[0]
    given = objective(1, start=start)
    given.evaluate(start[None])
    assert Auto().match(objective(2, start=start), rng).loss <= given.best_loss


def test_an_unknown_agent_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="no agent 'oracle'; choose one of auto, random, retrieval, cma-es"):
        make_agent("oracle")


def test_a_descent_finds_its_way_back_from_knobs_turned_a_little(objective, renderer, rng) -> None:
    table = renderer.table
    task = objective(150)
    u = MusicalPrior(table).sample_audible(1, generator(3, "target"), lambda rows: renderer.render(rows, task.probe))[0]
    for name, step in (("master.volume_db", -0.2), ("env_1.decay_s", 0.1), ("osc_a.position", 0.1)):
        u[table.index[name]] = np.clip(u[table.index[name]] + step, 0, 1)
    first = float(task.evaluate(u[None])[0])
    descent = Descent(task, task.constrain(u[None])[0], first, task.residuals()[0])
    while task.left > 60:
        descent.run(rng)
    assert descent.loss < 0.4 * first
    assert descent.loss == task.best_loss


def test_a_descent_never_goes_up(objective, rng) -> None:
    task = objective(160)
    u = MusicalPrior(task.table).sample(1, rng)
    losses = [float(task.evaluate(u)[0])]
    descent = Descent(task, u[0], losses[0], task.residuals()[0])
    while task.left > 60:
        descent.run(rng)
        losses.append(descent.loss)
    assert losses == sorted(losses, reverse=True)


def test_swapped_modules_come_whole_from_a_donor(objective, rng) -> None:
    task = objective(1)
    table = task.table
    u, *donors = MusicalPrior(table).sample(5, rng)
    children = swap_modules(task, u, np.array(donors), 40, rng)
    for child in children:
        assert np.any(child != u) or any(np.array_equal(child, task.constrain(u[None])[0]) for _ in [0])
        for module in table.modules:
            mask = table.mask([module])
            assert any(np.array_equal(child[mask], parent[mask]) for parent in (u, *donors))
    assert {module for group in GROUPS for module in group} | {"master"} == set(table.modules)


def test_changed_choices_leave_continuous_knobs_alone(objective, rng) -> None:
    task = objective(1)
    u = MusicalPrior(task.table).sample(1, rng)[0]
    children = change_choices(task, u, 30, rng)
    assert np.array_equal(children[:, ~task.table.discrete], np.repeat(u[None, ~task.table.discrete], 30, axis=0))
    assert 1 <= np.max(np.sum(children != u, axis=1)) <= 2


def test_cold_cma_improves_on_its_start(objective, rng) -> None:
    task = objective(120)
    match = ColdCMA().match(task, rng)
    start = objective(1)
    start.evaluate(_mean_preset(task.table)[None])
    assert match.loss < start.best_loss


def test_auto_beats_random_and_cold_search(objective) -> None:
    def loss(agent, budget: int = 150) -> float:
        return np.median([agent.match(objective(budget), generator(seed, "race")).loss for seed in range(2)])

    auto = loss(Auto())
    assert auto < 0.9 * loss(RandomSearch())
    assert auto < 0.9 * loss(ColdCMA())
