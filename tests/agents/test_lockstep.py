"""Many searches at once: the same bits as one by one, every render counted and told."""

from __future__ import annotations

import numpy as np
import pytest

from myna.agents import Agent, Goal, Objective, Search, Watch, lockstep, make_agent
from myna.agents.lockstep import only
from myna.agents.random_search import RandomSearch
from myna.errors import UsageError
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

from .conftest import drive

# Lengths that share a call, and one that does not come in order.
PROBES = (Probe(55, 100, 0.25, 0.4), Probe(40, 80, 0.1, 0.3), Probe(67, 100, 0.2, 0.45), Probe(48, 110, 0.2, 0.4))


class Told(Agent):
    """Asks for draws in batches of given sizes, and remembers what it was told."""

    def __init__(self, renderer: Renderer, sizes: tuple[int, ...]) -> None:
        super().__init__(renderer)
        self.sizes = sizes
        self.told: list[np.ndarray] = []
        self.closed = 0

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        try:
            for size in self.sizes:
                self.told.append((yield MusicalPrior(objective.table).sample(size, rng)))
        except GeneratorExit:
            self.closed += 1
            raise


@pytest.fixture(scope="module")
def goals(renderer: Renderer) -> list[Goal]:
    u = MusicalPrior(renderer.table).sample(len(PROBES), generator(5, "goals"))
    return [Goal(renderer.render(row[None], probe)[0, 0], probe) for row, probe in zip(u, PROBES, strict=True)]


@pytest.mark.parametrize("name", ["auto", "cma-es", "retrieval"])
def test_lock_step_gives_the_bits_of_one_by_one_whatever_the_threads(renderer, goals, name: str) -> None:
    together = make_agent(name, Renderer(threads=2)).match(goals, 60, generator(1, "run"))
    for goal, match in zip(goals, together, strict=True):
        (alone,) = make_agent(name, renderer).match([goal], 60, generator(1, "run"))
        assert alone.curve == match.curve
        assert np.array_equal(alone.u, match.u)
        assert np.array_equal(alone.audio, match.audio)


def test_a_search_that_ends_makes_room_for_the_next(renderer, goals, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = RandomSearch(renderer).match(goals, 40, generator(1, "run"))
    monkeypatch.setattr(lockstep, "LOCKSTEP", 2)
    monkeypatch.setattr(lockstep, "_AUDIO_BYTES", 1)
    parts = RandomSearch(renderer).match(goals, 40, generator(1, "run"))
    assert [match.curve for match in parts] == [match.curve for match in whole]


def test_a_round_of_sounds_of_like_length_is_one_call(goals, monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer(threads=1)
    calls: list[int] = []
    render = renderer.render
    monkeypatch.setattr(renderer, "render", lambda u, *more: calls.append(len(u)) or render(u, *more))
    Told(renderer, (3, 5)).match(goals, 100, generator(1, "run"))
    assert calls == [12, 20]


def test_the_draws_for_a_goal_depend_on_its_sound_and_the_generator_alone(goals) -> None:
    root = generator(1, "run")
    first = goals[0].generator(root).random(4)
    root.random(10)
    assert np.array_equal(goals[0].generator(root).random(4), first)
    assert not np.array_equal(goals[1].generator(root).random(4), first)
    assert not np.array_equal(goals[0].generator(generator(2, "run")).random(4), first)


@pytest.mark.parametrize("budget", [1, 7, 50])
def test_every_evaluation_is_logged_in_order_and_none_is_spent_beyond_the_budget(renderer, goals, budget: int) -> None:
    rows: dict[int, list[tuple[np.ndarray, float]]] = {}

    def log(index: int, u: np.ndarray, losses: np.ndarray, features) -> None:
        assert len(u) == len(losses) == len(features)
        rows.setdefault(index, []).extend(zip(u, losses.tolist(), strict=True))

    matches = make_agent("auto", renderer).match(goals[:2], budget, generator(1, "run"), watch=Watch(log=log))
    for index, match in enumerate(matches):
        assert len(rows[index]) == match.renders == budget
        best = min(rows[index], key=lambda row: row[1])
        assert best[1] == match.loss
        assert np.array_equal(best[0], match.u)
        assert match.curve == falling([loss for _, loss in rows[index]])


def falling(losses: list[float]) -> list[tuple[int, float]]:
    """(renders, loss) wherever a loss is below all before it."""
    return [(i + 1, loss) for i, loss in enumerate(losses) if loss < min(losses[:i], default=np.inf)]


def test_a_search_is_told_its_losses_and_closed_where_it_asks_for_more_than_is_left(renderer, goals) -> None:
    agent = Told(renderer, (4, 4, 4))
    (match,) = agent.match(goals[:1], 10, generator(1, "run"))
    assert match.renders == 10
    assert [len(losses) for losses in agent.told] == [4, 4]
    assert agent.closed == 1


def test_a_search_that_spends_its_budget_exactly_is_told_and_closed(renderer, goals) -> None:
    agent = Told(renderer, (4, 4, 4))
    (match,) = agent.match(goals[:1], 8, generator(1, "run"))
    assert match.renders == 8
    assert agent.closed == 1


def test_a_search_may_end_early(renderer, goals) -> None:
    agent = Told(renderer, (4,))
    (match,) = agent.match(goals[:1], 100, generator(1, "run"))
    assert match.renders == 4
    assert match.loss == agent.told[0].min()


@pytest.mark.parametrize("sizes", [(), (0,)])
def test_a_search_that_asks_for_nothing_still_gives_a_preset(renderer, goals, sizes: tuple[int, ...]) -> None:
    table = renderer.table
    (match,) = Told(renderer, sizes).match(goals[:1], 100, generator(1, "run"))
    assert match.renders == 1
    assert np.array_equal(match.u, table.snap(table.encode(table.defaults)))


def test_a_stop_keeps_the_best_of_each(renderer, goals) -> None:
    spent = []
    watch = Watch(progress=lambda renders, budget, loss: spent.append(renders), stop=lambda: bool(spent))
    matches = RandomSearch(renderer).match(goals, 100, generator(1, "run"), watch=watch)
    assert [match.renders for match in matches] == [32] * 4
    assert all(np.isfinite(match.loss) for match in matches)


def test_a_stop_before_the_first_render_gives_the_default_preset(renderer, goals) -> None:
    matches = RandomSearch(renderer).match(goals, 100, generator(1, "run"), watch=Watch(stop=lambda: True))
    assert [match.renders for match in matches] == [1] * 4


def test_progress_is_told_after_each_round(renderer, goals) -> None:
    told: list[tuple[int, int, float]] = []
    watch = Watch(progress=lambda *news: told.append(news))
    matches = Told(renderer, (4, 6)).match(goals[:3], 10, generator(1, "run"), watch=watch)
    assert [news[:2] for news in told] == [(12, 30), (30, 30)]
    assert told[-1][2] == np.median([match.loss for match in matches])


def test_a_part_of_a_search_gets_its_share_and_is_closed(objective, renderer, rng) -> None:
    task, inner = objective(100), Told(renderer, (4, 4, 4))
    left: list[int] = []

    def search() -> Search:
        yield from only(task, inner.search(task, rng), 6)
        left.append(task.left)

    drive(task, search())
    assert task.renders == 6
    assert left == [94]
    assert [len(losses) for losses in inner.told] == [4]
    assert inner.closed == 1


def test_a_part_of_a_search_may_be_made_of_parts(objective, renderer, rng) -> None:
    task, first, second = objective(100), Told(renderer, (4, 4)), Told(renderer, (3, 3, 3, 3))
    left: list[int] = []

    def parts() -> Search:
        yield from only(task, first.search(task, rng), 5)
        left.append(task.left)
        yield from second.search(task, rng)

    def search() -> Search:
        yield from only(task, parts(), 12)
        left.append(task.left)

    drive(task, search())
    assert task.renders == 12  # the end of the first part is not the end of the whole
    assert left == [7, 88]
    assert [len(losses) for losses in second.told] == [3, 3]
    assert first.closed == second.closed == 1


def test_a_match_tells_its_edits_and_its_best_at_any_time(renderer, goals) -> None:
    (match,) = make_agent("auto", renderer).match(goals[:1], 60, generator(1, "run"))
    at, losses = zip(*match.curve, strict=True)
    assert [match.best_at(renders) for renders in at] == list(losses)
    assert match.best_at(at[-1] + 5) == match.loss
    assert match.best_at(0) == np.inf
    edits = match.edits(renderer.table)
    values = renderer.table.decode(match.trail[0][2])
    for edit in edits:
        knob = renderer.table.index[edit.parameter]
        assert edit.from_value == pytest.approx(values[knob], rel=1e-4)  # what moved by less is no edit
        values[knob] = edit.to_value
        assert (edit.loss_before, edit.loss_after) == (losses[edit.step - 1], losses[edit.step])
    assert edits
    assert np.allclose(values, renderer.table.decode(match.u), rtol=1e-4)


def test_no_targets_give_no_matches(renderer, rng) -> None:
    assert RandomSearch(renderer).match([], 10, rng) == []


def test_a_budget_under_one_is_refused(renderer, goals, rng) -> None:
    with pytest.raises(UsageError, match="at least 1 render"):
        RandomSearch(renderer).match(goals, 0, rng)
