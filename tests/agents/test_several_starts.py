"""An agent that edits one start after another, each until an edit of it fails."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from myna.agents import Goal
from myna.agents.proxy_bank import ProxyBank
from myna.agents.registry import make_agent
from myna.agents.regression import Regression
from myna.agents.several_starts import SeveralStarts
from myna.errors import UsageError
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.renderer import Renderer


@pytest.fixture(scope="module")
def others(renderer: Renderer) -> np.ndarray:
    """Four presets that stand for the bank's nearest."""
    return renderer.table.snap(MusicalPrior(renderer.table).sample(4, generator(3, "starts")))


@pytest.fixture
def banked(others: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.setattr(ProxyBank, "nearest", lambda bank, objective, count, rng: others[:count])
    return others


def agent(renderer: Renderer, folder: Path, **settings) -> SeveralStarts:
    own = SeveralStarts(renderer, weights=folder / "sac", guess=folder / "regression", **settings)
    own.undo = True  # as what SAC trains does
    return own


def played(own: SeveralStarts, goal: Goal, budget: int) -> tuple[np.ndarray, np.ndarray]:
    """All presets (budget, P) and their losses, in the order in which they were heard."""
    (match,) = own.match([goal], budget, generator(0, "match"))
    assert match.renders == budget and match.loss == min(np.concatenate(match.archive._losses))
    return np.concatenate(match.archive._u), np.concatenate(match.archive._losses)


def places(presets: np.ndarray, starts: Sequence[np.ndarray]) -> list[int]:
    """Where each start was heard first."""
    return [int(np.flatnonzero((presets == start).all(-1))[0]) for start in starts]


def test_it_begins_with_the_guess_and_hears_the_next_start_when_an_edit_fails(
    renderer: Renderer, folder: Path, goal: Goal, banked: np.ndarray
) -> None:
    (guess,) = Regression(renderer, folder / "regression").match([goal], 1, generator(0, "match"))
    last = []
    for tries in (1, 3):
        own = agent(renderer, folder, starts=3, tries=tries, worth=np.inf)
        presets, losses = played(own, goal, 30)
        assert np.array_equal(presets[0], guess.u)
        begins = [0, *places(presets, banked[:3])]
        assert begins == sorted(begins)
        for begin, end in itertools.pairwise(begins):
            assert end - begin > tries
            # by the full loss here, by that of the first second there: a sound of one second, nearly the same
            assert all(losses[end - tries : end] >= losses[begin : end - tries].min() * 0.9)
        assert not (presets == banked[3]).all(-1).any()
        last.append(begins[-1])
    assert last[0] < last[1]


def test_a_start_that_sounds_too_far_off_is_not_edited(
    renderer: Renderer, folder: Path, goal: Goal, banked: np.ndarray
) -> None:
    presets, losses = played(agent(renderer, folder, starts=4, worth=0.0), goal, 20)
    first, *rest = places(presets, banked)
    assert rest == [first + 1, first + 2, first + 3]
    # Then it goes on from the best, in small steps.
    best = presets[np.argmin(losses[: first + 4])]
    ordered = ~renderer.table.categorical
    assert np.abs(presets[first + 4] - best)[ordered].max() <= 0.2 + 1.0 / renderer.table.steps[ordered].clip(1).min()


def test_a_preset_that_the_goal_starts_from_is_the_first_of_the_others(
    renderer: Renderer, folder: Path, goal: Goal, target_u: np.ndarray
) -> None:
    frozen = np.zeros(len(renderer.table), bool)
    frozen[[3, 40]] = True
    start = renderer.table.snap(target_u)[0]
    locked = replace(goal, frozen=frozen, start=start)
    presets, _ = played(agent(renderer, folder, starts=1, worth=0.0), locked, 12)
    assert (presets[:, frozen] == start[frozen]).all()
    (own,) = places(presets, [start])
    with_more, _ = played(agent(renderer, folder, starts=2, worth=0.0), locked, 12)
    assert np.array_equal(with_more[: own + 1], presets[: own + 1])


def test_a_match_is_the_same_bits_alone_and_beside_others(renderer: Renderer, folder: Path, goal: Goal) -> None:
    other = replace(goal, audio=goal.audio[:, ::-1].copy())
    alone, _ = played(agent(renderer, folder), goal, 12)
    both = agent(renderer, folder).match([other, goal], 12, generator(0, "match"))
    assert np.array_equal(np.concatenate(both[1].archive._u), alone)


def test_the_packaged_policy_is_nearer_after_sixteen_renders_than_its_guess(renderer: Renderer, goal: Goal) -> None:
    (match,) = make_agent("sac+bank", renderer).match([goal], 16, generator(0, "match"))
    assert match.loss < 0.95 * match.trail[0][1]


@pytest.mark.parametrize("wrong", [{"starts": -1}, {"tries": 0}, {"worth": -1.0}, {"worth": float("nan")}])
def test_settings_out_of_range_are_refused(wrong: dict, renderer: Renderer, folder: Path) -> None:
    with pytest.raises(UsageError, match="starts, tries and worth"):
        agent(renderer, folder, **wrong)
