"""The one decorator of the DSP, and the constants that every kernel shares.

The same functions run on the CPU and inside the CUDA kernel (numba compiles an `njit` function that a
CUDA kernel calls for the device), so they allocate nothing and take their scratch as arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["BLOCK", "OPTIONS", "dsp"]

BLOCK = 64  # samples per control period: 1.45 ms at 44.1 kHz

# No GIL, numpy's division rules and, as on CUDA, no reference counting (`_nrt`): views cost nothing, and what would not
# compile for the GPU (returning a view, allocating) does not compile for the CPU either.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
# No `nnan`/`ninf`: bounds on wild values must survive optimisation.
_FASTMATH = {"contract", "arcp", "nsz", "reassoc", "afn"}


def dsp(function: Callable[..., Any]) -> Any:
    """Compile a DSP function, contraction and reordering of sums allowed."""
    return numba.njit(fastmath=_FASTMATH, **OPTIONS)(function)
