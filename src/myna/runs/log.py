"""The log of a training as curves and words, whatever state its file is in.

Shapes: N points.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from myna.errors import MynaError, printable
from myna.runs.names import current_name
from myna.runs.reading import read_file

__all__ = ["LARGEST_LOG", "Curve", "Log", "read_log", "thinned"]

LARGEST_LOG = 32 << 20
"""Bytes; of a larger file its end is read."""
_NAMES, _NAME_LENGTH, _WORDS, _WORD_LENGTH = 512, 120, 512, 20_000
_STEPS = 2**63


@dataclass(frozen=True)
class Curve:
    """A figure over the steps of a training: `steps` (N,) int64, in order, and `values` (N,) float64, all finite."""

    steps: np.ndarray
    values: np.ndarray

    @property
    def last(self) -> float:
        """Its newest value."""
        return float(self.values[-1])


@dataclass(frozen=True)
class Log:
    """What a training told.

    Attributes:
        curves: name as in `myna.envs.tags` → figures; there is at least one in each.
        words: (step, name) → text.
        torn: lines that could not be read, as a kill or a full disk leaves them.
        cut: whether the file is so large that its beginning was left out.
    """

    curves: Mapping[str, Curve] = field(default_factory=dict)
    words: Mapping[tuple[int, str], str] = field(default_factory=dict)
    torn: int = 0
    cut: bool = False

    @property
    def step(self) -> int:
        """The last step of which there is a figure."""
        return max((int(curve.steps[-1]) for curve in self.curves.values()), default=0)


def read_log(path: Path, most: int = LARGEST_LOG) -> Log:
    """Read `log.jsonl`; a log that is not there is empty.

    Args:
        path: the file.
        most: bytes at most, from its end.
    """
    try:
        data = read_file(path, most, tail=True)
    except MynaError:
        return Log()
    lines = data.split(b"\n")
    cut = len(data) == most
    points: dict[str, dict[int, float]] = {}
    words: dict[tuple[int, str], str] = {}
    torn = 0
    for line in lines[1:] if cut else lines:
        said = _parsed(line)
        if said is None:
            torn += bool(line.strip())
            continue
        for name, value in _figures(said):
            if name in points or len(points) < _NAMES:
                points.setdefault(name, {})[said["step"]] = value
        name, text = said.get("name"), said.get("text")
        if isinstance(name, str) and isinstance(text, str):
            words[said["step"], name[:_NAME_LENGTH]] = text[:_WORD_LENGTH]
    return Log({name: _curve(own) for name, own in points.items()}, dict(list(words.items())[-_WORDS:]), torn, cut)


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A line's object, with a step; None for one that is torn or none of ours."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    step = said.get("step") if isinstance(said, dict) else None
    return said if type(step) is int and 0 <= step < _STEPS else None


def _figures(said: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    scalars = said.get("scalars")
    if not isinstance(scalars, dict):
        return
    played = "stage" in scalars
    for name, value in scalars.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf:
            # An old log tells the mean lowest loss twice; that of all steps is the finer one.
            if not (name == "episode/best" and "loss" in scalars):
                yield current_name(printable(name, _NAME_LENGTH), played), float(value)
    minutes = scalars.get("minutes")
    if isinstance(minutes, float) and math.isfinite(minutes):
        yield "time/time_elapsed", 60.0 * minutes


def _curve(points: Mapping[int, float]) -> Curve:
    steps = sorted(points)
    return Curve(np.array(steps, np.int64), np.array([points[step] for step in steps], np.float64))


def thinned(curve: Curve, most: int = 400) -> Curve:
    """A curve of so many points at most: means over equally many neighbours, each at the last of their steps."""
    size = -(-len(curve.steps) // most)
    if size <= 1:
        return curve
    starts = np.arange(0, len(curve.steps), size)
    counts = np.diff(np.append(starts, len(curve.steps)))
    return Curve(curve.steps[starts + counts - 1], np.add.reduceat(curve.values, starts) / counts)
