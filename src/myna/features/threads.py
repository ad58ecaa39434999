"""Work item by item in threads, each of which runs torch on one core: the only way to the same bits every time."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

__all__ = ["each_item", "one_core"]

T = TypeVar("T")


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
    """Run torch on the calling thread's core alone; the number of threads set before comes back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
