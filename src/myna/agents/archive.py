"""Everything that was tried on one target, so that several presets can be returned that differ to the ear.

Shapes: n presets tried, P parameters, D pooled features.
"""

from __future__ import annotations

import numpy as np

from myna.features import Features, pool

__all__ = ["AUDIBLE_DB", "Archive"]

AUDIBLE_DB = 1.5
"""Two presets whose summaries differ by less than this on average are the same to the ear."""
_STRETCHES, _BANDS = 12, 32


class Archive:
    """Presets with their losses and a small summary of how each sounds, in the order of their evaluation."""

    def __init__(self) -> None:
        """Start empty."""
        self._u: list[np.ndarray] = []
        self._losses: list[np.ndarray] = []
        self._sounds: list[np.ndarray] = []

    def add(self, u: np.ndarray, losses: np.ndarray, features: Features) -> None:
        """Remember presets (n, P), their losses (n,) and how they sound."""
        frames = features.mels[0].shape[-2]
        edges = [round(frames * i / _STRETCHES) for i in range(_STRETCHES + 1)]
        self._u.append(u)
        self._losses.append(losses)
        self._sounds.append(pool(features, edges, _BANDS).numpy().astype(np.float16))

    def best(self, count: int, apart_db: float) -> tuple[np.ndarray, np.ndarray]:
        """The best presets that differ to the ear from one another: u (m, P) and losses (m,), best first.

        Args:
            count: most presets wanted, m <= count.
            apart_db: two sounds differ if their summaries do by more than this on average (dB).
        """
        u, losses, _ = self._distinct(count, apart_db)
        return u, losses

    def spread(self, count: int, apart_db: float) -> tuple[int, float, np.ndarray]:
        """Of the presets that `best` gives: how many they are, their mean distance in dB (0 for one), losses (m,)."""
        _, losses, sounds = self._distinct(count, apart_db)
        sounds = sounds.astype(np.float32)
        pairs = [np.abs(a - b).mean() for i, a in enumerate(sounds) for b in sounds[:i]]
        return len(losses), float(np.mean(pairs)) if pairs else 0.0, losses

    def _distinct(self, count: int, apart_db: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        u, losses, sounds = (np.concatenate(part) for part in (self._u, self._losses, self._sounds))
        distinct: list[int] = []
        for i in np.argsort(losses, kind="stable"):
            if len(distinct) == count:
                break
            if np.isfinite(losses[i]) and _apart(sounds[i], sounds[distinct], apart_db):
                distinct.append(int(i))
        return u[distinct], losses[distinct], sounds[distinct]


def _apart(sound: np.ndarray, others: np.ndarray, apart_db: float) -> bool:
    difference = np.abs(others.astype(np.float32) - sound.astype(np.float32))
    return bool(np.all(difference.mean(axis=1) > apart_db))
