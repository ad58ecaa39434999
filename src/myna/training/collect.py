"""Collects rows into a data set: shard by shard, bounded, and with the same bits after a stop as without one.

Every group of rows has a place of its own in the tree of seeds, so all that is remembered is how many there are.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save

from myna.errors import MynaError, UsageError, printable
from myna.features import each_item, one_core
from myna.files import make_folder, sha256_hex, write_atomic
from myna.synth.renderer import Renderer
from myna.training.data import read_shard, row_bytes, row_fields
from myna.training.edited import EditedGroups
from myna.training.groups import Groups, RandomGroups, rows_of
from myna.training.guessed import GuessedGroups
from myna.training.manifest import MANIFEST, Manifest, Origin, Shard, read_manifest, shard_name, statistics_digest
from myna.training.searches import RecordedGroups, SearchGroups

__all__ = ["KINDS", "Collected", "Settings", "collect"]

KINDS = (RandomGroups.kind, GuessedGroups.kind, EditedGroups.kind, SearchGroups.kind, RecordedGroups.kind)
SHARD_ROWS = 4096
_MANIFEST_BYTES, _SHARD_BYTES = 4096, 2048  # most that a manifest takes, and a shard's header and line in it


@dataclass(frozen=True)
class Settings:
    """What rows are made of.

    Attributes:
        kind: `random` (draws of the curriculum), `guessed` (draws, and the regression's guesses at them), `edited`
            (edits of both or, with `recordings`, of guesses at variants of them), `searched` (all that an agent tried
            on its way to draws) or `recorded` (all that it tried on its way to variants of recordings).
        seed: of all draws, 0 or more.
        stage: of the curriculum, from 1: which parameters are drawn.
        musical: share in [0, 1] of draws that people might make; the others are uniform.
        goals: rows that each row is compared with, G.
        agent: that searches, see `agents.registry`.
        renders: of each search.
        recordings: folder of those that are varied, see `load_recordings`; instruments kept to validate with are not.
        regression: weights by name or path that guess, of the kinds `guessed` and `edited`.

    Raises:
        UsageError: a value out of range.
    """

    kind: str = "random"
    seed: int = 0
    stage: int = 6
    musical: float = 0.7
    goals: int = 4
    agent: str = "cma-es"
    renders: int = 300
    recordings: str = ""
    regression: str = "regression"

    def __post_init__(self) -> None:
        """See the class."""
        if self.kind not in KINDS:
            raise UsageError(f"Rows are of the kinds {', '.join(KINDS)}; got {printable(self.kind)}.")
        needs, takes = self.kind == RecordedGroups.kind, self.kind in (RecordedGroups.kind, EditedGroups.kind)
        if (needs and not self.recordings) or (self.recordings and not takes):
            raise UsageError(
                "Rows of the kind recorded need a folder of recordings; of the others edited alone takes one."
            )
        if self.seed < 0 or self.goals < 1 or self.renders < 1 or not 0.0 <= self.musical <= 1.0:
            raise UsageError("Seeds are 0 or more, goals and renders 1 or more, and musical is a share from 0 to 1.")


@dataclass(frozen=True)
class Collected:
    """What came of it.

    Attributes:
        rows: in the folder.
        fresh: of them made now.
        bytes: of all shards.
        seconds: that the fresh ones took, and `cpu_s` of all cores.
    """

    rows: int
    fresh: int
    bytes: int
    seconds: float
    cpu_s: float

    @property
    def rows_per_s(self) -> float:
        """Fresh rows a second; 0 where there are none."""
        return self.fresh / self.seconds if self.fresh else 0.0


@one_core()
def collect(
    out: Path,
    settings: Settings,
    renderer: Renderer,
    *,
    most_rows: int,
    most_bytes: int,
    resume: bool = False,
    progress: Callable[[int, int], None] = lambda rows, total: None,
) -> Collected:
    """Fill a folder with whole groups of rows, as many as both bounds allow.

    Args:
        out: the folder; made if absent.
        settings: what rows are made of.
        renderer: of the synth, on the CPU.
        most_rows: in the folder.
        most_bytes: of the folder's files.
        resume: go on with what is there; its damaged shards are made again.
        progress: called with (rows, rows in the end).

    Raises:
        UsageError: the folder holds a data set and `resume` is not asked for, or one of other settings; or the bounds
            leave no room for a group.
        MynaError: the folder cannot be written to; whole shards stay.
    """
    groups = _groups(settings, renderer)
    per_row = row_bytes(len(renderer.table), settings.goals)
    total = _room(groups.rows, per_row, most_rows, most_bytes)
    manifest = _begun(make_folder(out), _origin(settings, groups, renderer), len(renderer.table), resume)
    manifest.write(out)  # tells before any work whether it can be written
    before, start, cpu = manifest.rows, time.perf_counter(), time.process_time()
    per_shard = max(1, SHARD_ROWS // groups.rows)
    while manifest.groups < total:
        numbers = range(manifest.groups, min(manifest.groups + per_shard, total))
        content = _content(
            groups, numbers, manifest.rows, renderer.threads, lambda rows: progress(rows, total * groups.rows)
        )
        write_atomic(out / shard_name(len(manifest.shards)), content)
        shard = Shard(len(numbers) * groups.rows, len(numbers), sha256_hex(content))
        manifest = replace(manifest, shards=(*manifest.shards, shard))
        manifest.write(out)
    rows = manifest.rows
    spent = time.perf_counter() - start, time.process_time() - cpu
    return Collected(rows, rows - before, rows * per_row, *spent)


def _content(
    groups: Groups, numbers: Sequence[int], first_row: int, threads: int, tell: Callable[[int], None]
) -> bytes:
    """A shard with the groups of these numbers, as a file holds it; `tell` is called with rows as they are made."""
    parts: list[dict[str, torch.Tensor]] = []
    for start in range(0, len(numbers), groups.batch):
        some = numbers[start : start + groups.batch]
        parts += _batch(groups, some, first_row + start * groups.rows, threads, tell)
    return save({name: torch.cat([part[name] for part in parts]) for name in parts[0]})


def _batch(
    groups: Groups, numbers: Sequence[int], first_row: int, threads: int, tell: Callable[[int], None]
) -> list[dict[str, torch.Tensor]]:
    made = groups.make(numbers, lambda rows: tell(first_row + rows))
    return each_item(lambda i: rows_of(made[i], numbers[i], first_row + i * groups.rows), len(made), threads)


def _groups(settings: Settings, renderer: Renderer) -> Groups:
    own = settings
    drawn = (renderer, own.seed, own.stage, own.musical, own.goals)
    if own.kind == RandomGroups.kind:
        return RandomGroups(*drawn)
    if own.kind == GuessedGroups.kind:
        return GuessedGroups(*drawn, own.regression)
    if own.kind == EditedGroups.kind:
        return EditedGroups(*drawn, own.recordings, own.regression)
    if own.kind == SearchGroups.kind:
        return SearchGroups(*drawn, own.agent, own.renders)
    return RecordedGroups(renderer, own.seed, own.goals, own.agent, own.renders, own.recordings)


def _room(group_rows: int, per_row: int, most_rows: int, most_bytes: int) -> int:
    """How many groups the bounds allow."""
    per_group = group_rows * per_row
    per_shard = max(1, SHARD_ROWS // group_rows)
    fit = (most_bytes - _MANIFEST_BYTES - _SHARD_BYTES) // (per_group + -(-_SHARD_BYTES // per_shard))
    groups = min(most_rows // group_rows, fit)
    if groups < 1:
        raise UsageError(f"A group is {group_rows:,} rows of {per_row:,} bytes: allow as many rows, and MiB for them.")
    return groups


def _origin(settings: Settings, groups: Groups, renderer: Renderer) -> Origin:
    from myna.synth.serum_lite.engine import source_hash

    return Origin(
        kind=settings.kind,
        seed=settings.seed,
        settings=groups.said,
        synth=renderer.table.synth,
        sample_rate=renderer.sample_rate,
        parameters=renderer.table.digest,
        engine=source_hash(),
        statistics=statistics_digest(),
    )


# What is there already


def _begun(folder: Path, origin: Origin, parameters: int, resume: bool) -> Manifest:
    """The folder's manifest as far as its shards are whole, or a new one."""
    if not (folder / MANIFEST).exists():
        return Manifest(origin)
    where = printable(str(folder))
    if not resume:
        raise UsageError(f"{where} holds a data set already: go on with --resume, or choose another --out.")
    manifest = read_manifest(folder)
    if (other := manifest.origin.differs_in(origin)) is not None:
        raise UsageError(f"{where} was begun with {other}: go on with the same, or choose another --out.")
    _sweep(folder)
    return replace(manifest, shards=manifest.shards[: _whole(folder, manifest, parameters)])


def _whole(folder: Path, manifest: Manifest, parameters: int) -> int:
    """How many shards from the first are what was written."""
    fields = row_fields(parameters, manifest.goals)
    for number, shard in enumerate(manifest.shards):
        try:
            read_shard(folder, number, shard, fields)
        except MynaError:
            return number
    return len(manifest.shards)


def _sweep(folder: Path) -> None:
    """Remove what a kill left of a file that was being written."""
    for path in folder.glob(".shard-*.tmp"):
        with contextlib.suppress(OSError):
            path.unlink()
