"""Progress on stderr, of whatever takes long: a live bar on a terminal, a few plain lines elsewhere, or nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple

__all__ = ["BANK", "Progress", "Told", "clock", "each_minute", "each_quarter", "open_progress"]

BANK = "building the bank of sounds, once"
"""What the first match and the first evaluation do before anything else."""
_MINUTE_S = 60.0
_QUARTERS = 4


class Told(NamedTuple):
    """How far something is.

    Attributes:
        title: what goes on, made safe for a terminal.
        done, total: of its work, in whatever unit.
        words: the same for people, and what else they want to know.
    """

    title: str
    done: float
    total: float
    words: str


Due = Callable[[Told], bool]


def each_quarter() -> Due:
    """A line at the beginning of each thing that goes on, and at each quarter of it."""
    told: dict[str, int] = {}

    def due(news: Told) -> bool:
        quarter = int(_QUARTERS * news.done / max(news.total, 1))
        if told.get(news.title, -1) >= quarter:
            return False
        told[news.title] = quarter
        return True

    return due


def each_minute() -> Due:
    """A line at the beginning of each thing that goes on, and once a minute."""
    told: dict[str, float] = {}

    def due(news: Told) -> bool:
        now = time.monotonic()
        if now - told.get(news.title, -_MINUTE_S) < _MINUTE_S:
            return False
        told[news.title] = now
        return True

    return due


def open_progress(quiet: bool, due: Due) -> Progress:
    """The right kind of progress for this stderr.

    Args:
        quiet: say nothing.
        due: whether a plain line is to be printed now.
    """
    if quiet:
        return Progress()
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return _Bar()
    return _Lines(due)


class Progress:
    """A context in which `update` may be called often; this one says nothing."""

    def __enter__(self) -> Progress:
        """Begin."""
        return self

    def __exit__(self, kind: Any, error: Any, trace: TracebackType | None) -> None:
        """End."""

    def update(self, told: Told) -> None:
        """Tell how far it is."""


class _Lines(Progress):
    def __init__(self, due: Due) -> None:
        self._due, self._left = due, _Left()

    def update(self, told: Told) -> None:
        left = self._left(told)
        if self._due(told):
            more = f", {left} left" if left else ""
            print(f"{told.title}: {told.words}{more}", file=sys.stderr, flush=True)


class _Bar(Progress):
    """A bar that moves; rich honours NO_COLOR."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[words]}", markup=False),
        )
        self._bar = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=1, words="")
        self._left = _Left()

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, kind: Any, error: Any, trace: TracebackType | None) -> None:
        self._bar.stop()

    def update(self, told: Told) -> None:
        from rich.markup import escape

        left = self._left(told)
        words = told.words + (f"  {left} left" if left else "")
        self._bar.update(
            self._task, description=escape(told.title), completed=told.done, total=max(told.total, 1e-9), words=words
        )


class _Left:
    """The time that is left of what goes on, if the rest goes as fast as what was seen of it; nothing under a minute.

    What was done before the first news (a run that goes on) took no time that anybody saw.
    """

    def __init__(self) -> None:
        self._title, self._began, self._first = "", 0.0, 0.0

    def __call__(self, told: Told) -> str:
        now = time.monotonic()
        if told.title != self._title:
            self._title, self._began, self._first = told.title, now, told.done
        seen = told.done - self._first
        left_s = (now - self._began) * (told.total - told.done) / seen if seen > 0 else 0.0
        return clock(left_s) if left_s >= _MINUTE_S else ""


def clock(seconds: float) -> str:
    """Hours, minutes and seconds as a clock has them.

    >>> clock(3725.2)
    '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
