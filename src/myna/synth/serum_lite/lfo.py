"""The LFO shapes, from -1 to 1, by phase in cycles."""

from __future__ import annotations

import math

import numpy as np

from myna.compiled import dsp
from myna.synth.serum_lite.hashing import signed_unit

__all__ = ["lfo_shape"]

SINE, TRIANGLE, SAW, SQUARE, SAMPLE_HOLD = range(5)


@dsp
def lfo_shape(shape, cycles, key):
    """Value of an LFO.

    Args:
        shape: index into LFO_SHAPES.
        cycles: phase in cycles since the start, 0 or more; sample-and-hold draws anew at each whole one.
        key: uint32 that seeds sample-and-hold.
    """
    phase = cycles - math.floor(cycles)
    if shape == SINE:
        return math.sin(2.0 * math.pi * phase)
    if shape == TRIANGLE:
        return 4.0 * abs(phase + 0.75 - math.floor(phase + 0.75) - 0.5) - 1.0
    if shape == SAW:
        return 2.0 * phase - 1.0
    if shape == SQUARE:
        return 1.0 if phase < 0.5 else -1.0
    return float(signed_unit(key, np.uint32(int(cycles))))
