"""Where figures go: the `Logger` protocol, and one that writes JSON lines.

Names are paths of plain words, the same in every run (`env/loss/log_mel`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

__all__ = ["Logger"]


class Logger(Protocol):
    """Takes what callbacks have to say; training implements it for its trackers.

    A logger never raises for a full disk or a lost connection: it says so once and goes on.
    """

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take figures of one step; one that is not finite is kept as missing."""
        ...

    def text(self, step: int, name: str, text: str) -> None:
        """Take some lines of text."""
        ...

    def audio(self, step: int, name: str, path: Path) -> None:
        """Take a sound file that has been written to disk; retention may delete it later."""
        ...

    def close(self) -> None:
        """Write what is pending; harmless twice."""
        ...
