"""Between two presets, and of both."""

from __future__ import annotations

import numpy as np
import pytest

from myna.errors import UsageError
from myna.presets.generator import UniformPrior
from myna.presets.mix import morph, with_modules
from myna.seeding import generator
from myna.synth.serum_lite.parameters import TABLE

A, B = UniformPrior(TABLE).sample(2, generator(3, "mix"))


def test_the_ends_of_a_morph_are_the_presets_and_beyond_there_is_nothing() -> None:
    for amount, end in ((0.0, A), (-1.0, A), (1.0, B), (7.0, B)):
        np.testing.assert_array_equal(morph(TABLE, A, B, amount), end)


def test_knobs_with_an_order_move_all_the_way_and_choices_turn_half_way() -> None:
    steps = np.array([morph(TABLE, A, B, amount) for amount in np.linspace(0.0, 1.0, 11)])
    moves = np.diff(steps, axis=0) * np.sign(B - A)
    assert (moves >= -1e-12).all()
    smooth = ~TABLE.discrete
    np.testing.assert_allclose(steps[5][smooth], 0.5 * (A + B)[smooth], atol=1e-12)
    np.testing.assert_array_equal(steps[4][TABLE.categorical], A[TABLE.categorical])
    np.testing.assert_array_equal(steps[5][TABLE.categorical], B[TABLE.categorical])


def test_modules_are_taken_from_the_other_preset_and_the_rest_stays() -> None:
    mixed = with_modules(TABLE, A, B, ["filter", "env_2"])
    taken = TABLE.mask(["filter", "env_2"])
    np.testing.assert_array_equal(mixed[taken], B[taken])
    np.testing.assert_array_equal(mixed[~taken], A[~taken])
    with pytest.raises(UsageError, match="did you mean 'filter'"):
        with_modules(TABLE, A, B, ["fliter"])
