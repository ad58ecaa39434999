"""Counter-based random numbers: a value depends on its key alone, never on what was drawn before.

Source: the `lowbias32` mixer of Ellis (hash prospector), applied to key and counter.
"""

from __future__ import annotations

import numpy as np

from myna.compiled import dsp

__all__ = ["mix32", "signed_unit", "unit"]


@dsp
def mix32(x):
    """Scramble a uint32 into a uint32."""
    x = np.uint32(x)
    x = np.uint32(np.uint32(x ^ np.uint32(x >> np.uint32(16))) * np.uint32(0x7FEB352D))
    x = np.uint32(np.uint32(x ^ np.uint32(x >> np.uint32(15))) * np.uint32(0x846CA68B))
    return np.uint32(x ^ np.uint32(x >> np.uint32(16)))


@dsp
def unit(key, counter):
    """A float32 in [0, 1) for (key, counter), both uint32."""
    bits = mix32(np.uint32(mix32(np.uint32(counter)) ^ np.uint32(key)))
    return np.float32(np.uint32(bits >> np.uint32(8))) * np.float32(5.9604644775390625e-08)


@dsp
def signed_unit(key, counter):
    """A float32 in [-1, 1) for (key, counter)."""
    return np.float32(2.0) * unit(key, counter) - np.float32(1.0)
