"""The multimode filter: a topology-preserving state-variable filter, one or two stages, stereo.

Source: Zavalishin, The Art of VA Filter Design, ch. 4 (trapezoidal integrators, prewarped g = tan(pi f/fs)),
in the form of Simper's "Solving the continuous SVF equations" (a1, a2, a3).
Damping k = 1/Q. Two stages at rest are a fourth-order Butterworth (k = 1.848 and 0.765).
"""

from __future__ import annotations

import math

import numpy as np

from myna.synth.serum_lite.jit import BLOCK, dsp

__all__ = ["damping", "filter_block", "prewarp"]

LOW_PASS, HIGH_PASS, BAND_PASS, NOTCH = range(4)


@dsp
def prewarp(cutoff_hz, sample_rate):
    """The integrator gain g = tan(pi f / fs), with f held between 10 Hz and 0.46 fs."""
    f = min(max(cutoff_hz, 10.0), 0.46 * sample_rate)
    return np.float32(math.tan(math.pi * f / sample_rate))


@dsp
def damping(resonance, slope, stage):
    """Damping k of a stage; resonance 0 is Butterworth, 1 is close to ringing (k = 0.02)."""
    r = min(max(resonance, 0.0), 1.0)
    if slope == 0:
        return np.float32(1.4142135 * (1.0 - r) + 0.02 * r)
    if stage == 0:
        return np.float32(1.8477591 * (1.0 - r) + 0.9 * r)
    return np.float32(0.7653669 * (1.0 - r) + 0.02 * r)


@dsp
def filter_block(kind, left, right, g0, g1, k0, k1, state, coefficients, n):
    """Filter n samples of both channels in place, g and k moving linearly from their old to new values.

    Args:
        kind: index into FILTER_TYPES.
        left, right: (BLOCK,) float32, changed in place.
        g0, g1: integrator gain at the block's start and end.
        k0, k1: damping likewise.
        state: (4,) float32: two integrators for each channel.
        coefficients: (3, BLOCK) float32 scratch.
        n: samples to process.
    """
    step = np.float32(1.0 / BLOCK)
    one = np.float32(1.0)
    for i in range(n):
        x = np.float32(i + 1) * step
        g = g0 + (g1 - g0) * x
        k = k0 + (k1 - k0) * x
        a1 = one / (one + g * (g + k))
        coefficients[0, i] = a1
        coefficients[1, i] = g * a1
        coefficients[2, i] = k
    s1l, s2l, s1r, s2r = state[0], state[1], state[2], state[3]
    two = np.float32(2.0)
    for i in range(n):
        a1 = coefficients[0, i]
        a2 = coefficients[1, i]
        k = coefficients[2, i]
        g = a2 / a1
        a3 = g * a2
        x = left[i]
        v3 = x - s2l
        v1 = a1 * s1l + a2 * v3
        v2 = s2l + a2 * s1l + a3 * v3
        s1l = two * v1 - s1l
        s2l = two * v2 - s2l
        y = right[i]
        w3 = y - s2r
        w1 = a1 * s1r + a2 * w3
        w2 = s2r + a2 * s1r + a3 * w3
        s1r = two * w1 - s1r
        s2r = two * w2 - s2r
        if kind == LOW_PASS:
            left[i] = v2
            right[i] = w2
        elif kind == HIGH_PASS:
            left[i] = x - k * v1 - v2
            right[i] = y - k * w1 - w2
        elif kind == BAND_PASS:
            left[i] = k * v1
            right[i] = k * w1
        else:
            left[i] = x - k * v1
            right[i] = y - k * w1
    state[0], state[1], state[2], state[3] = _settle(s1l), _settle(s2l), _settle(s1r), _settle(s2r)


@dsp
def _settle(x):
    """Flush what would soon be a denormal, which runs a hundred times slower than a number."""
    return x if abs(x) > np.float32(1e-18) else np.float32(0.0)
