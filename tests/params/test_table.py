"""A table maps whole presets at once, draws and masks them, and names what is wrong in one sentence."""

from __future__ import annotations

import doctest
import re
from dataclasses import replace

import numpy as np
import pytest

from myna.errors import UsageError
from myna.params import Parameter, ParameterTable, table
from myna.synth.serum_lite.parameters import TABLE

TOY = ParameterTable(
    "toy",
    1,
    [
        Parameter("osc.level", "continuous", 0.0, 2.0, 1.0, "V"),
        Parameter("osc.octave", "integer", -2, 2, 0, "octaves"),
        Parameter("filter.on", "boolean", 0, 1, 1),
        Parameter("filter.type", "categorical", 0, 1, 0, choices=("low", "high")),
    ],
)


def test_the_worked_example_holds() -> None:
    assert doctest.testmod(table).failed == 0


# Serum-lite, every parameter


@pytest.mark.parametrize("name", TABLE.names)
def test_every_parameter_of_serum_lite_survives_the_round_trip_to_a_millionth(name: str) -> None:
    knob = TABLE[name]
    u = knob.snap(np.linspace(0.0, 1.0, 2001))
    values = knob.decode(u)
    assert np.abs(knob.encode(values) - u).max() <= 1e-6
    assert np.abs(knob.decode(knob.encode(values)) - values).max() <= 1e-6 * (knob.high - knob.low)
    assert (values[0], values[-1]) == (knob.low, knob.high)
    assert np.all(np.diff(values) >= 0.0)


@pytest.mark.parametrize("name", TABLE.names)
def test_every_parameter_of_serum_lite_is_described_for_people(name: str) -> None:
    knob = TABLE[name]
    assert re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", name)
    assert knob.help
    assert knob.low <= knob.default <= knob.high
    unit = {"_hz": "Hz", "_s": "s", "_db": "dB", "_cents": "cents"}
    for ending, expected in unit.items():
        if name.endswith(ending):
            assert knob.unit == expected


def test_a_whole_table_of_values_survives_the_round_trip() -> None:
    u = TABLE.sample(200, np.random.default_rng(0))
    values = TABLE.decode(u)
    assert np.abs(TABLE.encode(values) - u).max() <= 1e-6
    width = np.array([knob.high - knob.low for knob in TABLE.parameters])
    assert (np.abs(TABLE.decode(TABLE.encode(values)) - values) / width).max() <= 1e-6


def test_the_table_agrees_with_its_parameters() -> None:
    u = np.random.default_rng(1).random((20, len(TABLE)))
    values, snapped = TABLE.decode(u), TABLE.snap(u)
    again = TABLE.encode(values)
    for i, knob in enumerate(TABLE.parameters):
        np.testing.assert_allclose(values[:, i], knob.decode(u[:, i]), rtol=1e-12)
        np.testing.assert_allclose(snapped[:, i], knob.snap(u[:, i]), rtol=1e-12)
        np.testing.assert_allclose(again[:, i], knob.encode(values[:, i]), rtol=1e-9, atol=1e-12)


def test_a_row_does_not_depend_on_its_batch() -> None:
    u = np.random.default_rng(2).random((2, 3, len(TABLE)))
    assert np.array_equal(TABLE.decode(u)[1, 2], TABLE.decode(u[1, 2]))


# Any table


def test_samples_are_snapped_and_cover_every_choice() -> None:
    u = TOY.sample(400, np.random.default_rng(0))
    assert np.array_equal(TOY.snap(u), u)
    values = TOY.decode(u)
    assert set(values[:, 1]) == {-2.0, -1.0, 0.0, 1.0, 2.0}
    assert set(values[:, 3]) == {0.0, 1.0}
    assert values[:, 0].min() < 0.1 and values[:, 0].max() > 1.9


def test_the_same_generator_draws_the_same_presets() -> None:
    first, again = (TOY.sample(5, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first, again)


def test_a_mask_opens_the_named_modules_alone() -> None:
    assert TOY.mask(["filter"]).tolist() == [False, False, True, True]
    assert TOY.mask([]).tolist() == [False] * 4
    assert TOY.mask(TOY.modules).all()
    assert TABLE.mask(["filter", "env_1"]).sum() == sum(n.split(".")[0] in ("filter", "env_1") for n in TABLE.names)


def test_modules_keep_their_order_and_kinds_are_told_apart() -> None:
    assert TOY.modules == ("osc", "filter")
    assert TOY.discrete.tolist() == [False, True, True, True]
    assert TOY.categorical.tolist() == [False, False, True, True]


def test_without_twins_the_canonical_form_is_the_snapped_one() -> None:
    u = np.random.default_rng(4).random((3, 4))
    assert np.array_equal(TOY.canonical(u), TOY.snap(u))


def test_names_give_values_and_the_rest_keeps_its_defaults() -> None:
    values = TOY.from_dict({"osc.octave": -1, "filter.type": "high", "filter.on": False})
    assert values.tolist() == [1.0, -1.0, 0.0, 1.0]
    assert TOY.to_dict(values) == {"osc.level": 1.0, "osc.octave": -1, "filter.on": False, "filter.type": "high"}


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, int])
def test_numbers_of_every_make_are_numbers(kind: type) -> None:
    assert TOY.from_dict({"osc.level": kind(1)})[0] == 1.0


@pytest.mark.parametrize("settings", [{"filter.on": 1}, {"filter.on": np.bool_(True)}, {"filter.on": 1.0}])
def test_a_switch_takes_true_and_one_alike(settings: dict) -> None:
    assert TOY.from_dict(settings)[2] == 1.0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"osc.levle": 1}, "no parameter 'osc.levle' (did you mean 'osc.level'?) in toy"),
        ({"xyz": 1}, "no parameter 'xyz' in toy"),
        ({"x" * 999 + "\n": 1}, "no parameter 'xxx"),
        ({"osc.level": 3}, "osc.level must lie in 0 to 2 V; got 3."),
        ({"osc.level": -1e-9}, "osc.level must lie in 0 to 2 V; got -1e-09."),
        ({"osc.level": float("nan")}, "osc.level must lie in 0 to 2 V; got nan."),
        ({"osc.level": 10**400}, "osc.level must lie in 0 to 2 V; got 1000"),
        ({"osc.level": True}, "osc.level must be a number; got True."),
        ({"osc.level": "0.5"}, "osc.level must be a number; got '0.5'."),
        ({"osc.level": None}, "osc.level must be a number; got None."),
        ({"osc.level": [1]}, "osc.level must be a number; got [1]."),
        ({"osc.level": 1j}, "osc.level must be a number; got 1j."),
        ({"osc.octave": 0.5}, "osc.octave must be a whole number; got 0.5."),
        ({"filter.on": "yes"}, "filter.on must be a number; got 'yes'."),
        ({"filter.type": "band"}, "filter.type must be one of low, high; got 'band'."),
        ({"filter.type": 1}, "filter.type must be one of low, high; got 1."),
        ({"filter.type": ["low"]}, "filter.type must be one of low, high; got ['low']."),
        ({"filter.type": "b\x1b" * 500}, "filter.type must be one of low, high; got 'b\\x1bb"),
    ],
)
def test_a_wrong_setting_is_named_in_one_short_sentence(settings: dict, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        TOY.from_dict(settings)
    message = str(caught.value)
    assert says in message
    assert message.endswith(".") and message.isprintable() and len(message) < 200


@pytest.mark.parametrize("method", ["decode", "encode", "snap"])
@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros(3), "toy has 4 parameters; got an array of shape (3,)."),
        (np.zeros((4, 1)), "got an array of shape (4, 1)."),
        (0.5, "got an array of shape ()."),
        (np.array([0, np.nan, 0, 0]), "must be finite"),
        (np.array([0, 0, np.inf, 0]), "must be finite"),
    ],
)
def test_a_wrong_array_is_refused(method: str, array: object, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        getattr(TOY, method)(array)


def test_an_unknown_module_is_named_with_its_nearest() -> None:
    with pytest.raises(UsageError, match=r"no module 'fliter' \(did you mean 'filter'\?\) in toy\."):
        TOY.mask(["fliter"])


def test_two_knobs_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        ParameterTable("toy", 1, [TOY.parameters[0]] * 2)


def test_the_digest_changes_with_any_knob_and_not_with_its_help() -> None:
    first, *rest = TOY.parameters
    assert ParameterTable("toy", 1, TOY.parameters).digest == TOY.digest
    assert ParameterTable("toy", 1, [replace(first, help="louder"), *rest]).digest == TOY.digest
    for changed in ({"high": 3.0}, {"default": 0.5}, {"curve": "power"}, {"name": "osc.volume"}):
        assert ParameterTable("toy", 1, [replace(first, **changed), *rest]).digest != TOY.digest
    assert ParameterTable("toy", 1, [*rest, first]).digest != TOY.digest
    assert ParameterTable("toy", 2, TOY.parameters).digest != TOY.digest
