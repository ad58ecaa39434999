"""The log of a training: JSON lines always, and the trackers that its configuration names."""

from __future__ import annotations

import importlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myna.envs.loggers import JsonlLogger, Logger
from myna.errors import MynaError
from myna.files import write_atomic

if TYPE_CHECKING:
    from myna.training.config import TrainConfig

__all__ = ["TRACKERS", "Loggers", "check_trackers", "open_log"]

JSONL = "log.jsonl"
TRACKERS = {
    "tensorboard": "myna.training.tensorboard_logger",
    "wandb": "myna.training.wandb_logger",
}
"""Name → module with `make(out, config, resumed_at) -> Logger`, and `check()`, which raises where it cannot be used."""


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

    def image(self, step: int, name: str, path: Path) -> None:
        """Pass a picture on."""
        for logger in self.loggers:
            logger.image(step, name, path)

    def close(self) -> None:
        """Close all."""
        for logger in self.loggers:
            logger.close()


def check_trackers(names: Sequence[str]) -> None:
    """See that trackers can be used, before a training begins.

    Raises:
        MynaError: one that cannot; says how to mend it.
    """
    for name in names:
        _module(name).check()


def _module(tracker: str) -> Any:
    return importlib.import_module(TRACKERS[tracker])


def open_log(out: Path, config: TrainConfig, resumed_at: int | None = None) -> Loggers:
    """JSON lines in `log.jsonl`, and the trackers of `run.trackers`.

    Args:
        out: the training's folder.
        config: of the training.
        resumed_at: the step that the training goes on from: what was logged after it is dropped.

    Raises:
        MynaError: they cannot be written.
    """
    if resumed_at is not None:
        _drop_after(out / JSONL, resumed_at)
    opened: list[Logger] = [JsonlLogger(out / JSONL)]
    try:
        for name in dict.fromkeys(config.run.trackers):
            opened.append(_module(name).make(out, config, resumed_at))
    except BaseException:
        Loggers(opened).close()
        raise
    return Loggers(opened)


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
