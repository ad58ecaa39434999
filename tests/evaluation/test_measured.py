"""What is measured of a match: at the right presets, on notes that were not heard, and the same every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from myna.agents import Goal, Match, make_agent
from myna.evaluation.measured import Measures, measured, parameter_error
from myna.evaluation.other_notes import STEPS, loss_at, other_notes
from myna.evaluation.suites import load_suite
from myna.evaluation.suites.frozen import FrozenSet
from myna.evaluation.suites.sets import PresetSet, RecordingSet
from myna.seeding import generator
from myna.synth.renderer import Renderer

STAGE = load_suite("stage-3")
REAL = load_suite("real")
assert isinstance(STAGE, FrozenSet) and isinstance(REAL, RecordingSet)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


@pytest.fixture(scope="module")
def match(renderer: Renderer) -> Match:
    goal = Goal.of(STAGE.target(0, renderer), renderer)
    (found,) = make_agent("random", renderer).match([goal], 24, generator(0, "test"))
    return found


def told(match: Match, renderer: Renderer, marks: tuple[int, ...], **settings: Any) -> dict[str, Any]:
    goal = Goal.of(STAGE.target(0, renderer), renderer)
    return measured(match, STAGE, 0, goal, renderer, Measures(marks, **settings))


def test_each_mark_tells_the_best_preset_so_far(match: Match, renderer: Renderer) -> None:
    marks = told(match, renderer, (1, 8, 24))["marks"]
    assert [mark["renders"] for mark in marks] == [1, 8, 24]
    for mark in marks:
        assert mark["loss"] == pytest.approx(match.best_at(mark["renders"]), abs=1e-6)
        (u,) = (u for _, loss, u in match.trail if loss == pytest.approx(mark["loss"], abs=1e-6))
        np.testing.assert_allclose(mark["u"], u, atol=1e-6)


def test_a_mark_before_the_first_render_tells_nothing(match: Match, renderer: Renderer) -> None:
    assert told(match, renderer, (0,)) == {"marks": [], "alternatives": None}


def test_slow_metrics_are_those_of_the_last_preset_alone(match: Match, renderer: Renderer) -> None:
    first, last = told(match, renderer, (1, 24), families=("level",), last_families=("lsd",))["marks"]
    assert set(first["metrics"]) == {"level_error_db"} and set(last["metrics"]) == {"level_error_db", "lsd"}


def test_the_true_preset_is_right_at_every_note_and_every_knob(renderer: Renderer) -> None:
    true = STAGE.u(renderer.table)[:1]
    goals = other_notes(STAGE, 0, renderer)
    assert [goal.probe.note_midi - STAGE.targets[0].probe.note_midi for goal in goals] == list(STEPS)
    assert loss_at(goals, true, renderer)[0] == pytest.approx(0.0, abs=1e-4)
    assert parameter_error(renderer.table, true, true[0])[0] == 0.0
    other = STAGE.u(renderer.table)[1:2]
    assert loss_at(goals, other, renderer)[0] > 0.1
    assert 0.0 < parameter_error(renderer.table, other, true[0])[0] < 1.0


def test_recordings_ask_for_the_other_notes_of_their_instrument(renderer: Renderer) -> None:
    instruments = [one.instrument for one in REAL.recordings]
    alone = next(i for i, name in enumerate(instruments) if instruments.count(name) == 1)
    shared = next(i for i, name in enumerate(instruments) if instruments.count(name) > 1)
    assert other_notes(REAL, alone, renderer) == []
    notes = {goal.probe.note_midi for goal in other_notes(REAL, shared, renderer)}
    known = {
        one.note_midi for i, one in enumerate(REAL.recordings) if i != shared and one.instrument == instruments[shared]
    }
    assert notes and notes <= known


def test_other_sets_know_nothing_beyond_the_sound(renderer: Renderer) -> None:
    tiny = PresetSet("tiny", 1)
    goal = Goal.of(tiny.target(0, renderer), renderer)
    (found,) = make_agent("random", renderer).match([goal], 2, generator(0, "test"))
    (mark,) = measured(found, tiny, 0, goal, renderer, Measures((2,)))["marks"]
    assert mark["other_notes"] is None and mark["parameters"] is None


def test_alternatives_differ_to_the_ear_and_cost_something(match: Match, renderer: Renderer) -> None:
    found = told(match, renderer, (24,))["alternatives"]
    assert 1 < found["count"] <= 4 and found["apart_db"] > 1.5 and found["loss_over_best"] >= 1.0
