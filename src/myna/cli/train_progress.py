"""Progress of a training on stderr: a live bar on a terminal, a line now and then elsewhere, or nothing."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Any, Protocol

from myna.training.run import Status

__all__ = ["Progress", "open_progress"]

_LINE_S = 60.0


class Progress(Protocol):
    """A context in which `update` may be called often."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, kind: Any, error: Any, trace: TracebackType | None) -> None: ...

    def update(self, status: Status) -> None:
        """Report where the training stands."""
        ...


def open_progress(quiet: bool) -> Progress:
    """The right kind of progress for this stderr."""
    if quiet:
        return _Silent()
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return _Live()
    return _Plain()


class _Silent:
    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, kind: Any, error: Any, trace: TracebackType | None) -> None:
        """Nothing to close."""

    def update(self, status: Status) -> None:
        """Say nothing."""


class _Plain(_Silent):
    """A line at first and once a minute."""

    def __init__(self) -> None:
        self.told = -_LINE_S

    def update(self, status: Status) -> None:
        """Print a line if it is time."""
        now = time.monotonic()
        if now - self.told >= _LINE_S and status.figures:
            self.told = now
            steps = f"{status.steps_done:,} of {status.total:,} steps"
            print(f"{steps}, {_words(status)}, {_left(status.left_s)} left", file=sys.stderr, flush=True)


class _Live(_Silent):
    """A bar that moves; rich honours NO_COLOR."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self.bar = RichProgress(
            TextColumn("[bold]training"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps  {task.fields[words]}  {task.fields[left]} left"),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = self.bar.add_task("training", total=1, words="", left="?")

    def __enter__(self) -> _Live:
        self.bar.start()
        return self

    def __exit__(self, kind: Any, error: Any, trace: TracebackType | None) -> None:
        self.bar.stop()

    def update(self, status: Status) -> None:
        """Move the bar."""
        self.bar.update(
            self.task,
            completed=status.steps_done,
            total=status.total,
            words=_words(status),
            left=_left(status.left_s),
        )


def _words(status: Status) -> str:
    told = [f"{status.steps_per_s:.0f} steps/s"]
    if "curriculum/stage" in status.figures:
        told.append(f"stage {status.figures['curriculum/stage']:.0f}")
    for name in ("match/best_loss", "train/loss"):
        if name in status.figures:
            told.append(f"loss {status.figures[name]:.3f}")
    return ", ".join(told)


def _left(seconds: float) -> str:
    if not seconds < 1e9:
        return "?"
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
