"""Frozen lists of targets that methods are judged on, and never trained or tuned on; they come with the package."""

from __future__ import annotations

from pathlib import Path

from myna.audio.collection import Recording, read_index
from myna.errors import UsageError

__all__ = ["SUITES", "load_suite"]

SUITES = ("real",)


def load_suite(name: str) -> list[Recording]:
    """The recordings of a suite, always in the same order; `Recording.target` loads one.

    `real`: 60 single notes of 36 sampled instruments, none of which is in `recordings/train`.

    Raises:
        UsageError: no such suite.
    """
    if name not in SUITES:
        raise UsageError(f"There is no suite '{name}'; choose one of {', '.join(SUITES)}.")
    return read_index(Path(__file__).parent / name)
