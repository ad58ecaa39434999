"""Episodes begun ahead of time: many at once cost little more than one, and they end one by one.

What an episode begins with depends on its environment's seed and its number alone. So those that other environments
will want next are drawn, rendered and heard together, in a thread of their own while the others play: the bits are
the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import torch

from myna.envs.state import State
from myna.features import lasting_thread

__all__ = ["AT_ONCE", "Ahead", "Key"]

AT_ONCE = 32
"""Episodes that are begun together, if that many can be."""

Key = tuple[int, int]
"""The seed of an environment and the number of its episode, from 0."""


class _Job(NamedTuple):
    """Episodes that begin in the background."""

    keys: list[Key]
    state: Future[State]


class Ahead:
    """Keeps episodes that have begun until they are wanted.

    Args:
        begin: (seeds, numbers) → the `State` of these episodes; `prepare` calls it from a thread of its own.

    Example:
        >>> # ahead = Ahead(assembly.begin)
        >>> # ahead.take([(7, 3)], coming=lambda: [(8, 5), (9, 2)])  → a state of one; the next two are at hand now
        >>> # ahead.prepare([(7, 4), (8, 5), (9, 2)])  → begins (7, 4) meanwhile
    """

    def __init__(self, begin: Callable[[Sequence[int], Sequence[int]], State]) -> None:
        """Nothing has begun."""
        self._begin = begin
        self._rows: dict[Key, int] = {}  # of `_held`
        self._held: State | None = None
        self._thread: ThreadPoolExecutor | None = None  # ends with this object
        self._job: _Job | None = None
        self._failed: set[Key] = set()

    def take(self, wanted: Sequence[Key], coming: Callable[[], Sequence[Key]]) -> State:
        """Episodes in the order in which they are wanted; what begins in the background is waited for.

        Args:
            wanted: one or more.
            coming: gives those that may be wanted next, the soonest first; what is kept but no longer among them is
                dropped. Asked only where something must begin.
        """
        if self._job and not set(self._job.keys).isdisjoint(wanted):
            self._collect()
        missing = [key for key in dict.fromkeys(wanted) if key not in self._rows]
        if missing:
            self._make(missing, wanted, coming())
        assert self._held is not None  # noqa: S101 - made now, or kept for what is wanted
        taken = self._picked(self._held, wanted)
        gone = set(wanted)
        self._rows = {key: row for key, row in self._rows.items() if key not in gone}
        if not self._rows:
            self._held = None
        return taken

    def prepare(self, coming: Sequence[Key], least: int = 1) -> None:
        """Begin what is coming in the background, up to AT_ONCE; at most one such job runs.

        Where it fails nothing is raised: `take` begins the episodes that are wanted again, and meets the error there.

        Args:
            coming: as `take` asks for it; what is kept but not among them is dropped.
            least: fewer than so many are not worth it.
        """
        if self._job and not self._job.state.done():
            return
        self._collect()
        self._keep(coming)
        keys = self._unmade(coming)[:AT_ONCE]
        if keys and len(keys) >= least:
            self._thread = self._thread or lasting_thread("myna-ahead")
            self._job = _Job(keys, self._thread.submit(self._begun, keys))

    def close(self) -> None:
        """Wait for the background, end it and drop what is kept; all would begin anew."""
        thread, self._thread, self._job = self._thread, None, None
        if thread:
            thread.shutdown()
        self._keep([])

    def _collect(self) -> None:
        """Keep what began in the background, which is waited for; what failed is not tried there again."""
        job, self._job = self._job, None
        if job and job.state.exception():
            self._failed.update(job.keys)
        elif job:
            self._hold(job.keys, job.state.result())

    def _make(self, missing: list[Key], wanted: Sequence[Key], coming: Sequence[Key]) -> None:
        """Begin what is missing and, up to AT_ONCE, what is coming."""
        unmade = [key for key in self._unmade(coming) if key not in missing]
        keys = missing + unmade[: max(0, AT_ONCE - len(missing))]
        fresh = self._begun(keys)
        self._keep([*coming, *wanted])
        self._hold(keys, fresh)

    def _unmade(self, keys: Sequence[Key]) -> list[Key]:
        running = self._job.keys if self._job else []
        return [key for key in dict.fromkeys(keys) if not (key in self._rows or key in running or key in self._failed)]

    def _begun(self, keys: list[Key]) -> State:
        return self._begin([seed for seed, _ in keys], [number for _, number in keys])

    def _keep(self, keys: Collection[Key]) -> None:
        """Drop all but these."""
        self._failed.intersection_update(keys)
        meant = set(keys)
        kept = [key for key in self._rows if key in meant]
        if self._held is not None and len(kept) < len(self._rows):
            self._held = self._picked(self._held, kept) if kept else None
            self._rows = {key: row for row, key in enumerate(kept)}

    def _hold(self, keys: list[Key], fresh: State) -> None:
        """Add episodes to those that are kept."""
        kept = list(self._rows)
        if self._held is not None:
            fresh = self._picked(self._held, kept).join(fresh)
        self._held, self._rows = fresh, {key: row for row, key in enumerate(kept + keys)}

    def _picked(self, held: State, keys: Sequence[Key]) -> State:
        rows = torch.tensor([self._rows[key] for key in keys], device=held.loss.device)
        return held if rows.tolist() == list(range(len(held))) else held.pick(rows)
