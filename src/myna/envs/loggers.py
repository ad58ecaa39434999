"""Where figures go: the `Logger` protocol, and one that writes JSON lines.

Names are paths of plain words, the same in every run (`match/loss_log_mel`): see `envs.tags`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from myna.errors import MynaError, printable
from myna.files import make_folder

__all__ = ["JsonlLogger", "Logger", "Once"]


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

    def image(self, step: int, name: str, path: Path) -> None:
        """Take a PNG file, likewise."""
        ...

    def close(self) -> None:
        """Write what is pending; harmless twice."""
        ...


class JsonlLogger:
    r"""Appends one JSON object per call to a file: `{"step": 64, "scalars": {…}}`, `"text"`, `"audio"` or `"image"`.

    A line is written whole or not at all. A full or vanished disk is said once, and logging tries again at
    the next call. One process per file.

    Args:
        path: the file; it and its folder are made where missing, and what is there is kept.

    Raises:
        MynaError: the file cannot be opened for appending.

    Example:
        >>> logger = JsonlLogger("run/log.jsonl")  # doctest: +SKIP
        >>> logger.scalars(64, {"match/loss": 0.8})  # doctest: +SKIP
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        make_folder(self.path.parent)
        try:
            self._file = open(self.path, "a+b", buffering=0)
        except (OSError, ValueError) as error:
            raise MynaError(f"cannot open {printable(os.fspath(path))} to log to: {_reason_of(error)}.") from error
        self._said = Once()
        self._end_torn_line()

    def _end_torn_line(self) -> None:
        """A power cut may have left half a line: what follows starts on its own."""
        size = self._file.seek(0, os.SEEK_END)
        if size:
            self._file.seek(size - 1)
            if self._file.read(1) != b"\n":
                self._append(b"\n")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Append them; one that is not finite becomes null."""
        self._write(step, scalars={name: float(v) if math.isfinite(v) else None for name, v in values.items()})

    def text(self, step: int, name: str, text: str) -> None:
        """Append it."""
        self._write(step, name=name, text=text)

    def audio(self, step: int, name: str, path: Path) -> None:
        """Append the path, relative to the log's folder where the sound lies in it."""
        self._write(step, name=name, audio=self._relative(path))

    def image(self, step: int, name: str, path: Path) -> None:
        """Append the path, likewise."""
        self._write(step, name=name, image=self._relative(path))

    def _relative(self, path: Path) -> str:
        with contextlib.suppress(ValueError):
            path = path.relative_to(self.path.parent)
        return os.fspath(path)

    def close(self) -> None:
        """Close the file; later calls are ignored."""
        self._file.close()

    def _write(self, step: int, **content: Any) -> None:
        if not self._file.closed:
            self._append(json.dumps({"step": int(step), **content}, allow_nan=False).encode() + b"\n")

    def _append(self, line: bytes) -> None:
        try:
            before = self._file.seek(0, os.SEEK_END)
            if self._file.write(line) != len(line):
                self._file.truncate(before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._said.say(f"cannot write {printable(os.fspath(self.path))}: {_reason_of(error)}; this line is lost.")
        else:
            self._said.clear()


class Once:
    """Says a sentence once and not again before `clear`, so that a lasting fault does not fill the screen."""

    def __init__(self) -> None:
        self._silent = False

    def say(self, sentence: str) -> None:
        """Warn, unless that was done already."""
        if not self._silent:
            logging.getLogger("myna.envs").warning(sentence)
        self._silent = True

    def clear(self) -> None:
        """Note that all is well again: the next fault is news."""
        self._silent = False


def _reason_of(error: Exception) -> str:
    """Return what went wrong with a file, in the system's words."""
    return str(getattr(error, "strerror", None) or error)
