"""Many calls of torch as a single one of TorchScript, for those who make them again and again.

Small calls, made from Python, wait for each other's lock in threads: two are no faster than one. TorchScript makes the
same calls without Python: the same bits in half the time, and two threads are twice as fast.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch

__all__ = ["as_script"]

_TRACING = threading.RLock()  # what traces changes torch for all threads, so one must not undo it for the other


def as_script(call: Callable[..., tuple[torch.Tensor, ...]], examples: Sequence[torch.Tensor]) -> Callable[..., Any]:
    """The same calls of torch without Python, for tensors of the shapes of the examples alone; half a second.

    Args:
        call: tensors → tensors; no value in them decides what is called.
        examples: not changed; each its own.
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
