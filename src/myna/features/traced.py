"""The measuring of one sound as a single call of TorchScript, for those who measure many.

Its hundred small calls of torch, made from Python, wait for each other's lock in threads: two are no faster than one.
TorchScript makes the same calls without Python: the same bits in half the time, and two threads are twice as fast.

Shapes: N sounds, C channels, T samples.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from myna.features.config import FeatureConfig

__all__ = ["WORTH_IT", "Measure", "as_script", "script_for"]

WORTH_IT = 64
"""Sounds of one shape after which tracing, half a second for each shape, is worth it."""
_LOCK = threading.Lock()
_TRACING = threading.RLock()  # what traces changes torch for all threads, so one must not undo it for the other
_SEEN: Counter[Any] = Counter()
_MOST_SHAPES = 1024

Measure = Callable[..., Mapping[str, Any]]
"""From sounds (N, C, T), and for what is not traced the rate and the config, to tensors or tuples of them by name."""


def script_for(
    measure: Measure, shape: tuple[int, int], sample_rate: int, config: FeatureConfig, count: int
) -> Measure | None:
    """`measure` for single sounds (1, C, T) on the CPU, traced; None before many sounds of the shape have come.

    Args:
        measure: what no value of a sample decides on.
        shape: (C, T).
        sample_rate: Hz.
        config: what is measured.
        count: how many sounds of the shape come now.
    """
    key = (measure, shape, sample_rate, config)
    with _LOCK:
        if len(_SEEN) > _MOST_SHAPES:
            _SEEN.clear()
        _SEEN[key] += count
        return _traced(*key) if _SEEN[key] >= WORTH_IT else None


def as_script(call: Callable[..., tuple[torch.Tensor, ...]], examples: Sequence[torch.Tensor]) -> Callable[..., Any]:
    """The same calls of torch without Python, for tensors of the shapes of the examples alone; half a second.

    Args:
        call: tensors → tensors; no value in them decides what is called.
        examples: not changed.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated, but nothing else does without Python or a compiler
        call(*examples)  # windows and weights are made and kept outside of the trace
        with _TRACING:
            _trace_first_where_no_thread_ends()
            graph = make_fx(call)(*examples)  # first, as it turns the sizes of tensors into numbers
            module: Any = torch.jit.trace(graph, tuple(examples), check_trace=False)
            return torch.jit.freeze(module.eval())


@functools.cache
def _trace_first_where_no_thread_ends() -> None:
    """Have a thread that outlives all others be the first to use a fake tensor.

    Without a GPU torch keeps a pointer to what belongs to that thread, and when the thread has ended the next trace
    crashes (pytorch#178950, mended after 2.11).
    """
    from torch._subclasses import FakeTensorMode

    done = threading.Event()

    def first() -> None:
        try:
            with FakeTensorMode():
                pass
        finally:
            done.set()
        threading.Event().wait()

    threading.Thread(target=first, name="myna-first-trace", daemon=True).start()
    done.wait()


@functools.lru_cache(16)
def _traced(measure: Measure, shape: tuple[int, int], sample_rate: int, config: FeatureConfig) -> Measure:
    names: list[tuple[str, bool]] = []  # of each result, and whether it is one of several

    def flat(sounds: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = measure(sounds, sample_rate, config)
        several = {name: value if isinstance(value, tuple) else (value,) for name, value in found.items()}
        names[:] = [(name, isinstance(found[name], tuple)) for name, values in several.items() for _ in values]
        return tuple(value for values in several.values() for value in values)

    script = as_script(flat, [torch.zeros(1, *shape)])

    def call(sounds: torch.Tensor) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for (name, several), value in zip(names, script(sounds), strict=True):
            found[name] = (*found.get(name, ()), value) if several else value
        return found

    return call
