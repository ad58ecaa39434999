"""The log of a training: figures gathered over many steps, into JSON lines and TensorBoard."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from myna.envs.loggers import JsonlLogger, Logger, Once
from myna.errors import MynaError
from myna.files import write_atomic

__all__ = ["Loggers", "Meter", "TensorBoardLogger", "open_log"]

JSONL = "log.jsonl"


class Meter:
    """Gathers figures of steps and tells their means; of `time/` ones the shares of the wall clock, under `share/`."""

    def __init__(self) -> None:
        """Begin now."""
        self._clear()

    def _clear(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._begun, self._from = time.perf_counter(), -1

    def add(self, figures: Mapping[str, float]) -> None:
        """Take those of one step."""
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def spend(self, name: str, seconds: float) -> None:
        """Note time that went into something else than steps."""
        self.add({f"time/{name}": seconds})

    def told(self, steps: int) -> dict[str, float]:
        """Means since the last call, over so many steps of the learner; and begin anew."""
        seconds = max(time.perf_counter() - self._begun, 1e-9)
        figures = {"steps_per_s": steps / seconds}
        for name, total in self._sums.items():
            if name.startswith("time/"):
                figures[f"share/{name.removeprefix('time/')}"] = total / seconds
            else:
                figures[name] = total / self._counts[name]
        self._clear()
        return figures


class TensorBoardLogger:
    """Writes event files for TensorBoard; a `Logger`.

    Args:
        folder: of the event files.
        purge_after: of what a former run wrote, hide what came after this step; None for nothing.
    """

    def __init__(self, folder: Path, purge_after: int | None = None) -> None:
        """See the class."""
        from torch.utils.tensorboard import SummaryWriter

        self._said = Once()
        later = None if purge_after is None else purge_after + 1
        try:
            self._writer = SummaryWriter(str(folder), purge_step=later)
        except OSError as error:
            raise MynaError(f"cannot write to {folder}: {error.strerror}.") from error

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take figures of one step; one that is not finite is left out."""
        try:
            for name, value in values.items():
                if math.isfinite(value):
                    self._writer.add_scalar(name, value, step)
        except OSError as error:
            self._said.say(f"cannot write to TensorBoard's files: {error.strerror}; these figures are lost.")
        else:
            self._said.clear()

    def text(self, step: int, name: str, text: str) -> None:
        """Take some lines of text."""
        self._writer.add_text(name, text, step)

    def audio(self, step: int, name: str, path: Path) -> None:
        """Take the sound's path: TensorBoard would copy the samples."""
        self._writer.add_text(name, str(path), step)

    def close(self) -> None:
        """Write what is pending; harmless twice."""
        self._writer.close()


class Loggers:
    """Several as one."""

    def __init__(self, loggers: Sequence[Logger]) -> None:
        """See the class."""
        self.loggers = tuple(loggers)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Pass figures on."""
        for logger in self.loggers:
            logger.scalars(step, values)

    def text(self, step: int, name: str, text: str) -> None:
        """Pass text on."""
        for logger in self.loggers:
            logger.text(step, name, text)

    def audio(self, step: int, name: str, path: Path) -> None:
        """Pass a sound on."""
        for logger in self.loggers:
            logger.audio(step, name, path)

    def close(self) -> None:
        """Close all."""
        for logger in self.loggers:
            logger.close()


def open_log(out: Path, resumed_at: int | None = None) -> Loggers:
    """JSON lines in `log.jsonl` and event files in `tensorboard`.

    Args:
        out: the training's folder.
        resumed_at: the step that the training goes on from: what was logged after it is dropped.

    Raises:
        MynaError: they cannot be written.
    """
    if resumed_at is not None:
        _drop_after(out / JSONL, resumed_at)
    return Loggers([JsonlLogger(out / JSONL), TensorBoardLogger(out / "tensorboard", resumed_at)])


def _drop_after(path: Path, step: int) -> None:
    if not path.is_file():
        return
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise MynaError(f"cannot read {os.fspath(path)}: {error.strerror}.") from error
    write_atomic(path, b"".join(line for line in lines if _step_of(line) <= step))


def _step_of(line: bytes) -> float:
    """Of a line of the log; infinite for one that was torn."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf
