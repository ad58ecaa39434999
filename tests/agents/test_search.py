"""The agents: budgets, seeds, locks and stops, and that each one's idea pays."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from myna.agents import AGENTS, Agent, Goal, Match, Objective, Search, Watch, make_agent, polished
from myna.agents.descent import Descent
from myna.agents.mean_preset import mean_of_prior, typical_preset
from myna.agents.polished import Polished
from myna.agents.random_search import RandomSearch
from myna.agents.registry import plan
from myna.agents.swaps import GROUPS, change_choices, swap_modules
from myna.errors import UsageError
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.renderer import Renderer

from .conftest import drive, hear

# The learned agents have tests of their own: they need weights.
LEARNED = (
    "regression",
    "cloning",
    "sac",
    "proxy",
    *(name for name in AGENTS if name == "auto" or ("+" in name and not name.startswith("retrieval"))),
)
SEARCHES = [name for name in AGENTS if name not in LEARNED]
# What an agent spends when it has more than it can use; the test's bank holds 25 presets that can be heard.
MOST = {"mean-preset": 1, "retrieval": 25}


@pytest.fixture
def match(renderer: Renderer, goal: Goal):
    """Runs an agent on the goal: match(name or agent, budget, **locks)."""

    def run(agent: str | Agent, budget: int, seed: int = 0, watch: Watch | None = None, **locks) -> Match:
        made = make_agent(agent, renderer) if isinstance(agent, str) else agent
        goals = [dataclasses.replace(goal, **locks)]
        return made.match(goals, budget, generator(seed, "run"), watch=watch)[0]

    return run


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("budget", [1, 7, 50])
def test_an_agent_spends_its_budget_and_no_more(match, name: str, budget: int) -> None:
    found = match(name, budget)
    assert found.renders == min(budget, MOST.get(name, budget))
    assert np.isfinite(found.loss)
    assert found.u.min() >= 0.0
    assert found.u.max() <= 1.0


@pytest.mark.parametrize("name", SEARCHES)
def test_the_same_seed_gives_the_same_bits_whatever_the_threads(match, goal: Goal, name: str) -> None:
    one = match(name, 90)
    two = make_agent(name, Renderer(threads=2)).match([goal], 90, generator(0, "run"))[0]
    assert np.array_equal(one.u, two.u)
    assert one.curve == two.curve
    assert np.array_equal(one.audio, two.audio)


@pytest.mark.parametrize("name", [name for name in SEARCHES if name not in MOST])
def test_another_seed_searches_elsewhere(match, name: str) -> None:
    assert match(name, 90, seed=1).curve != match(name, 90, seed=2).curve


@pytest.fixture(scope="module")
def start(renderer: Renderer) -> np.ndarray:
    return MusicalPrior(renderer.table).sample(1, generator(4, "start"))[0]


@pytest.mark.parametrize("name", SEARCHES)
def test_locked_modules_keep_their_values(match, renderer, start, name: str) -> None:
    frozen = renderer.table.mask(["env_1", "osc_a"])
    assert np.array_equal(match(name, 60, frozen=frozen, start=start).u[frozen], start[frozen])


@pytest.mark.parametrize("name", SEARCHES)
def test_everything_locked_still_gives_the_start(match, renderer, start, name: str) -> None:
    table = renderer.table
    assert np.array_equal(match(name, 20, frozen=table.mask(table.modules), start=start).u, start)


@pytest.mark.parametrize("name", [name for name in SEARCHES if name not in MOST])
def test_a_stop_keeps_the_best_so_far(match, name: str) -> None:
    spent: list[int] = []
    watch = Watch(progress=lambda *news: spent.append(news[0]), stop=lambda: bool(spent) and spent[-1] >= 20)
    found = match(name, 500, watch=watch)
    assert 20 <= found.renders < 120
    assert found.loss == found.curve[-1][1]


def test_auto_is_at_least_as_good_as_the_start_it_was_given(match, objective, target_u) -> None:
    start = np.clip(target_u[0] + 0.05, 0, 1)
    given = hear(objective(1), start[None])[0]
    assert match("auto", 2, start=start).loss <= given


class Knows(Agent):
    """Answers with a given preset, again and again."""

    def __init__(self, renderer: Renderer, u: np.ndarray) -> None:
        super().__init__(renderer)
        self.u = u
        self.left: list[int] = []

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        while True:
            self.left.append(objective.left)
            yield np.repeat(self.u, 3, axis=0)


@pytest.mark.parametrize(("budget", "share"), [(1, 1), (7, 1), (50, 8), (120, 16)])
def test_a_polish_gives_the_first_agent_its_share(renderer, match, target_u, budget: int, share: int) -> None:
    agent = Knows(renderer, target_u)
    assert match(Polished(agent), budget).renders == budget
    assert agent.left == list(range(share, 0, -3))


@pytest.mark.parametrize(
    ("name", "budgets"),
    [("regression+cma-es", (100, 150)), ("retrieval+cma-es", (100, 150)), ("policy+cma-es", (100, 150)),
     ("proxy+descent", (210, 250)), ("auto", (610, 660))],
)  # fmt: skip
def test_a_longer_search_of_the_same_plan_begins_as_the_shorter_one(match, name: str, budgets: tuple[int, int]) -> None:
    short, long = (match(name, budget) for budget in budgets)
    assert len({plan(name, budget) for budget in budgets}) == 1
    assert short.curve == [(at, loss) for at, loss in long.curve if at <= budgets[0]]


def test_a_polish_makes_a_start_better(renderer, match, objective, start) -> None:
    assert match(Polished(Knows(renderer, start[None])), 120).loss < 0.9 * hear(objective(1), start[None])[0]


@pytest.mark.parametrize(("budget", "races"), [(100, 1), (600, 2)])
def test_a_polish_races_starts_that_differ_where_the_budget_allows(
    renderer, match, monkeypatch: pytest.MonkeyPatch, budget: int, races: int
) -> None:
    begun: list[np.ndarray] = []
    make = polished.Polish
    monkeypatch.setattr(polished, "Polish", lambda task, u, *more: begun.append(u) or make(task, u, *more))
    spent = [0]
    watch = Watch(progress=lambda *news: spent.append(news[0]), stop=lambda: spent[-1] >= 60)
    match(Polished(RandomSearch(renderer), heat=1), budget, watch=watch)
    assert len(begun) == races
    assert len(np.unique(begun, axis=0)) == races


def test_cat_cma_gives_real_choices_and_finite_presets(renderer, match) -> None:
    rows: list[np.ndarray] = []
    found = match("cat-cma-es", 100, watch=Watch(log=lambda index, u, losses, features: rows.append(u)))
    u = np.concatenate(rows)
    assert np.isfinite(u).all()
    assert np.array_equal(u, renderer.table.snap(u))
    assert len(u) == found.renders == 100
    chosen = u[:, renderer.table.discrete]
    assert np.mean(np.ptp(chosen, axis=0) > 0) > 0.5


@pytest.mark.parametrize("name", ["cma-es", "cat-cma-es", "retrieval", "retrieval+cma-es", "auto"])
def test_an_agent_beats_what_hears_nothing(match, name: str) -> None:
    assert match(name, 150).loss < 0.9 * match("mean-preset", 1).loss


def test_an_unknown_agent_is_refused_by_name(renderer) -> None:
    with pytest.raises(UsageError, match="no agent 'oracle'; choose one of random, mean-preset, retrieval, cma-es"):
        make_agent("oracle", renderer)


def descend(task: Objective, u: np.ndarray, rng: np.random.Generator) -> list[float]:
    """Losses of a descent from u (P,): at its start, and after each round until 60 renders are left."""
    losses: list[float] = []

    def search() -> Search:
        first = yield u[None]
        descent = Descent(task, task.heard[0], float(first[0]), task.residuals()[0])
        losses.append(descent.loss)
        while task.left > 60:
            yield from descent.run(rng)
            losses.append(descent.loss)

    drive(task, search())
    return losses


def test_a_descent_finds_its_way_back_from_knobs_turned_a_little(objective, renderer, target_u, rng) -> None:
    table = renderer.table
    task, u = objective(150), target_u[0].copy()
    for name, step in (("master.volume_db", -0.2), ("env_1.decay_s", 0.1), ("osc_a.position", 0.1)):
        u[table.index[name]] = np.clip(u[table.index[name]] + step, 0, 1)
    losses = descend(task, u, rng)
    assert losses[-1] < 0.4 * losses[0]
    assert losses[-1] == task.best_loss


def test_a_descent_never_goes_up(objective, rng) -> None:
    task = objective(160)
    losses = descend(task, MusicalPrior(task.table).sample(1, rng)[0], rng)
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


def test_cold_cma_improves_on_its_start(match, objective, renderer) -> None:
    assert match("cma-es", 120).loss < hear(objective(1), mean_of_prior(renderer.table)[None])[0]


def test_the_mean_preset_has_the_commonest_choices_and_the_mean_of_the_rest(renderer) -> None:
    table = renderer.table
    u = typical_preset(table)
    assert np.array_equal(u, table.snap(u))
    assert np.array_equal(u[~table.discrete], mean_of_prior(table)[~table.discrete])
    drawn = table.snap(MusicalPrior(table).sample(400, generator(11, "draws")))
    common = np.mean(np.abs(drawn - u) < 1e-9, axis=0)[table.discrete]
    assert np.all(common > 0.5 / table.steps[table.discrete])


def test_auto_beats_random_and_cold_search(match) -> None:
    auto, random, cold = (
        np.median([match(name, 150, seed).loss for seed in range(2)]) for name in ("auto", "random", "cma-es")
    )
    assert auto < 0.9 * random
    assert auto < 0.9 * cold
