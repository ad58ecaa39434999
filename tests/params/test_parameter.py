"""A knob maps u to its value and back, whatever its kind and curve, and refuses to contradict itself."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.params import Parameter, curves, parameter

KNOBS = [
    Parameter("a.linear", "continuous", -3.0, 5.0, 0.0, "semitones"),
    Parameter("a.square", "continuous", 0.0, 1.0, 0.5, "", "power", 2.0),
    Parameter("a.quartic", "continuous", 0.0, 10.0, 0.1, "s", "power", 4.0),
    Parameter("a.bipolar", "continuous", -1.0, 1.0, 0.0, "", "power", 3.0),
    Parameter("a.hz", "continuous", 20.0, 20_000.0, 440.0, "Hz", "exponential"),
    Parameter("a.db", "continuous", -36.0, 6.0, 0.0, "dB", "decibel"),
    Parameter("a.octave", "integer", -3, 3, 0, "octaves"),
    Parameter("a.on", "boolean", 0, 1, 0),
    Parameter("a.shape", "categorical", 0, 2, 1, choices=("sine", "saw", "square")),
]
EVERY = pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)


def test_the_worked_example_holds() -> None:
    assert doctest.testmod(parameter).failed == 0


@EVERY
def test_the_ends_are_exact(knob: Parameter) -> None:
    assert (knob.decode(0.0), knob.decode(1.0)) == (knob.low, knob.high)
    if knob.steps == 0:
        assert (knob.encode(knob.low), knob.encode(knob.high)) == (0.0, 1.0)


@EVERY
def test_a_higher_u_never_gives_a_lower_value(knob: Parameter) -> None:
    assert np.all(np.diff(knob.decode(np.linspace(0.0, 1.0, 4001))) >= 0.0)


@EVERY
def test_what_lies_outside_is_clipped(knob: Parameter) -> None:
    assert knob.decode([-0.5, 1.5]).tolist() == [knob.low, knob.high]
    assert np.array_equal(knob.encode([knob.low - 9, knob.high + 9]), knob.encode([knob.low, knob.high]))


@EVERY
def test_shapes_are_kept(knob: Parameter) -> None:
    for shape in ((), (0,), (3,), (2, 1, 4)):
        assert knob.decode(np.full(shape, 0.3)).shape == shape
        assert knob.encode(np.full(shape, knob.default)).shape == shape


@pytest.mark.parametrize("knob", [knob for knob in KNOBS if knob.steps == 0], ids=lambda knob: knob.name)
@given(u=st.floats(0.0, 1.0))
@settings(derandomize=True)
def test_a_continuous_value_survives_the_way_to_u_and_back(knob: Parameter, u: float) -> None:
    value = knob.decode(u)
    assert abs(knob.decode(knob.encode(value)) - value) <= 1e-9 * (knob.high - knob.low)


@pytest.mark.parametrize("knob", [knob for knob in KNOBS if knob.steps > 0], ids=lambda knob: knob.name)
def test_every_step_survives_the_way_to_u_and_back(knob: Parameter) -> None:
    steps = np.arange(knob.low, knob.high + 1)
    assert np.array_equal(knob.decode(knob.encode(steps)), steps)
    assert len(steps) == knob.steps


@pytest.mark.parametrize("knob", [knob for knob in KNOBS if knob.steps > 0], ids=lambda knob: knob.name)
def test_a_uniform_u_gives_every_step_equally_often(knob: Parameter) -> None:
    _, counts = np.unique(knob.decode((np.arange(4200) + 0.5) / 4200), return_counts=True)
    assert len(counts) == knob.steps
    assert np.ptp(counts) <= 1


def test_snapping_moves_a_step_to_the_centre_of_its_bin_and_leaves_the_rest() -> None:
    octave, linear = KNOBS[6], KNOBS[0]
    assert octave.snap([0.0, 0.01, 1.0]) == pytest.approx([0.5 / 7, 0.5 / 7, 6.5 / 7])
    assert linear.snap([0.123, -1.0, 2.0]).tolist() == [0.123, 0.0, 1.0]


@EVERY
def test_snapping_twice_changes_nothing_more(knob: Parameter) -> None:
    once = knob.snap(np.linspace(0.0, 1.0, 101))
    assert np.array_equal(knob.snap(once), once)


@pytest.mark.parametrize(
    ("knob", "u", "value"),
    [
        (KNOBS[0], 0.25, -1.0),
        (KNOBS[1], 0.5, 0.25),
        (KNOBS[2], 0.5, 0.625),
        (KNOBS[4], 1 / 3, 200.0),
        (KNOBS[5], 0.5, 20 * np.log10((10 ** (-36 / 20) + 10 ** (6 / 20)) / 2)),
        (KNOBS[6], 0.5, 0.0),
        (KNOBS[8], 0.99, 2.0),
    ],
)
def test_each_curve_is_what_it_says(knob: Parameter, u: float, value: float) -> None:
    assert float(knob.decode(u)) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("knob", "value", "text", "json"),
    [
        (KNOBS[4], 1200.0, "1.20 kHz", 1200.0),
        (KNOBS[4], 440.0, "440 Hz", 440.0),
        (KNOBS[4], 999.9, "1.00 kHz", 999.9),
        (KNOBS[2], 0.035, "35 ms", 0.035),
        (KNOBS[2], 0.9999, "1 s", 0.9999),
        (KNOBS[2], 2.5, "2.5 s", 2.5),
        (KNOBS[5], -6.0, "-6 dB", -6.0),
        (KNOBS[1], 0.5, "0.5", 0.5),
        (KNOBS[6], -2.0, "-2 octaves", -2),
        (KNOBS[6], 1.0, "1 octave", 1),
        (KNOBS[7], 1.0, "on", True),
        (KNOBS[8], 2.0, "square", "square"),
    ],
)
def test_a_value_is_written_for_people_and_for_files(knob: Parameter, value: float, text: str, json: object) -> None:
    assert knob.describe(value) == text
    assert knob.to_json(value) == json and type(knob.to_json(value)) is type(json)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "fuzzy"}, "unknown kind or curve"),
        ({"curve": "wavy"}, "unknown kind or curve"),
        ({"low": 1.0, "high": 1.0}, "out of order"),
        ({"default": 2.0}, "out of order"),
        ({"curve": "exponential"}, "starts above 0"),
        ({"kind": "categorical"}, "choices belong"),
        ({"choices": ("a", "b")}, "choices belong"),
    ],
)
def test_a_knob_that_contradicts_itself_is_refused(wrong: dict, says: str) -> None:
    fields = {"name": "a.b", "kind": "continuous", "low": 0.0, "high": 1.0, "default": 0.5} | wrong
    with pytest.raises(ValueError, match=says):
        Parameter(**fields)


def test_one_call_for_many_knobs_agrees_with_a_call_for_each() -> None:
    u = np.linspace(0.0, 1.0, 50)[:, None]
    low, high, exponent = np.array([[0.0, -1.0], [2.0, 9.0], [2.0, 4.0]])
    together = curves.decode("power", u, low, high, exponent)
    apart = [curves.decode("power", u[:, 0], *ends) for ends in zip(low, high, exponent, strict=True)]
    np.testing.assert_allclose(together, np.stack(apart, axis=1), rtol=1e-14)
