"""Work item by item in threads, each of which runs torch on one core: the only way to the same bits every time."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch

__all__ = ["each_item", "lasting_thread", "one_core"]

T = TypeVar("T")
_lock = threading.Lock()
_inside, _before = 0, 1  # how many are in `one_core`, and the number of threads when the first came
_pools: dict[int, ThreadPoolExecutor] = {}  # by their number of threads
_worker = threading.local()  # `inside` one of the pools, where to wait for the same pool would be for ever


def each_item(work: Callable[[int], T], count: int, threads: int = 1) -> list[T]:
    """`[work(0), …, work(count - 1)]`, shared among threads; inside `work` torch runs on one core.

    torch's own threads divide a sum by their number, which changes its last bits; a batch dimension does the same. So
    whoever promises bits computes each item by itself. An error comes through when all that was begun has ended.
    """
    with one_core():
        if threads <= 1 or count <= 1 or getattr(_worker, "inside", False):
            return [work(i) for i in range(count)]
        futures = [_pool(threads).submit(work, i) for i in range(count)]
        try:
            return [future.result() for future in futures]
        except BaseException:
            # What others still write to must not outlive the call.
            wait([future for future in futures if not future.cancel()])
            raise


def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that last as long as the process: to begin them in each call would cost an environment step 2 %."""
    with _lock:
        return _pools.get(threads) or _pools.setdefault(threads, _begun(threads))


def _begun(threads: int) -> ThreadPoolExecutor:
    """All of them running on one core each, before anybody leaves `one_core`."""
    ready = threading.Barrier(threads + 1)

    def begin() -> None:
        torch.set_num_threads(1)
        _worker.inside = True

    pool = ThreadPoolExecutor(threads, "myna-items", initializer=begin)
    for _ in range(threads):
        pool.submit(ready.wait)
    ready.wait()
    return pool


def _forked() -> None:
    _pools.clear()
    _lock.release()


if hasattr(os, "register_at_fork"):  # a child has none of the threads, and must not inherit a lock that one held
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_forked)


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
