"""Which runs there are below a folder, and how they stand.

Units: seconds, POSIX time.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from myna.errors import UsageError, printable
from myna.runs.reading import read_object

__all__ = ["FRESH_S", "MOST", "Run", "find_runs", "get_run", "runs_dir"]

FRESH_S = 300.0
"""A run that wrote something in this time is taken to be at work."""
MOST = 500
_DEPTH, _FOLDERS = 4, 20_000
_ENV = "MYNA_RUNS_DIR"


@dataclass(frozen=True)
class Run:
    """A training or an evaluation.

    Attributes:
        name: its place below the folder, parts joined by `/`.
        path: where it lies.
        kind: `training` or `evaluation`.
        learner: what is trained (`sac`, `proxy`, …); empty where unknown.
        status: `running`, `finished` or `stopped`; the last is also one that was killed.
        changed_s: when it last wrote.
    """

    name: str
    path: Path
    kind: str
    learner: str
    status: str
    changed_s: float


def runs_dir() -> Path:
    """The folder whose runs are shown: `MYNA_RUNS_DIR` if set, else `out` where myna was started."""
    return Path(os.environ.get(_ENV) or "out").absolute()


def find_runs(root: Path, most: int = MOST) -> list[Run]:
    """The runs below a folder, those that wrote last first; none where there is no such folder.

    Args:
        root: the folder; may be a run itself.
        most: so many of them at most, those that wrote last.
    """
    found = [run for folder in _folders(root) if (run := _run(root, folder)) is not None]
    return sorted(found, key=lambda run: (-run.changed_s, run.name))[:most]


def get_run(root: Path, name: str) -> Run:
    """A run by its name.

    Raises:
        UsageError: there is none of that name below the folder.
    """
    for run in find_runs(root):
        if run.name == name:
            return run
    raise UsageError(f"There is no run “{printable(name, 60)}” here: choose one from the list.")


def _folders(root: Path) -> Iterator[Path]:
    """The folder and those below it, without links and what is inside of runs."""
    level, seen = [root], 0
    for _ in range(_DEPTH + 1):
        below: list[Path] = []
        for folder in level:
            seen += 1
            if seen > _FOLDERS:
                return
            yield folder
            if not _is_run(folder):
                below += _subfolders(folder)
        level = below


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith(".")]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]


def _is_run(folder: Path) -> bool:
    return _changed_s(folder / "log.jsonl") is not None or _changed_s(folder / "evaluation.json") is not None


def _run(root: Path, folder: Path) -> Run | None:
    name = "/".join(folder.relative_to(root).parts) or root.name
    logged_s = _changed_s(folder / "log.jsonl")
    if logged_s is not None:
        config = read_object(folder / "config.json")
        learner = config.get("kind")
        status = _status(logged_s, _changed_s(folder / "final", stat.S_ISDIR))
        return Run(
            name, folder, "training", printable(learner, 40) if isinstance(learner, str) else "", status, logged_s
        )
    asked_s = _changed_s(folder / "evaluation.json")
    if asked_s is None:
        return None
    changed_s = max([asked_s, *_cells_changed_s(folder / "cells")])
    return Run(name, folder, "evaluation", "", _status(changed_s, _changed_s(folder / "summary.json")), changed_s)


def _status(changed_s: float, ended_s: float | None) -> str:
    """Of a run that wrote its rows and its end at these times; what comes after an end is a resumption."""
    if ended_s is not None and ended_s >= changed_s - 1.0:
        return "finished"
    if time.time() - changed_s < FRESH_S:
        return "running"
    return "stopped" if ended_s is None else "finished"


def _cells_changed_s(folder: Path) -> list[float]:
    try:
        with os.scandir(folder) as entries:
            return [e.stat(follow_symlinks=False).st_mtime for e in entries if e.name.endswith(".jsonl")]
    except OSError:
        return []


def _changed_s(path: Path, is_kind: Callable[[int], bool] = stat.S_ISREG) -> float | None:
    """When a file or folder was changed; None where there is none, or a link in its place."""
    try:
        about = path.lstat()
    except (OSError, ValueError):
        return None
    return about.st_mtime if is_kind(about.st_mode) else None
