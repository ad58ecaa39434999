"""Progress of a match on stderr: a live bar on a terminal, a few plain lines elsewhere, or nothing."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Any, Protocol

__all__ = ["Progress", "open_progress"]

LINES = 4


class Progress(Protocol):
    """A context in which `update` may be called often."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, kind: Any, error: Any, trace: TracebackType | None) -> None: ...

    def update(self, renders: int, budget: int, best_loss: float) -> None:
        """Report where the search stands."""
        ...

    def preparing(self, done: int, total: int) -> None:
        """Report how much of the bank of sounds is built; it is kept, so only the first match builds it."""
        ...


def open_progress(name: str, quiet: bool) -> Progress:
    """The right kind of progress for this stderr.

    Args:
        name: the target, made safe for a terminal.
        quiet: say nothing.
    """
    if quiet:
        return _Silent()
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return _Live(name)
    return _Plain(name)


class _Silent:
    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, kind: Any, error: Any, trace: TracebackType | None) -> None:
        """Nothing to close."""

    def update(self, renders: int, budget: int, best_loss: float) -> None:
        """Say nothing."""

    def preparing(self, done: int, total: int) -> None:
        """Say nothing."""


class _Plain(_Silent):
    """A line at the start and at every quarter of the bank or the budget."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.done = 0
        self.prepared = -1  # so that the first call says what is going on

    def __enter__(self) -> _Plain:
        print(f"{self.name}: searching", file=sys.stderr, flush=True)
        return self

    def update(self, renders: int, budget: int, best_loss: float) -> None:
        """Print a line if another quarter is done."""
        quarter = LINES * renders // max(budget, 1)
        if quarter > self.done:
            self.done = quarter
            print(
                f"{self.name}: {renders} of {budget} renders, best loss {best_loss:.3f}",
                file=sys.stderr,
                flush=True,
            )

    def preparing(self, done: int, total: int) -> None:
        """Print a line if another quarter is done."""
        quarter = LINES * done // max(total, 1)
        if quarter > self.prepared:
            self.prepared = quarter
            print(f"building the bank of sounds, once: {done} of {total}", file=sys.stderr, flush=True)


class _Live(_Silent):
    """A bar that moves; rich honours NO_COLOR."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self.bar = RichProgress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} renders  {task.fields[best]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.name = escape(name)
        self.task = self.bar.add_task(self.name, total=1, best="")

    def __enter__(self) -> _Live:
        self.bar.start()
        return self

    def __exit__(self, kind: Any, error: Any, trace: TracebackType | None) -> None:
        self.bar.stop()

    def update(self, renders: int, budget: int, best_loss: float) -> None:
        """Move the bar."""
        best = f"best loss {best_loss:.3f}"
        self.bar.update(self.task, description=self.name, completed=renders, total=budget, best=best)

    def preparing(self, done: int, total: int) -> None:
        """Move the bar while the bank is built."""
        self.bar.update(self.task, description="building the bank of sounds, once", completed=done, total=total)
