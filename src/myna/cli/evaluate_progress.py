"""Progress of an evaluation on stderr: a live bar on a terminal, a line a minute elsewhere, or nothing."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Any, Protocol

from myna.evaluation.comparison import Step

__all__ = ["Progress", "open_progress"]

_LINE_S = 60.0


class Progress(Protocol):
    """A context in which `update` is called after each group of targets."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, kind: Any, error: Any, trace: TracebackType | None) -> None: ...

    def update(self, step: Step) -> None:
        """Report where the evaluation stands."""
        ...

    def preparing(self, done: int, total: int) -> None:
        """Report how much of the bank of sounds is built."""
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

    def update(self, step: Step) -> None:
        """Say nothing."""

    def preparing(self, done: int, total: int) -> None:
        """Say nothing."""


class _Plain(_Silent):
    """A line at first and once a minute."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.told = -_LINE_S

    def update(self, step: Step) -> None:
        """Print a line if it is time."""
        now = time.monotonic()
        if now - self.told >= _LINE_S:
            self.told = now
            left = _left(now - self.began, step.share)
            print(f"{step.share:.1%}, {left} left: {_words(step)}", file=sys.stderr, flush=True)

    def preparing(self, done: int, total: int) -> None:
        """Say that the bank is built, and start the clock when it is."""
        if self.told < 0:
            self.told = 0.0
            print("building the bank of sounds, once", file=sys.stderr, flush=True)
        self.began = time.monotonic()


class _Live(_Silent):
    """A bar that moves; rich honours NO_COLOR."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self.bar = RichProgress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.1f} %  {task.fields[words]}  {task.fields[left]} left"),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = self.bar.add_task("evaluating", total=1.0, words="", left="?")
        self.began = time.monotonic()

    def __enter__(self) -> _Live:
        self.bar.start()
        return self

    def __exit__(self, kind: Any, error: Any, trace: TracebackType | None) -> None:
        self.bar.stop()

    def update(self, step: Step) -> None:
        """Move the bar."""
        left = _left(time.monotonic() - self.began, step.share)
        self.bar.update(
            self.task, description="evaluating", total=1.0, completed=step.share, words=_words(step), left=left
        )

    def preparing(self, done: int, total: int) -> None:
        """Move the bar while the bank is built, and start the clock when it is."""
        self.bar.update(self.task, description="building the bank of sounds, once", completed=done, total=total)
        self.began = time.monotonic()


def _words(step: Step) -> str:
    cell = step.cell
    seed = f", seed {cell.seed}" if cell.seed else ""
    return f"{cell.contender.label} on {cell.targets.name}, {cell.budget} renders{seed}: {step.done} of {step.wanted}"


def _left(seconds: float, share: float) -> str:
    """The time that is left as a clock has it, if the rest goes as fast."""
    if share <= 0.0:
        return "?"
    minutes, rest = divmod(round(seconds * (1.0 / share - 1.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
