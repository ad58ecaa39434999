"""The tables of an evaluation, and the figure and report beside them, as `myna evaluate` left them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myna.errors import MynaError, printable
from myna.runs.listing import Run
from myna.runs.reading import read_file, read_object

__all__ = ["Row", "Standings", "figure_of", "report_of", "rows_so_far", "standings_of"]

_FIGURES = (("figure.svg", "image/svg+xml"), ("figure.png", "image/png"))
_LARGEST_FIGURE, _LARGEST_REPORT, _LARGEST_CELL = 8 << 20, 32 << 20, 64 << 20
_MOST_ROWS, _MOST_CELLS = 20_000, 5_000
_NEEDED = ("median", "low", "high", "success")
_MAYBE = ("ratio", "p", "seconds", "other_notes")


@dataclass(frozen=True)
class Row:
    """An agent on a suite after so many renders; see `myna.evaluation.summary.Standing`."""

    suite: str
    agent: str
    renders: int
    targets: int
    seeds: int
    median: float
    low: float
    high: float
    success: float
    ratio: float | None = None
    p: float | None = None
    seconds: float | None = None
    other_notes: float | None = None


@dataclass(frozen=True)
class Standings:
    """The table of an evaluation.

    Attributes:
        rows: as the summary has them.
        baseline: what they were tested against.
        to_success: (suite, agent) → renders until half of the runs had reached the noise floor, None if they never did.
    """

    rows: Sequence[Row]
    baseline: str = ""
    to_success: Mapping[tuple[str, str], float | None] | None = None

    @property
    def suites(self) -> list[str]:
        """In their order."""
        return list(dict.fromkeys(row.suite for row in self.rows))


def standings_of(run: Run) -> Standings:
    """What `summary.json` says; rows that are none of ours are left out."""
    said = read_object(run.path / "summary.json")
    told = said.get("standings")
    rows = [row for one in (told if isinstance(told, list) else [])[:_MOST_ROWS] if (row := _row(one)) is not None]
    return Standings(rows, _text(said.get("baseline")), _to_success(said.get("to_success")))


def _row(one: Any) -> Row | None:
    try:
        told: dict[str, Any] = {name: int(one[name]) for name in ("renders", "targets", "seeds")}
        told |= {name: _finite(one[name]) for name in _NEEDED}
        told |= {name: None if one.get(name) is None else _finite(one[name]) for name in _MAYBE}
        return Row(_text(one["suite"]), _text(one["agent"]), **told)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return None


def _to_success(told: Any) -> dict[tuple[str, str], float | None]:
    found: dict[tuple[str, str], float | None] = {}
    for one in told if isinstance(told, list) else []:
        if isinstance(one, dict):
            renders = one.get("renders")
            found[_text(one.get("suite")), _text(one.get("agent"))] = (
                float(renders) if isinstance(renders, (int, float)) else None
            )
    return found


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _text(value: Any) -> str:
    return printable(value, 60) if isinstance(value, str) else ""


def rows_so_far(run: Run) -> tuple[int, int]:
    """How many files of rows there are, and how many whole rows in them: where an evaluation stands."""
    folder = run.path / "cells"
    try:
        names = [] if folder.is_symlink() else sorted(os.listdir(folder))
    except OSError:
        return 0, 0
    files = [folder / name for name in names if name.endswith(".jsonl")][:_MOST_CELLS]
    return len(files), sum(max(0, _lines(path) - 1) for path in files)  # the first line of each is its header


def _lines(path: Path) -> int:
    try:
        return read_file(path, _LARGEST_CELL).count(b"\n")
    except MynaError:
        return 0


def figure_of(run: Run) -> tuple[bytes, str] | None:
    """The report's figure and its media type; None where there is none."""
    for name, kind in _FIGURES:
        try:
            return read_file(run.path / name, _LARGEST_FIGURE), kind
        except MynaError:
            continue
    return None


def report_of(run: Run) -> bytes | None:
    """The report, an HTML page for a browser of its own; None where there is none."""
    try:
        return read_file(run.path / "report.html", _LARGEST_REPORT)
    except MynaError:
        return None
