"""The multimode filter: a topology-preserving state-variable filter, one or two stages, stereo.

Source: Zavalishin, The Art of VA Filter Design, ch. 4 (trapezoidal integrators, prewarped g = tan(pi f/fs)),
in the form of Simper's "Solving the continuous SVF equations" (a1, a2, a3).
Damping k = 1/Q. Two stages at rest are a fourth-order Butterworth (k = 1.848 and 0.765).
"""

from __future__ import annotations

import math

import numpy as np

from myna.compiled import dsp
from myna.synth.serum_lite.memory import BLOCK

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
def _outputs(kind):
    """What a response is made of: amounts of the input, of band-pass (k v1) and of low-pass (v2)."""
    one, zero = np.float32(1.0), np.float32(0.0)
    if kind == LOW_PASS:
        return zero, zero, one
    if kind == HIGH_PASS:
        return one, -one, -one
    if kind == BAND_PASS:
        return zero, one, zero
    return one, -one, zero


@dsp
def _coefficients(g0, g1, k0, k1, out):
    """Fill out (4, BLOCK) with 2 g (g + k) / d, 2 g / d, 2 g g / d (d = 1 + g (g + k)) and k, moving linearly."""
    step = np.float32(1.0 / BLOCK)
    one, two = np.float32(1.0), np.float32(2.0)
    for i in range(BLOCK):
        x = np.float32(i + 1) * step
        g = g0 + (g1 - g0) * x
        k = k0 + (k1 - k0) * x
        scale = two * g / (one + g * (g + k))
        out[0, i] = scale * (g + k)
        out[1, i] = scale
        out[2, i] = scale * g
        out[3, i] = k


@dsp
def filter_block(kind, stages, left, right, g0, g1, resonance0, resonance1, state, coefficients):
    """Filter a block of both channels in place, cutoff and resonance moving linearly from their old to new values.

    The states are moved by differences (s + small), which keeps a cutoff of 20 Hz exact in single precision, and
    both stages run in one loop, so that the four chains overlap.

    Args:
        kind: index into FILTER_TYPES.
        stages: 1 for 12 dB per octave, 2 for 24.
        left, right: (BLOCK,) float32, changed in place.
        g0, g1: integrator gain at the block's start and end.
        resonance0, resonance1: resonance likewise.
        state: (8,) float32: two integrators for each channel and stage.
        coefficients: (8, BLOCK) float32 scratch.
    """
    slope = stages - 1
    _coefficients(g0, g1, damping(resonance0, slope, 0), damping(resonance1, slope, 0), coefficients[:4])
    if stages == 2:
        _coefficients(g0, g1, damping(resonance0, slope, 1), damping(resonance1, slope, 1), coefficients[4:])
    dry, band, low = _outputs(kind)
    half = np.float32(0.5)
    p1, p2, q1, q2 = state[0], state[1], state[2], state[3]
    r1, r2, s1, s2 = state[4], state[5], state[6], state[7]
    for i in range(BLOCK):
        a, b, c = coefficients[0, i], coefficients[1, i], coefficients[2, i]
        k = band * coefficients[3, i]
        x, y = left[i], right[i]
        dx, dy = x - p2, y - q2
        u1, u2 = b * dx - a * p1, b * p1 + c * dx
        w1, w2 = b * dy - a * q1, b * q1 + c * dy
        x = dry * x + k * (p1 + half * u1) + low * (p2 + half * u2)
        y = dry * y + k * (q1 + half * w1) + low * (q2 + half * w2)
        p1, p2, q1, q2 = p1 + u1, p2 + u2, q1 + w1, q2 + w2
        if stages == 2:
            a, b, c = coefficients[4, i], coefficients[5, i], coefficients[6, i]
            k = band * coefficients[7, i]
            dx, dy = x - r2, y - s2
            u1, u2 = b * dx - a * r1, b * r1 + c * dx
            w1, w2 = b * dy - a * s1, b * s1 + c * dy
            x = dry * x + k * (r1 + half * u1) + low * (r2 + half * u2)
            y = dry * y + k * (s1 + half * w1) + low * (s2 + half * w2)
            r1, r2, s1, s2 = r1 + u1, r2 + u2, s1 + w1, s2 + w2
        left[i], right[i] = x, y
    state[0], state[1], state[2], state[3] = _settle(p1), _settle(p2), _settle(q1), _settle(q2)
    state[4], state[5], state[6], state[7] = _settle(r1), _settle(r2), _settle(s1), _settle(s2)


@dsp
def _settle(x):
    """Flush what would soon be a denormal, which runs a hundred times slower than a number."""
    return x if abs(x) > np.float32(1e-18) else np.float32(0.0)
