"""The map of what a sound tells: on two presets that are heard, and its lists on scripted maps."""

from __future__ import annotations

import numpy as np
import pytest

from myna.envs.noise_floor import success_loss
from myna.evaluation.identifiability import DEAD_LOSS, STEPS_U, Map, measure, verdicts
from myna.synth.renderer import Renderer


@pytest.fixture(scope="module")
def found() -> Map:
    return measure(2, renderer=Renderer(threads=1))


def test_knobs_that_are_always_heard_are_and_silent_ones_are_not_turned(found: Map) -> None:
    level = found.names.index("master.volume_db")
    assert np.all(found.moved[:, level, -1] > DEAD_LOSS)
    assert np.isnan(found.moved[found.silent]).all()
    assert not found.silent[:, level].any()


def test_modules_of_equal_make_may_be_exchanged_with_all_that_points_at_them(found: Map) -> None:
    assert set(found.twins) == {("osc_a", "osc_b"), ("env_2", "env_3"), ("lfo_1", "lfo_2")}
    assert max(losses.max() for losses in found.twins.values()) < DEAD_LOSS


def test_turning_a_knob_further_moves_the_sound_further_on_the_whole(found: Map) -> None:
    medians = np.nanmedian(found.moved.reshape(-1, len(STEPS_U)), axis=0)
    assert np.all(np.diff(medians) > 0.0)


def test_the_map_hangs_on_its_seed_alone(found: Map) -> None:
    again = measure(1, renderer=Renderer(threads=2))
    np.testing.assert_array_equal(again.moved[0], found.moved[0])
    assert np.nanmax(np.abs(measure(1, seed=1).moved[0] - found.moved[0])) > 0.0


def scripted(moved: np.ndarray, alike: np.ndarray | None = None, mirrored: np.ndarray | None = None) -> Map:
    """Of 4 presets and the given losses (P, S), the same in each."""
    count = len(moved)
    return Map(
        tuple("abcdef"[:count]),
        np.repeat(moved[None], 4, axis=0),
        np.zeros((4, count), bool),
        np.full((count, count), np.nan) if alike is None else alike,
        np.full((4, count), np.nan) if mirrored is None else np.repeat(mirrored[None], 4, axis=0),
        {("x", "y"): np.full(4, 0.25)},
    )


def test_dead_and_weak_knobs_are_told_from_others() -> None:
    floor = success_loss()
    moved = np.outer([0.0, floor / 2, floor * 3], np.linspace(0.2, 1.0, len(STEPS_U)))
    told = verdicts(scripted(moved))
    assert (told["dead"], told["weak"]) == (["a"], ["b"])
    assert told["knobs"]["c"]["steps"][-1] == pytest.approx(floor * 3, abs=1e-4) and told["knobs"]["a"]["heard"] == 0.0
    assert told["twins"] == {"x, y": 0.25}


def test_knobs_that_do_the_same_are_paired_once_and_mirror_images_named() -> None:
    moved = np.ones((3, len(STEPS_U)))
    alike = np.array([[np.nan, 0.99, 0.1], [0.99, np.nan, 0.96], [0.1, 0.96, np.nan]])
    told = verdicts(scripted(moved, alike, np.array([0.01, 0.5, np.nan])))
    assert [pair["knobs"] for pair in told["alike"]] == [["a", "b"], ["b", "c"]]
    assert told["mirrored"] == ["a"]
