"""The benchmarks' clock: CPU time of one pinned thread, the least of several trials."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["TRIAL_S", "machine", "pinned", "seconds_a_call", "trial"]

TRIAL_S = 0.3  # a trial lasts at least this long, so that the clock's grain and one interrupt do not count


@contextlib.contextmanager
def pinned() -> Iterator[None]:
    """Keep this thread, and those it starts, on one CPU."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def trial(call: Callable[[], Any]) -> float:
    """CPU seconds that one call takes, over a run of at least TRIAL_S."""
    start, calls = time.process_time(), 0
    while (spent := time.process_time() - start) < TRIAL_S:
        call()
        calls += 1
    return spent / calls


def seconds_a_call(call: Callable[[], Any], trials: int = 5) -> float:
    """CPU seconds of one call: the least of some trials, after one call to warm up."""
    call()
    return min(trial(call) for _ in range(trials))


def machine() -> dict[str, Any]:
    """What the figures depend on: the processor, its cores and what else is running (load over 1, 5, 15 minutes)."""
    with open("/proc/cpuinfo") as lines:
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {"cpu": models[0], "cores": len(os.sched_getaffinity(0)), "load": [round(x, 2) for x in os.getloadavg()]}
