"""Conversions between musical and physical units.

Shapes: every function is elementwise; an array of any shape gives an array of that shape, a number gives a
0-d float64 (`np.float64`).
Units: MIDI note numbers (69 = A4, fractions are cents / 100), Hz at A4 = 440 Hz, dB re gain 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["FLOOR_DB", "NOTES", "db_to_gain", "gain_to_db", "hz_to_midi", "midi_to_hz", "note_name"]

NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
"""The names of an octave's notes, from C up."""
FLOOR_DB = -120.0
"""What `gain_to_db` returns for silence, and the least that it returns at all."""


def midi_to_hz(note_midi: ArrayLike) -> Any:
    """Frequency in Hz of a MIDI note number, equal temperament, A4 = 440 Hz.

    >>> float(midi_to_hz(69))
    440.0
    >>> midi_to_hz([57, 81]).tolist()
    [220.0, 880.0]
    """
    return 440.0 * np.exp2((np.asarray(note_midi, dtype=np.float64) - 69.0) / 12.0)


def hz_to_midi(frequency_hz: ArrayLike) -> Any:
    """MIDI note number, with fractions, of a frequency in Hz; the inverse of `midi_to_hz`.

    >>> float(hz_to_midi(440.0))
    69.0
    >>> hz_to_midi([220.0, 880.0]).tolist()
    [57.0, 81.0]

    Raises:
        ValueError: A frequency is not above 0.
    """
    frequency = np.asarray(frequency_hz, dtype=np.float64)
    if np.any(frequency <= 0.0):
        raise ValueError("a frequency must be above 0 Hz")
    return 69.0 + 12.0 * np.log2(frequency / 440.0)


def db_to_gain(level_db: ArrayLike) -> Any:
    """Amplitude factor of a level in dB.

    >>> float(db_to_gain(-20.0))
    0.1
    >>> db_to_gain([0.0, 20.0]).tolist()
    [1.0, 10.0]
    """
    return np.power(10.0, np.asarray(level_db, dtype=np.float64) / 20.0)


def gain_to_db(gain: ArrayLike) -> Any:
    """Level in dB of an amplitude factor, never below `FLOOR_DB`; the sign of the gain is ignored.

    >>> float(gain_to_db(0.1))
    -20.0
    >>> gain_to_db([1.0, 0.0]).tolist()
    [0.0, -120.0]
    """
    magnitude = np.abs(np.asarray(gain, dtype=np.float64))
    floor = 10.0 ** (FLOOR_DB / 20.0)
    return np.where(magnitude <= floor, FLOOR_DB, 20.0 * np.log10(np.maximum(magnitude, floor)))[()]


def note_name(note_midi: float) -> str:
    """Name a MIDI note, middle C being C4; the nearest semitone and the cents off it.

    >>> note_name(60), note_name(68.75)
    ('C4', 'A4 −25 ct')
    """
    nearest = round(note_midi)
    cents = round(100 * (note_midi - nearest))
    name = f"{NOTES[nearest % 12]}{nearest // 12 - 1}"
    return f"{name} {'+' if cents > 0 else '−'}{abs(cents)} ct" if cents else name
