"""Recordings to train on: sounds of which no preset is known, split by instrument.

Those of this repository are in `recordings/train`; see the README there.
"""

from __future__ import annotations

import os

from myna.audio.collection import Recording, read_index
from myna.audio.target import Target
from myna.errors import UsageError

__all__ = ["PARTS", "load_recordings", "split_by_instrument"]

PARTS = ("train", "validation", "all")
_VALIDATION_EVERY = 10


def load_recordings(
    folder: str | os.PathLike[str], part: str = "train", *, sample_rate: int = 44_100, max_s: float = 4.0
) -> list[Target]:
    """Targets of the recordings of a folder, with their known notes and gates, in the order of its index.

    Args:
        folder: with an `index.csv`, see `myna.audio.collection.read_index`.
        part: `train`, `validation` (every tenth instrument) or `all`.
        sample_rate: Hz, that of the renderer.
        max_s: longer recordings are faded out there.

    Raises:
        UsageError: no such part.
        BadAudioError: an index or a file that cannot be used.
    """
    if part not in PARTS:
        raise UsageError(f"Recordings have no part '{part}'; choose one of {', '.join(PARTS)}.")
    recordings = read_index(folder)
    train, validation = split_by_instrument(recordings)
    kept = {"train": train, "validation": validation, "all": recordings}[part]
    return [recording.target(sample_rate, max_s) for recording in kept]


def split_by_instrument(recordings: list[Recording]) -> tuple[list[Recording], list[Recording]]:
    """Recordings to train on, and those of every tenth instrument (in the order of programs) to validate with."""
    instruments = sorted({(one.program, one.instrument) for one in recordings})
    held_out = set(instruments[_VALIDATION_EVERY - 1 :: _VALIDATION_EVERY])
    validation = [one for one in recordings if (one.program, one.instrument) in held_out]
    return [one for one in recordings if one not in validation], validation
