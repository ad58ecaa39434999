"""The sounds of the best and the worst episodes, kept on disk as FLAC within a bound of count and bytes.

In the folder: `<number>-target.flac`, `<number>-start.flac`, `<number>-best.flac`, nine digits counting
up over all runs, and `manifest.json`, which says what each number is.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from myna.envs.callbacks import Callback, Episode, Sounds
from myna.envs.loggers import Logger, Once
from myna.envs.snapshot_manifest import KINDS, Snapshot, is_own, read_manifest, retained, write_manifest
from myna.errors import MynaError
from myna.files import make_folder, write_atomic

__all__ = ["Snapshots", "encode_flac"]


def encode_flac(samples: np.ndarray, sample_rate: int) -> bytes:
    """Encode (C, T) samples as 16-bit FLAC in memory, clipped at full scale; what is not a number becomes silence."""
    clean = np.clip(np.nan_to_num(np.atleast_2d(samples), nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
    file = io.BytesIO()
    soundfile.write(file, clean.T, sample_rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


class Snapshots(Callback):
    """Keeps the target, the start and the best sound of the best and the worst episodes of each stage.

    What is kept when the bounds are reached: see `retained`. An episode that would not be kept is not even
    rendered. After a restart the folder's own manifest says what is there, and half-written files are removed.
    A full or read-only disk is said in one sentence and tried again later; training goes on. One process per folder.

    Args:
        folder: made where missing; nothing else should live in it.
        most: at most so many episodes, three files each.
        most_bytes: of all sound files together, at any moment; the manifest comes on top.
        logger: is told of each new file, as `match/snapshot/target`, `…/start` and `…/best`.

    Raises:
        MynaError: the folder's manifest is not one, or there are snapshots but no manifest.
        IncompatibleVersionError: a newer version of myna wrote the manifest.
    """

    PAUSE = 100  # calls of on_episode_end to sit out after a failure: each try costs a render

    def __init__(
        self,
        folder: str | os.PathLike[str],
        most: int = 24,
        most_bytes: int = 128 * 2**20,
        logger: Logger | None = None,
    ) -> None:
        self.folder = Path(folder)
        self._most, self._most_bytes, self._logger = most, most_bytes, logger
        self._said, self._pause = Once(), 0
        self._kept, self._next = read_manifest(self.folder)
        self._try(self._tidy)

    @property
    def kept(self) -> tuple[Snapshot, ...]:
        """What is on disk, oldest first."""
        return tuple(self._kept)

    def on_episode_end(self, step: int, episodes: Sequence[Episode]) -> None:
        """Keep those that are better or worse than what there is."""
        if self._pause:
            self._pause -= 1
            return
        new = {self._next + i: episode for i, episode in enumerate(episodes)}
        typical = sum(s.bytes for s in self._kept) // max(1, len(self._kept))  # a guess until they are encoded
        blank = [_snapshot(number, step, episode, typical) for number, episode in new.items()]
        wanted = [s for s in retained([*self._kept, *blank], self._most, self._most_bytes) if s.number in new]
        if wanted:
            self._next += len(episodes)
            encoded = {s.number: _encode(new[s.number].sounds()) for s in wanted}
            sized = [replace(s, bytes=sum(map(len, encoded[s.number]))) for s in wanted]
            self._try(lambda: self._keep(sized, encoded))

    def _keep(self, new: list[Snapshot], encoded: dict[int, list[bytes]]) -> None:
        """Remove first, then write, so that the bound holds at any moment; the manifest comes last."""
        keep = retained([*self._kept, *new], self._most, self._most_bytes)
        for snapshot in [s for s in self._kept if s not in keep]:
            self._remove(snapshot.file_names())
            self._kept.remove(snapshot)
        added = [s for s in keep if s not in self._kept]
        for snapshot in added:
            self._write(snapshot, encoded[snapshot.number])
        write_manifest(self.folder, self._kept, self._next)
        if self._logger:
            for snapshot in added:
                for kind, name in zip(KINDS, snapshot.file_names(), strict=True):
                    self._logger.audio(snapshot.step, f"match/snapshot/{kind}", self.folder / name)

    def _write(self, snapshot: Snapshot, files: list[bytes]) -> None:
        try:
            for name, data in zip(snapshot.file_names(), files, strict=True):
                write_atomic(self.folder / name, data)
        except MynaError:
            self._remove(snapshot.file_names())
            write_manifest(self.folder, self._kept, self._next)
            raise
        self._kept.append(snapshot)

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def _tidy(self) -> None:
        """Bring folder and manifest together: what only one of them knows is dropped, and the bounds may be new."""
        make_folder(self.folder)
        there = set(os.listdir(self.folder))
        whole = [replace(s, bytes=self._size(s)) for s in self._kept if there.issuperset(s.file_names())]
        self._kept = retained(whole, self._most, self._most_bytes)
        known = {name for snapshot in self._kept for name in snapshot.file_names()}
        own = {name for name in there if is_own(name)}
        self._remove(own - known)
        write_manifest(self.folder, self._kept, self._next)

    def _size(self, snapshot: Snapshot) -> int:
        return sum((self.folder / name).stat().st_size for name in snapshot.file_names())

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except (MynaError, OSError) as error:
            reason = str(error).rstrip(".")
            self._said.say(f"No snapshot was kept ({reason}): free or change the disk, training goes on.")
            self._pause = self.PAUSE
        else:
            self._said.clear()


def _snapshot(number: int, step: int, episode: Episode, size: int) -> Snapshot:
    first, best = (x if math.isfinite(x) else None for x in (float(episode.first_loss), float(episode.best_loss)))
    return Snapshot(number, int(step), int(episode.stage), first, best, size)


def _encode(sounds: Sounds) -> list[bytes]:
    return [encode_flac(samples, sounds.sample_rate) for samples in (sounds.target, sounds.start, sounds.best)]
