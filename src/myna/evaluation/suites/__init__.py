"""Frozen lists of targets that methods are judged on, and never trained or tuned on; they come with the package."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from myna.audio.collection import Recording, read_index
from myna.errors import MynaError, UsageError, printable
from myna.evaluation.suites.frozen import FrozenSet, parse
from myna.evaluation.suites.sets import RecordingSet
from myna.files import sha256_hex

__all__ = ["SUITES", "load_recordings", "load_suite", "verify_suite"]

FOLDER = Path(__file__).parent
SUITES = ("stage-1", "stage-2", "stage-3", "stage-4", "stage-5", "stage-6", "factory", "real", "vital")


def load_suite(name: str) -> FrozenSet | RecordingSet:
    """The targets of a suite, always the same in the same order.

    `stage-1` … `stage-6`: 64 presets each of a stage of the curriculum, half drawn evenly, half as people make presets.
    `factory`: 64 of the presets designed by hand, which are in no bank that is searched or trained on.
    `real`: 60 single notes of 36 sampled instruments, none of which is in `recordings/train`.
    `vital`: 43 sounds of another synthesizer, Vital.

    Raises:
        UsageError: no such suite.
        MynaError: its file is not the one that was frozen.

    Example:
        >>> suite = load_suite("stage-2")
        >>> len(suite), suite.name
        (64, 'stage-2')
    """
    said = _said(name)
    if said["kind"] == "recordings":
        return RecordingSet(name, load_recordings(name), said["about"])
    return parse(_file(name, f"{name}.json", said).decode("utf-8"), FOLDER / f"{name}.json")


def load_recordings(name: str = "real") -> tuple[Recording, ...]:
    """The recordings of a suite of recordings; `Recording.target` loads one.

    Raises:
        UsageError: no such suite, or one of presets.
        MynaError: its index is not the one that was frozen.
    """
    said = _said(name)
    if said["kind"] != "recordings":
        raise UsageError(f"The suite '{name}' is of presets, not of recordings.")
    _file(name, f"{name}/index.csv", said)
    return tuple(read_index(FOLDER / name))


def verify_suite(name: str) -> None:
    """Check every file of a suite against the hash that it was frozen with.

    Raises:
        UsageError: no such suite.
        MynaError: a file that is missing or was changed.
    """
    suite = load_suite(name)
    if len(suite) != _said(name)["targets"]:
        raise MynaError(f"The suite {name} has {len(suite)} targets, not {_said(name)['targets']}: install myna again.")
    for one in suite.recordings if isinstance(suite, RecordingSet) else ():
        one.target()  # which compares the file with the index


def _said(name: str) -> dict[str, Any]:
    if name not in SUITES:
        raise UsageError(f"There is no suite '{printable(name, 40)}'; choose one of {', '.join(SUITES)}.")
    return _index()[name]


@cache
def _index() -> dict[str, dict[str, Any]]:
    return json.loads((FOLDER / "suites.json").read_text(encoding="utf-8"))["suites"]


def _file(name: str, path: str, said: dict[str, Any]) -> bytes:
    try:
        data = (FOLDER / path).read_bytes()
    except OSError as error:
        raise MynaError(f"The suite {name} cannot be read: {error.strerror}. Install myna again.") from None
    if sha256_hex(data) != said["sha256"]:
        raise MynaError(f"The suite {name} is not the one that was frozen: install myna again.")
    return data
