"""Which episodes' sounds are kept, and the file that remembers it.

The manifest is JSON: `{"version": 1, "next": 12, "snapshots": [{"number": 3, "step": 640, …}, …]}`.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from myna.errors import IncompatibleVersionError, MynaError, printable
from myna.files import write_atomic

__all__ = ["KINDS", "Snapshot", "is_own", "read_manifest", "retained", "write_manifest"]

KINDS = ("target", "start", "best")
VERSION = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 2**22
OWN_FILE = re.compile(rf"(\d{{9,12}})-({'|'.join(KINDS)})\.flac")
OWN_LEFTOVER = re.compile(rf"\.({OWN_FILE.pattern}|{re.escape(MANIFEST)})\..*\.tmp")


@dataclass(frozen=True)
class Snapshot:
    """One kept episode.

    Attributes:
        number: of the snapshot; counts up, and is never used twice in a folder.
        step: environment steps when the episode ended.
        stage: of the curriculum.
        first_loss: of the start preset; None where it is not finite.
        best_loss: of the best preset; None where it is not finite: such an episode is the worst of all.
        bytes: of its three files.
    """

    number: int
    step: int
    stage: int
    first_loss: float | None
    best_loss: float | None
    bytes: int

    @property
    def loss(self) -> float:
        """What it is ranked by."""
        return math.inf if self.best_loss is None else self.best_loss

    def file_names(self) -> list[str]:
        """Return the names of its files, made of the number alone."""
        return [f"{self.number:09d}-{kind}.flac" for kind in KINDS]


def retained(snapshots: Iterable[Snapshot], most: int, most_bytes: int) -> list[Snapshot]:
    """Return those to keep: of each stage the best and the worst, evenly, as far as both bounds allow.

    A snapshot's rank is its place from the best or from the worst of its stage, whichever is nearer (among
    equal losses the newest stands first); the lowest ranks are kept, newer before older.

    Args:
        snapshots: all there are, in any order.
        most: at most so many.
        most_bytes: of all files of those kept together; one that is larger by itself is never kept.
    """
    fitting = [snapshot for snapshot in snapshots if snapshot.bytes <= most_bytes]
    rank: dict[int, int] = {}
    for stage in {snapshot.stage for snapshot in fitting}:
        own = [snapshot for snapshot in fitting if snapshot.stage == stage]
        for sign in (1, -1):
            for place, snapshot in enumerate(sorted(own, key=lambda s: (sign * s.loss, -s.number))):
                rank[snapshot.number] = min(place, rank.get(snapshot.number, place))
    kept = sorted(fitting, key=lambda s: (rank[s.number], -s.number))[:most]
    while sum(snapshot.bytes for snapshot in kept) > most_bytes:
        kept.pop()
    return sorted(kept, key=lambda s: s.number)


def is_own(name: str) -> bool:
    """Tell whether a file name is that of a snapshot's sound, or of one half-written when the power went."""
    return bool(OWN_FILE.fullmatch(name) or OWN_LEFTOVER.fullmatch(name))


def write_manifest(folder: Path, snapshots: Iterable[Snapshot], following: int) -> None:
    """Write a folder's manifest atomically; `following` is the next number."""
    content = {"version": VERSION, "next": following, "snapshots": [asdict(s) for s in snapshots]}
    write_atomic(folder / MANIFEST, json.dumps(content, allow_nan=False, indent=1))


def read_manifest(folder: Path) -> tuple[list[Snapshot], int]:
    """Return a folder's snapshots and the next number; none and 0 where the folder is new.

    Raises:
        MynaError: see `Snapshots`.
    """
    path = folder / MANIFEST
    mend = "choose another folder, or empty this one"
    try:
        if not path.exists():
            if folder.is_dir() and any(OWN_FILE.fullmatch(name) for name in os.listdir(folder)):
                raise MynaError(f"{printable(os.fspath(folder))} holds snapshots but no {MANIFEST}: {mend}.")
            return [], 0
        with open(path, "rb") as file:
            data = file.read(MAX_MANIFEST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MynaError(f"cannot read {printable(os.fspath(path))} ({reason}): {mend}.") from error
    try:
        return _parse(data)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise MynaError(f"{printable(os.fspath(path))} is not a manifest of snapshots: {mend}.") from None


def _parse(data: bytes) -> tuple[list[Snapshot], int]:
    if len(data) > MAX_MANIFEST_BYTES:
        raise ValueError
    content = json.loads(data)
    if isinstance(content["version"], int) and content["version"] > VERSION:
        raise IncompatibleVersionError("a newer version of myna wrote these snapshots: choose another folder.")
    snapshots = [_checked(Snapshot(**entry)) for entry in content["snapshots"]]
    following = content["next"]
    numbers = {snapshot.number for snapshot in snapshots}
    if not _whole(following) or len(numbers) < len(snapshots) or max(numbers, default=-1) >= following:
        raise ValueError
    return snapshots, following


def _checked(snapshot: Snapshot) -> Snapshot:
    whole = all(_whole(x) for x in (snapshot.number, snapshot.step, snapshot.stage, snapshot.bytes))
    losses = (snapshot.first_loss, snapshot.best_loss)
    if not whole or not all(x is None or (isinstance(x, (int, float)) and math.isfinite(x)) for x in losses):
        raise ValueError
    return snapshot


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12
