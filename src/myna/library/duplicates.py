"""Presets that are in the library more than once: to the knob, or to the ear."""

from __future__ import annotations

import math

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sqlalchemy import func, select

from myna.library.schema import ENTRIES
from myna.library.sounds import Sounds
from myna.library.store import Library, each_of

__all__ = ["AUDIBLE_DB", "audible_duplicates", "exact_duplicates"]

AUDIBLE_DB = 1.0
"""Presets nearer than this are one sound; measured, see docs/library.md."""
_ROWS = 512


def exact_duplicates(library: Library) -> list[list[str]]:
    """Groups of entries with the same knobs, twin oscillators exchanged or not; ids, oldest first."""
    more = select(ENTRIES.c.sound).group_by(ENTRIES.c.sound).having(func.count() > 1)
    wanted = select(ENTRIES.c.sound, ENTRIES.c.id).where(ENTRIES.c.sound.in_(more)).order_by(ENTRIES.c.seq)
    groups: dict[str, list[str]] = {}
    with library.database.reading() as connection:
        for sound, entry_id in connection.execute(wanted):
            groups.setdefault(sound, []).append(entry_id)
    return list(groups.values())


def audible_duplicates(sounds: Sounds, within_db: float = AUDIBLE_DB) -> list[list[str]]:
    """Groups of entries that sound alike, volume aside; ids, oldest first. Call `sounds.refresh` before.

    A group is a chain: each of its entries is nearer than `within_db` to one of the others.

    Args:
        sounds: of the library.
        within_db: greatest distance, see `myna.library.sounds`.
    """
    seqs, pictures = sounds.pictures()
    groups = near_groups(pictures.reshape(len(pictures), math.prod(pictures.shape[1:])), within_db)
    with sounds.library.database.reading() as connection:
        wanted = select(ENTRIES.c.seq, ENTRIES.c.id).where(ENTRIES.c.seq.in_(each_of(map(int, seqs))))
        ids = {seq: entry_id for seq, entry_id in connection.execute(wanted)}
    named = ([ids[seq] for seq in seqs[group].tolist() if seq in ids] for group in groups)
    return [group for group in named if len(group) > 1]


def near_groups(points: np.ndarray, within: float) -> list[np.ndarray]:
    """Groups of rows of points (K, D) that hang together by steps whose root mean square is less than `within`."""
    if not len(points):
        return []
    centred = points - points.mean(0, keepdims=True)  # small numbers, small rounding
    power = np.einsum("kd,kd->k", centred, centred)
    firsts, seconds = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in range(0, len(points), _ROWS):  # each block against itself and what follows
        rows = centred[start : start + _ROWS]
        squares = power[start : start + _ROWS, None] + power[start:] - 2.0 * (rows @ centred[start:].T)
        first, second = np.nonzero(squares < within**2 * points.shape[1])
        firsts.append(first + start)
        seconds.append(second + start)
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(points),) * 2)
    _, labels = connected_components(links, directed=False)
    order = np.argsort(labels, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return [group for group in groups if len(group) > 1]
