"""Ending a training early: SIGINT and SIGTERM ask for it, and are heeded between two steps."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

__all__ = ["Stop"]


class Stop:
    """While it is entered, the first SIGINT or SIGTERM is kept in `signal`; a second one interrupts at once.

    Attributes:
        signal: the one that came, or None.
    """

    def __init__(self) -> None:
        """See the class."""
        self.signal: signal.Signals | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether one came."""
        return self.signal is not None

    def __enter__(self) -> Stop:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)
