"""The envelopes: delay, attack, hold, decay, sustain, release, evaluated in closed form at any time.

Units: times in s, levels 0 to 1. A curve c bends a segment as (1 - e^(-6c x)) / (1 - e^(-6c)), x in [0, 1].
"""

from __future__ import annotations

import math

from myna.compiled import dsp

__all__ = ["bend", "envelope"]

# Offsets of an envelope's knobs from its first one, in the order of the table.
DELAY, ATTACK, HOLD, DECAY, SUSTAIN, RELEASE, ATTACK_CURVE, DECAY_CURVE, RELEASE_CURVE = range(9)


@dsp
def bend(x, curve):
    """Bend x in [0, 1] by a curve in [-1, 1]; the ends stay."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    k = 6.0 * curve
    if abs(k) < 1e-3:
        return x
    return (1.0 - math.exp(-k * x)) / (1.0 - math.exp(-k))


@dsp
def held(p, first, t):
    """Level at time t (s) with the key still down."""
    t -= p[first + DELAY]
    if t <= 0.0:
        return 0.0
    attack = p[first + ATTACK]
    if t < attack:
        return bend(t / attack, p[first + ATTACK_CURVE])
    t -= attack + p[first + HOLD]
    if t <= 0.0:
        return 1.0
    sustain = p[first + SUSTAIN]
    decay = p[first + DECAY]
    if t >= decay:
        return sustain
    return 1.0 + (sustain - 1.0) * bend(t / decay, p[first + DECAY_CURVE])


@dsp
def envelope(p, first, t, gate_s):
    """Level at time t (s) of a note whose key is up from gate_s on.

    Args:
        p: one row of physical values.
        first: index of the envelope's first knob.
        t: seconds since the note began.
        gate_s: seconds that the key is held.
    """
    if t <= gate_s:
        return held(p, first, t)
    release = p[first + RELEASE]
    x = (t - gate_s) / release if release > 0.0 else 1.0
    if x >= 1.0:
        return 0.0
    return held(p, first, gate_s) * (1.0 - bend(x, p[first + RELEASE_CURVE]))
