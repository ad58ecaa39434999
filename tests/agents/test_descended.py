"""What climbs from an agent's bests: shares, races, jumps and proposals, and that it needs no bank of renders."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from myna.agents import Agent, Goal, Match, Objective, Search, Watch, make_agent
from myna.agents import climb as climbing
from myna.agents.climb import Candidate, Climb
from myna.agents.descended import Descended, plan
from myna.agents.random_search import RandomSearch
from myna.agents.registry import AGENTS
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.renderer import Renderer

from .conftest import drive, hear

NAMES = ["auto", *(name for name in AGENTS if name.endswith("+descent"))]
Run = Callable[..., Match]


class Knows(Agent):
    """Answers with a given preset again and again, and proposes it with one choice changed."""

    def __init__(self, renderer: Renderer, u: np.ndarray) -> None:
        super().__init__(renderer)
        self.u = u
        self.left: list[int] = []
        self.proposed: list[np.ndarray] = []

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        while True:
            self.left.append(objective.left)
            yield np.repeat(self.u, 3, axis=0)

    def propose(
        self, objective: Objective, u: np.ndarray, audio: np.ndarray, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        assert np.array_equal(u, objective.best_u)
        assert np.array_equal(audio, objective.best_audio)
        self.proposed.append(u)
        return np.repeat(u[None], count, axis=0)


@pytest.fixture
def match(goal: Goal) -> Run:
    def run(agent: Agent, budget: int, seed: int = 0, watch: Watch | None = None, **locks: np.ndarray) -> Match:
        return agent.match([dataclasses.replace(goal, **locks)], budget, generator(seed, "run"), watch=watch)[0]

    return run


@pytest.fixture(scope="module")
def start(renderer: Renderer) -> np.ndarray:
    return MusicalPrior(renderer.table).sample(1, generator(4, "start"))


@pytest.mark.parametrize(("budget", "first", "banked"), [(1, 1, 1), (7, 2, 1), (50, 15, 8), (120, 16, 16)])
def test_the_first_agent_and_the_bank_get_their_shares_and_the_budget_is_spent(
    renderer: Renderer, match: Run, target_u: np.ndarray, budget: int, first: int, banked: int
) -> None:
    heard: list[np.ndarray] = []
    agent, watch = Knows(renderer, target_u), Watch(log=lambda index, u, losses, features: heard.append(u))
    assert plan(budget)[:2] == (first, banked)
    assert match(Descended(agent), budget, watch=watch).renders == budget
    assert agent.left == list(range(first, 0, -3))
    after = np.concatenate(heard)[first : first + banked]
    assert len(after) == min(banked, budget - first)
    assert len(np.unique(after, axis=0)) == len(after)
    assert not np.any(np.all(after == target_u, axis=1))


def test_it_makes_a_start_much_better(
    renderer: Renderer, match: Run, objective: Callable[[int], Objective], start: np.ndarray
) -> None:
    first = hear(objective(1), start)[0]
    assert match(Descended(Knows(renderer, start)), 150).loss < 0.7 * first


@pytest.mark.parametrize(("budget", "races"), [(100, 1), (600, 2)])
def test_starts_that_differ_are_raced_where_the_budget_allows(
    renderer: Renderer, match: Run, monkeypatch: pytest.MonkeyPatch, budget: int, races: int
) -> None:
    begun: list[np.ndarray] = []
    make = climbing.Descent
    monkeypatch.setattr(climbing, "Descent", lambda task, u, *more: begun.append(u) or make(task, u, *more))
    spent = [0]
    watch = Watch(progress=lambda *news: spent.append(news[0]), stop=lambda: spent[-1] >= 60)
    match(Descended(RandomSearch(renderer)), budget, watch=watch)
    assert len(np.unique(begun, axis=0)) == len(begun) == races


def test_jumps_that_win_nothing_are_made_ever_less_often_until_one_does(
    objective: Callable[[int], Objective], start: np.ndarray, target_u: np.ndarray, rng: np.random.Generator
) -> None:
    begun: list[int] = []
    jumped: list[int] = []

    def jumps(u: np.ndarray) -> np.ndarray:
        jumped.append(begun[-1])
        return target_u if len(jumped) == 5 else u[None]  # its own place, but for one jump right onto the target

    def search() -> Search:
        yield start
        climb = Climb(task, Candidate(task.heard[0], float(task.losses[0]), task.residuals()[0]), jumps, rng)
        for i in range(16):
            begun.append(i)
            yield from climb.round()

    task = objective(3000)
    drive(task, search())
    assert jumped == [0, 2, 6, 10, 14, 15]


def test_the_first_agent_proposes_for_the_best_preset_alone_and_may_be_asked_for_none(
    renderer: Renderer, match: Run, start: np.ndarray
) -> None:
    asked, silent = Knows(renderer, start), Knows(renderer, start)
    match(Descended(asked), 100)
    match(Descended(silent, proposals=0), 100)
    assert asked.proposed and not silent.proposed


def test_an_agent_without_proposals_is_as_good_a_first(renderer: Renderer, match: Run) -> None:
    assert match(Descended(RandomSearch(renderer)), 90).renders == 90


@pytest.mark.parametrize("name", NAMES)
def test_by_name_it_keeps_locks_and_has_the_same_bits_whatever_the_threads_and_no_bank(
    match: Run, goal: Goal, start: np.ndarray, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it looked into the bank")

    monkeypatch.setattr("myna.agents.retrieval.load_bank", refuse)
    one, two = make_agent(name, Renderer(threads=1)), make_agent(name, Renderer(threads=2))
    frozen = one.renderer.table.mask(["env_1", "osc_a"])
    kept = one.renderer.table.snap(start)[0]
    found = match(one, 70, frozen=frozen, start=kept)
    again = two.match([goal, dataclasses.replace(goal, frozen=frozen, start=kept)], 70, generator(0, "run"))[1]
    assert np.array_equal(found.u[frozen], kept[frozen])
    assert np.array_equal(found.u, again.u) and found.curve == again.curve


@pytest.mark.parametrize("name", NAMES)
def test_everything_locked_still_gives_the_start(match: Run, renderer: Renderer, start: np.ndarray, name: str) -> None:
    table = renderer.table
    kept = table.snap(start)[0]
    agent = make_agent(name, renderer)
    assert np.array_equal(match(agent, 20, frozen=table.mask(table.modules), start=kept).u, kept)
