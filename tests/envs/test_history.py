"""An episode is told as rows and in sentences that say what was done, by how much, and what it brought."""

from __future__ import annotations

import doctest
import re
from typing import Any

import numpy as np
import pytest

from myna.envs import history
from myna.envs.history import Edit, edits, sentences, words
from myna.seeding import generator
from myna.synth.serum_lite.parameters import TABLE


def preset(**settings: Any) -> np.ndarray:
    """U (P,) of settings whose names have two underscores for the dot."""
    return TABLE.encode(TABLE.from_dict({name.replace("__", "."): value for name, value in settings.items()}))


def told(before: np.ndarray, after: np.ndarray, loss: tuple[float, float] = (0.5, 0.38)) -> str:
    (sentence,) = sentences(TABLE, edits(TABLE, np.stack([before, after]), loss))
    return sentence


def test_the_worked_examples_hold() -> None:
    assert doctest.testmod(history).failed == 0


def test_an_edit_says_which_step_moved_which_knob_from_where_to_where_and_what_the_loss_did() -> None:
    u = [preset(), preset(filter__cutoff_hz=4000.0), preset(filter__cutoff_hz=4000.0, osc_a__octave=-1)]
    first, second = edits(TABLE, np.stack(u), [0.9, 0.7, 0.8])
    assert (first.from_value, first.to_value) == (pytest.approx(2000.0), pytest.approx(4000.0))
    assert first == Edit(1, "filter.cutoff_hz", "opened", first.from_value, first.to_value, 0.9, 0.7)
    assert second == Edit(2, "osc_a.octave", "lowered", 0.0, -1.0, 0.7, 0.8)


CASES = [
    ({}, {"filter__cutoff_hz": 4925.0}, "opened filter.cutoff_hz by 1.3 octaves (2.00 kHz → 4.93 kHz)"),
    ({}, {"filter__cutoff_hz": 1000.0}, "closed filter.cutoff_hz by 1 octave (2.00 kHz → 1.00 kHz)"),
    ({}, {"eq__low_hz": 178.4}, "raised eq.low_hz by 3 semitones (150 Hz → 178 Hz)"),
    ({}, {"lfo_1__rate_hz": 5.0}, "sped up lfo_1.rate_hz by a factor of 2.5 (2 Hz → 5 Hz)"),
    ({}, {"master__volume_db": -6.0}, "raised master.volume_db by 3 dB (-9 dB → -6 dB)"),
    ({}, {"env_1__attack_s": 0.035}, "lengthened env_1.attack_s by 33 ms (2 ms → 35 ms)"),
    ({}, {"env_1__decay_s": 0.1}, "shortened env_1.decay_s by 200 ms (300 ms → 100 ms)"),
    ({}, {"delay__time_s": 0.8}, "lengthened delay.time_s by 500 ms (300 ms → 800 ms)"),
    ({}, {"osc_a__semitone": 1}, "raised osc_a.semitone by 1 semitone (0 semitones → 1 semitone)"),
    ({}, {"osc_a__level": 0.5}, "lowered osc_a.level by 0.2 (0.7 → 0.5)"),
    ({}, {"osc_a__pan": -0.25}, "moved osc_a.pan by 0.25 (0 → -0.25)"),
    ({}, {"osc_a__table": "bell"}, "changed osc_a.table from basic_shapes to bell"),
    ({}, {"osc_a__pan": 1e-5}, "moved osc_a.pan by a trace (0 → 0)"),
    ({}, {"filter__on": True}, "switched filter on"),
    ({}, {"osc_a__to_filter": False}, "switched osc_a.to_filter off"),
    ({"filter__type": "high_pass"}, {"filter__cutoff_hz": 4000.0}, "closed filter.cutoff_hz by 1 octave"),
    ({"filter__type": "notch"}, {"filter__cutoff_hz": 4000.0}, "raised filter.cutoff_hz by 1 octave"),
]


@pytest.mark.parametrize(("base", "change", "expected"), CASES, ids=[case[2] for case in CASES])
def test_an_edit_is_told_in_its_own_unit(base: dict, change: dict, expected: str) -> None:
    sentence = told(preset(**base), preset(**base, **change))
    assert sentence.startswith(expected)
    assert sentence.endswith(": loss −0.12")


def test_a_step_with_several_edits_tells_choices_first_then_what_moved_furthest_and_counts_the_rest() -> None:
    changed = preset(osc_a__table="saw_stack", filter__resonance=0.9, osc_a__pan=0.1, noise__level=0.5, osc_b__pan=0.02)
    assert told(preset(), changed) == (
        "changed osc_a.table from basic_shapes to saw_stack, raised filter.resonance by 0.8 (0.1 → 0.9), "
        "raised noise.level by 0.1 (0.4 → 0.5) and moved 2 more: loss −0.12"
    )


def test_steps_that_moved_nothing_are_not_told() -> None:
    u = np.stack([preset(), preset(), preset(filter__on=True), preset(filter__on=True)])
    rows = edits(TABLE, u, [1.0, 1.0, 0.8, 0.8])
    assert [edit.step for edit in rows] == [2]
    assert len(sentences(TABLE, rows)) == 1
    assert edits(TABLE, u[:1], [1.0]) == []


def test_what_float32_leaves_over_is_no_edit() -> None:
    u = np.stack([preset(), preset() + 1e-7])
    assert edits(TABLE, np.clip(u, 0.0, 1.0), [1.0, 1.0]) == []


def test_a_loss_that_is_not_finite_is_said_to_be_unknown() -> None:
    assert told(preset(), preset(filter__on=True), (0.5, float("nan"))).endswith(": loss unknown")


def test_every_random_edit_of_every_knob_has_words_of_one_line_that_name_it() -> None:
    rng = generator(0, "words")
    u = TABLE.sample(20, rng)
    rows = edits(TABLE, u, rng.random(20))
    assert {edit.parameter for edit in rows} == set(TABLE.names)
    for edit in rows:
        text = words(TABLE, edit)
        assert edit.parameter.removesuffix(".on") in text
        assert re.search(r"\d|from \w+ to \w+| on$| off$", text)
        assert " nan" not in text and "\n" not in text and " by 0" not in text.replace(" by 0.", "")


def test_edits_replay_the_episode() -> None:
    rng = generator(1, "replay")
    u = TABLE.sample(4, rng)
    values = TABLE.decode(u[0])
    for edit in edits(TABLE, u, np.zeros(4)):
        assert values[TABLE.index[edit.parameter]] == edit.from_value
        values[TABLE.index[edit.parameter]] = edit.to_value
    assert np.array_equal(values, TABLE.decode(u[-1]))
