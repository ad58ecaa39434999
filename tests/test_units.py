"""Conversions agree with their definitions, invert each other and keep shapes."""

from __future__ import annotations

import doctest

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna import units
from myna.units import FLOOR_DB, db_to_gain, gain_to_db, hz_to_midi, midi_to_hz


def test_the_worked_examples_hold() -> None:
    assert doctest.testmod(units).failed == 0


def test_notes_agree_with_librosa() -> None:
    notes = np.linspace(0.0, 127.0, 509)
    np.testing.assert_allclose(midi_to_hz(notes), librosa.midi_to_hz(notes), rtol=1e-13)
    np.testing.assert_allclose(hz_to_midi(midi_to_hz(notes)), notes, atol=1e-11)


@given(st.floats(-60.0, 200.0))
def test_hz_to_midi_inverts_midi_to_hz(note_midi: float) -> None:
    assert hz_to_midi(midi_to_hz(note_midi)) == pytest.approx(note_midi, abs=1e-9)


@given(st.floats(-119.0, 60.0))
def test_gain_to_db_inverts_db_to_gain(level_db: float) -> None:
    assert gain_to_db(db_to_gain(level_db)) == pytest.approx(level_db, abs=1e-9)


def test_silence_is_the_floor_and_sign_is_ignored() -> None:
    assert gain_to_db(0.0) == FLOOR_DB == -120.0
    assert gain_to_db(1e-9) == FLOOR_DB
    assert gain_to_db(-1.0) == 0.0


@pytest.mark.parametrize("function", [midi_to_hz, hz_to_midi, db_to_gain, gain_to_db])
def test_shapes_are_kept(function) -> None:
    assert np.ndim(function(1.0)) == 0
    assert function(np.ones((2, 3), dtype=np.float32)).shape == (2, 3)
    assert function(np.ones((2, 0))).shape == (2, 0)


@pytest.mark.parametrize("frequency_hz", [0.0, -1.0, [440.0, 0.0]])
def test_a_frequency_of_zero_or_less_is_refused(frequency_hz: object) -> None:
    with pytest.raises(ValueError, match="above 0 Hz"):
        hz_to_midi(frequency_hz)
