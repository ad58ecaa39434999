"""Work item by item in threads, each of which runs torch on one core: the only way to the same bits every time."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

__all__ = ["each_item", "lasting_thread", "one_core"]

T = TypeVar("T")
_lock = threading.Lock()
_inside, _before = 0, 1  # how many are in `one_core`, and the number of threads when the first came


def each_item(work: Callable[[int], T], count: int, threads: int = 1) -> list[T]:
    """`[work(0), …, work(count - 1)]`, shared among threads; inside `work` torch runs on one core.

    torch's own threads divide a sum by their number, which changes its last bits; a batch dimension does the same. So
    whoever promises bits computes each item by itself.
    """
    with one_core():
        if threads <= 1 or count <= 1:
            return [work(i) for i in range(count)]
        with ThreadPoolExecutor(min(threads, count), initializer=functools.partial(torch.set_num_threads, 1)) as pool:
            return list(pool.map(work, range(count)))


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Run torch on the calling thread's core alone; the number of threads set before comes back afterwards.

    May be nested, and used by several threads at once: the last to leave restores what torch gives to new threads.
    """
    global _inside, _before
    with _lock:
        own = torch.get_num_threads()
        _before, _inside = (own if _inside == 0 else _before), _inside + 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            torch.set_num_threads(own if _inside else _before)


def lasting_thread(name: str) -> ThreadPoolExecutor:
    """A thread for work of minutes and hours, in which torch has as many threads as outside of `one_core`.

    One that begins while somebody is in `one_core` would take the single core for what it had before, and leave it
    behind. It ends when the pool is shut down or nobody holds it.
    """
    return ThreadPoolExecutor(1, name, initializer=_as_outside)


def _as_outside() -> None:
    with _lock:
        if _inside:
            torch.set_num_threads(_before)
