"""What presets sound like: a small picture of each, kept in the library, and the nearest to a preset or a recording.

A picture is the log-mel of the preset's sound at the bank's notes, averaged over a few stretches of time and 32 bands,
all brought to one loudness. The distance of two is the root mean square of their difference in dB: volume does not
count.
Pictures are named after the engine's sources, and taken anew when these change.

Shapes: n presets, K pictures, N notes, S stretches, B bands.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch
from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from myna.audio.target import TARGET_LUFS, Target
from myna.errors import MynaError, UsageError
from myna.features import analyse, frame_at, pool
from myna.files import sha256_hex
from myna.library.entry import Entry
from myna.library.query import LIGHT, Filters, Page, as_row, matching
from myna.library.schema import ENTRIES, PRESETS, SOUNDS
from myna.library.store import Library, each_of
from myna.presets import Preset, loads
from myna.retrieval.bank import LEAN, NOTES
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["Sounds", "picture"]

GATE_S, TOTAL_S = 0.6, 1.0
# Ends of the stretches in seconds, from the onset and from the end of the gate: short where the attack is told.
_HELD_S = (0.0, 0.02, 0.06, 0.14, 0.3, 0.6)
_RELEASED_S = (0.0, 0.1, 0.4)
_BANDS = 32
_SHAPE = (len(NOTES), len(_HELD_S) + len(_RELEASED_S) - 2, _BANDS)
_HEARD = dataclasses.replace(LEAN, floor_db=-120.0)  # so that no floor but the picture's is met, however soft the sound
_FLOOR_DB = -62.0
"""Of a picture: what is softer beside a sound at TARGET_LUFS is not heard."""
_SILENT_LUFS = -60.0
_BATCH = 64
_VERSION = 1

Progress = Callable[[int, int], None]


def picture(audio: np.ndarray, gate_s: float, sample_rate: int, threads: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """What sounds are like, whatever their volume.

    Args:
        audio: (n, C, T) of one gate.
        gate_s: how long the key is held.
        sample_rate: Hz.
        threads: that share the work.

    Returns:
        (n, S, B) float32 in dB, all of it at the floor where nothing can be heard; and which can be heard, (n,) bool.
    """
    heard = analyse(audio, sample_rate, _HEARD, threads)
    held = [frame_at(min(t, gate_s), sample_rate) for t in _HELD_S]
    released = [frame_at(gate_s + t, sample_rate) for t in _RELEASED_S]
    parts = [pool(heard, edges, _BANDS).unflatten(-1, (-1, _BANDS)) for edges in (held, released)]
    audible = heard.loudness_lufs > _SILENT_LUFS
    level = (TARGET_LUFS - heard.loudness_lufs)[:, None, None]
    drawn = torch.clamp(torch.cat(parts, 1) + level, min=_FLOOR_DB)
    return torch.where(audible[:, None, None], drawn, _FLOOR_DB).numpy(), audible.numpy()


class Sounds:
    """The pictures of a library's presets; may be shared between threads.

    Args:
        library: whose.
        renderer: that plays them; a new one if absent.

    Example:
        >>> sounds = Sounds(library)  # doctest: +SKIP
        >>> sounds.like(entry.preset).rows[0].distance_db  # doctest: +SKIP
        0.0
    """

    def __init__(self, library: Library, renderer: Renderer | None = None) -> None:
        """See the class."""
        self.library, self.renderer = library, renderer or Renderer(library.table.synth)
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int], np.ndarray, np.ndarray] | None = None

    @functools.cached_property
    def key(self) -> str:
        """Names pictures that can be compared: the engine's sources, and how they are taken."""
        from myna.synth.serum_lite.engine import source_hash

        layout = f"{_VERSION} {NOTES} {GATE_S} {TOTAL_S} {_HELD_S} {_RELEASED_S} {_BANDS} {_FLOOR_DB} {_SILENT_LUFS}"
        return sha256_hex(f"{source_hash()} {layout} {self.renderer.sample_rate}")[:16]

    def refresh(self, progress: Progress | None = None, stop: Callable[[], bool] | None = None) -> int:
        """Take the pictures that are missing or of another engine; those taken stay when it is stopped or killed.

        Args:
            progress: called with (done, total).
            stop: asked between batches of 64.

        Returns:
            How many were taken.
        """
        missing = self.missing()
        for done in range(0, len(missing), _BATCH):
            if stop is not None and stop():
                return done
            self._keep(missing[done : done + _BATCH])
            if progress is not None:
                progress(min(done + _BATCH, len(missing)), len(missing))
        return len(missing)

    def like(
        self, sound: Entry | Preset | Target, filters: Filters | None = None, offset: int = 0, limit: int = 50
    ) -> Page:
        """The entries that sound most like an entry, a preset or a recording, nearest first; call `refresh` before.

        Args:
            sound: a recording is compared at its own note, between those that presets were heard at.
            filters: what the entries must be like beside it.
            offset: of the page's first row.
            limit: rows of the page at most.

        Raises:
            UsageError: the preset is silent, or a page that cannot be.
        """
        if offset < 0 or limit < 0:
            raise UsageError("A page begins at 0 or later, and has 0 rows or more.")
        seqs, pictures = self.pictures()
        own = self._place(sound, seqs) if isinstance(sound, Entry) else None
        if own is not None:
            away = rms_db(pictures - pictures[own])
        else:
            away = self.distances(sound.preset if isinstance(sound, Entry) else sound, pictures)
        with self.library.database.reading() as connection:
            fit = list(connection.execute(matching(filters or Filters(), ENTRIES.c.seq)).scalars())
            rows = np.flatnonzero(np.isin(seqs, fit))
            nearest = rows[np.argsort(away[rows], kind="stable")][offset : offset + limit]
            distance = {int(seqs[row]): float(away[row]) for row in nearest}
            wanted = select(ENTRIES.c.seq, *LIGHT).where(ENTRIES.c.seq.in_(each_of(distance)))
            found = {row["seq"]: row for row in connection.execute(wanted).mappings()}
        light = [({k: v for k, v in found[seq].items() if k != "seq"}, db) for seq, db in distance.items()]
        return Page(tuple(as_row(row, db) for row, db in light), len(rows))

    def distances(self, sound: Preset | Target, pictures: np.ndarray) -> np.ndarray:
        """How far pictures (K, N, S, B) are from a preset or a recording, (K,) float32 in dB.

        Raises:
            UsageError: the preset is silent.
        """
        if isinstance(sound, Preset):
            drawn, heard = self._draw(sound.u(self.library.table)[None])
            if not heard[0]:
                raise UsageError("The preset is silent, and nothing sounds like silence.")
            return rms_db(pictures - drawn[0])
        drawn, _ = picture(sound.audio[None], sound.gate_s, sound.sample_rate, self.renderer.threads)
        held = [start < sound.gate_s for start in _HELD_S[:-1]] + [True] * (len(_RELEASED_S) - 1)
        return rms_db(_at_note(pictures, sound.note_midi)[:, held] - drawn[0, held])

    def pictures(self) -> tuple[np.ndarray, np.ndarray]:
        """All pictures of presets that can be heard: their entries' `seq` (K,) and (K, N, S, B) float32.

        They are read again only when the library's have changed.
        """
        mine = SOUNDS.c.engine == self.key
        with self._lock, self.library.database.reading() as connection:
            state = connection.exec_driver_sql(
                "SELECT count(*), coalesce(max(stamp), 0) FROM sounds WHERE engine = ?", (self.key,)
            ).one()
            if self._read is None or self._read[0] != tuple(state):
                wanted = select(SOUNDS.c.seq, SOUNDS.c.features).where(mine, SOUNDS.c.features != b"")
                rows = connection.execute(wanted.order_by(SOUNDS.c.seq)).all()
                drawn = np.frombuffer(b"".join(features for _, features in rows), np.float16)
                seqs = np.array([seq for seq, _ in rows], np.int64)
                self._read = (tuple(state), seqs, drawn.reshape(-1, *_SHAPE).astype(np.float32))
            return self._read[1:]

    def _place(self, entry: Entry, seqs: np.ndarray) -> int | None:
        """Where an entry's picture is, if there is one."""
        with self.library.database.reading() as connection:
            seq = connection.execute(select(ENTRIES.c.seq).where(ENTRIES.c.id == entry.id)).scalar()
        found = np.flatnonzero(seqs == seq)
        return int(found[0]) if len(found) else None

    def missing(self) -> list[int]:
        """The `seq` of entries without a picture by this engine; what `refresh` takes next."""
        mine = SOUNDS.c.engine == self.key
        wanted = select(ENTRIES.c.seq).where(~select(SOUNDS.c.seq).where(SOUNDS.c.seq == ENTRIES.c.seq, mine).exists())
        with self.library.database.reading() as connection:
            return list(connection.execute(wanted.order_by(ENTRIES.c.seq)).scalars())

    def _keep(self, seqs: Sequence[int]) -> None:
        """Take pictures and write them, unless their entries were changed or removed in the meantime."""
        wanted = select(ENTRIES.c.seq, ENTRIES.c.sound, PRESETS.c.preset).join(PRESETS)
        wanted = wanted.where(ENTRIES.c.seq.in_(each_of(seqs)))
        with self.library.database.reading() as connection:
            rows = connection.execute(wanted).all()
        features = self._features([preset for _, _, preset in rows])
        with self.library.database.writing() as connection:
            now = {seq: sound for seq, sound, _ in connection.execute(wanted)}
            fresh = [
                {"seq": seq, "engine": self.key, "features": data}
                for (seq, sound, _), data in zip(rows, features, strict=True)
                if now.get(seq) == sound
            ]
            if fresh:
                connection.execute(insert(SOUNDS).prefix_with("OR REPLACE"), fresh)

    def _features(self, texts: list[str]) -> list[bytes]:
        """A picture of each preset as it is kept; nothing for those that are silent or for other parameters."""
        u = [self._u(text) for text in texts]
        known = [row for row, values in enumerate(u) if values is not None]
        found = [b""] * len(texts)
        if known:
            drawn, heard = self._draw(np.array([u[row] for row in known]))
            for row, one, sounds in zip(known, drawn.astype(np.float16), heard, strict=True):
                found[row] = one.tobytes() if sounds else b""
        return found

    def _u(self, text: str) -> np.ndarray | None:
        try:
            return loads(text, self.library.table).u(self.library.table)
        except MynaError:
            return None

    def _draw(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pictures of presets u (n, P), (n, N, S, B) float32, and which can be heard at a note or more, (n,) bool."""
        rate, threads = self.renderer.sample_rate, self.renderer.threads
        audio = self.renderer.render(u, [Probe(note, 100, GATE_S, TOTAL_S) for note in NOTES])
        drawn, heard = picture(audio.reshape(-1, *audio.shape[2:]), GATE_S, rate, threads)
        return drawn.reshape(-1, *_SHAPE), np.any(heard.reshape(-1, len(NOTES)), axis=1)


def _at_note(pictures: np.ndarray, note_midi: float) -> np.ndarray:
    """Pictures (K, N, S, B) at a note between NOTES, (K, S, B): the two beside it mixed, in dB."""
    place = float(np.interp(note_midi, NOTES, range(len(NOTES))))
    lower = min(int(place), len(NOTES) - 2)
    share = np.float32(place - lower)
    return (1 - share) * pictures[:, lower] + share * pictures[:, lower + 1]


def rms_db(differences: np.ndarray) -> np.ndarray:
    """Root mean square of (K, …) over all but the first dimension, (K,)."""
    flat = differences.reshape(len(differences), math.prod(differences.shape[1:]))
    return np.sqrt(np.einsum("kd,kd->k", flat, flat) / np.float32(flat.shape[1]))
