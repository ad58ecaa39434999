"""What learned agents propose in a polish: one choice changed, audible, unlocked, the likelier the oftener."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.agents.nets import save_actor, save_regression

from myna.agents.base import Agent, Objective, Search
from myna.agents.knobs import audible_knobs
from myna.agents.likely import likely_changes
from myna.agents.policy import EditingAgent
from myna.agents.polished import Polished
from myna.agents.regression import Regression
from myna.seeding import generator
from myna.synth.renderer import Renderer


@pytest.fixture
def u(renderer: Renderer, target_u: np.ndarray) -> np.ndarray:
    """(P,), a preset."""
    return renderer.table.snap(target_u)[0]


@pytest.fixture
def likely(renderer: Renderer) -> np.ndarray:
    """(C, K): every option of every choice alike."""
    options = renderer.table.steps[renderer.table.categorical]
    return (np.arange(options.max()) < options[:, None]).astype(np.float64)


def moved(u: np.ndarray, children: np.ndarray) -> list[list[int]]:
    return [np.flatnonzero(child != u).tolist() for child in children]


def test_one_audible_choice_is_changed_in_each_and_all_differ(objective, u, likely, rng) -> None:
    task = objective(1)
    children = likely_changes(task, u, likely, 12, rng)
    assert children.shape == (12, len(u)) and len(np.unique(children, axis=0)) == 12
    heard = audible_knobs(task.table, u) & task.table.categorical
    for columns in moved(u, children):
        assert len(columns) == 1 and heard[columns[0]]


def test_likelier_options_come_first(objective, u, likely, rng) -> None:
    task = objective(1)
    choice = task.table.index["osc_a.table"]
    row = np.flatnonzero(task.table.categorical).tolist().index(choice)
    now, options = int(u[choice] * task.table.steps[choice]), int(task.table.steps[choice])
    favourite, other = (now + 1) % options, (now + 2) % options
    likely[:] = 0.0
    likely[row, [now, favourite, other]] = 0.5, 0.4, 0.1  # the present one does not count
    firsts = [likely_changes(task, u, likely, 1, rng)[0, choice] for _ in range(400)]
    assert np.mean(np.isclose(firsts, (favourite + 0.5) / options)) == pytest.approx(0.8, abs=0.08)
    both = likely_changes(task, u, likely, 9, rng)
    assert len(both) == 2  # nothing else is possible


def test_nothing_likely_gives_nothing(objective, u, likely, rng) -> None:
    task = objective(1)
    assert likely_changes(task, u, 0.0 * likely, 5, rng).shape == (0, len(u))


def test_locked_choices_are_left_alone(objective, u, likely, rng, renderer: Renderer) -> None:
    frozen = renderer.table.mask(["osc_a", "osc_b", "filter"])
    task = objective(1, frozen=frozen, start=u)
    children = likely_changes(task, u, likely, 10, rng)
    assert len(children) and not any(frozen[columns].any() for columns in moved(u, children))


class Proposes(Agent):
    """Begins with one preset and proposes another whenever it is asked."""

    def __init__(self, renderer: Renderer, start: np.ndarray, better: np.ndarray) -> None:
        super().__init__(renderer)
        self.start, self.better = start, better
        self.asked: list[tuple[np.ndarray, np.ndarray, int]] = []

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        while True:
            yield self.start[None]

    def propose(
        self, objective: Objective, u: np.ndarray, audio: np.ndarray, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        self.asked.append((u, audio, count))
        return self.better[None]


def test_a_polish_goes_on_from_what_was_proposed(renderer: Renderer, goal, u) -> None:
    choice = renderer.table.index["osc_a.table"]
    other = u.copy()
    other[choice] = (other[choice] + 0.5) % 1.0
    agent = Proposes(renderer, renderer.table.snap(other), u)
    found = Polished(agent).match([goal], 60, generator(0, "polish"))[0]
    assert found.loss == pytest.approx(0.0, abs=1e-6)
    assert found.u[choice] == agent.better[choice]
    first, later = agent.asked[0], agent.asked[1]
    assert first[2] == 3 and first[0][choice] == agent.start[choice]
    assert np.array_equal(later[0], agent.better)
    heard = renderer.render(later[0][None], goal.probe)[0, 0]
    assert np.array_equal(np.asarray(heard), later[1])  # how that preset sounds
    # From then on the generations are around what was proposed.
    tried, _ = found.archive.best(60, 0.0)
    assert np.mean(tried[:, choice] == agent.better[choice]) > 0.5


def test_without_proposals_no_choice_ever_changes(renderer: Renderer, goal, u) -> None:
    agent = Proposes(renderer, u, u)
    Polished(agent, proposals=0).match([goal], 40, generator(0, "polish"))
    assert agent.asked == []


@pytest.mark.parametrize("kind", ["regression", "sac"])
def test_what_learned_so_proposes_a_choice_each_the_same_for_the_same_draws(
    kind: str, renderer: Renderer, objective, u, tmp_path: Path
) -> None:
    made = save_regression(renderer.table, tmp_path)
    agent = (
        Regression(renderer, made)
        if kind == "regression"
        else EditingAgent(renderer, save_actor(renderer.table, tmp_path), start="default")
    )
    task = objective(1)
    first, again = (agent.propose(task, u, task.goal.audio, 4, np.random.default_rng(3)) for _ in range(2))
    assert first.shape == (4, len(u)) and np.array_equal(first, again)
    assert all(len(columns) == 1 and task.table.categorical[columns[0]] for columns in moved(u, first))


def test_what_a_policy_proposes_hangs_on_how_the_preset_sounds(renderer, objective, u, tmp_path: Path) -> None:
    agent = EditingAgent(renderer, save_actor(renderer.table, tmp_path), start="default")
    task = objective(1)
    own = task.goal.audio
    noisy = own + np.float32(0.1) * np.random.default_rng(0).standard_normal(own.shape, np.float32)
    firsts = [
        [agent.propose(task, u, audio, 6, np.random.default_rng(seed)) for seed in range(10)] for audio in (own, noisy)
    ]
    assert not np.array_equal(*firsts)
