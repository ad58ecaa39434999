"""Episodes begun ahead of time: many at once cost little more than one, and they end one by one.

What an episode begins with depends on its environment's seed and its number alone. So those that other environments
will want next are drawn, rendered and heard together with the one that is wanted now: the bits are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from myna.envs.state import State

__all__ = ["AT_ONCE", "Ahead", "Key"]

AT_ONCE = 32
"""Episodes that are begun together, if that many can be."""

Key = tuple[int, int]
"""The seed of an environment and the number of its episode, from 0."""


class Ahead:
    """Keeps episodes that have begun until they are wanted.

    Args:
        begin: (seeds, numbers) → the `State` of these episodes.

    Example:
        >>> # ahead = Ahead(assembly.begin)
        >>> # ahead.take([(7, 3)], coming=lambda: [(8, 5), (9, 2)])  → a state of one; the next two are at hand now
    """

    def __init__(self, begin: Callable[[Sequence[int], Sequence[int]], State]) -> None:
        """Nothing has begun."""
        self._begin = begin
        self._rows: dict[Key, int] = {}  # of `_held`
        self._held: State | None = None

    def take(self, wanted: Sequence[Key], coming: Callable[[], Sequence[Key]]) -> State:
        """Episodes in the order in which they are wanted.

        Args:
            wanted: one or more.
            coming: gives those that may be wanted next, the soonest first; what is kept but no longer among them is
                dropped. Asked only where something must begin.
        """
        missing = [key for key in dict.fromkeys(wanted) if key not in self._rows]
        if missing:
            self._make(missing, wanted, coming())
        assert self._held is not None  # noqa: S101 - made now, or kept for what is wanted
        taken = self._picked(self._held, wanted)
        self._rows = {key: row for key, row in self._rows.items() if key not in set(wanted)}
        if not self._rows:
            self._held = None
        return taken

    def _make(self, missing: list[Key], wanted: Sequence[Key], coming: Sequence[Key]) -> None:
        """Begin what is missing and, up to AT_ONCE, what is coming."""
        unmade = [key for key in dict.fromkeys(coming) if key not in self._rows and key not in missing]
        keys = missing + unmade[: max(0, AT_ONCE - len(missing))]
        fresh = self._begin([seed for seed, _ in keys], [number for _, number in keys])
        kept = [key for key in self._rows if key in coming or key in wanted]
        if self._held is not None and kept:
            fresh = self._picked(self._held, kept).join(fresh)
        self._held, self._rows = fresh, {key: row for row, key in enumerate(kept + keys)}

    def _picked(self, held: State, keys: Sequence[Key]) -> State:
        rows = torch.tensor([self._rows[key] for key in keys], device=held.loss.device)
        return held if rows.tolist() == list(range(len(held))) else held.pick(rows)
