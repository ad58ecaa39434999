"""The wavetable oscillator: one voice at a time, a block at a time, added into a stereo bus.

Phase is a 32-bit integer. Tables are band-limited per half octave and read with a 4-point cubic (Catmull-Rom),
between two frames where the position lies between them. Warps bend the phase smoothly, and both the band
limit and, near the top of the range, the depth follow the bandwidth that the warp adds, so that what
folds back stays at least 60 dB down.
"""

from __future__ import annotations

import math

import numpy as np

from myna.synth.serum_lite.jit import BLOCK, dsp
from myna.synth.serum_lite.wavetables import (
    FRAME_STRIDE,
    FRAMES,
    LEVEL_HARMONICS,
    LEVEL_OFFSETS,
    LEVEL_SIZES,
)

__all__ = ["add_plain", "add_warped", "choose_level", "limit_warp", "modulator_block", "sine_cycle"]

NONE, SYNC, BEND, SQUEEZE, MIRROR, FM = range(6)

_LEVELS = len(LEVEL_HARMONICS)
_HARMONICS = np.array(LEVEL_HARMONICS, np.int64)
_OFFSETS = np.array(LEVEL_OFFSETS, np.int64)
_SHIFTS = np.array([32 - int(math.log2(size)) for size in LEVEL_SIZES], np.int64)
_STRIDE = np.int64(FRAME_STRIDE)
_STRIDE32 = np.uint32(FRAME_STRIDE)
_TABLE_STRIDE = np.int64(FRAMES * FRAME_STRIDE)
_TOP = np.float32(FRAMES - 1)
_STEP = np.float32(1.0 / BLOCK)
_FRACTION = np.float32(1.0 / 16777216.0)


@dsp
def choose_level(partials):
    """The richest level that holds at most this many partials (at least the lone fundamental)."""
    level = 0
    while level + 1 < _LEVELS and _HARMONICS[level + 1] <= partials:
        level += 1
    return level


@dsp
def sine_cycle(x):
    """sin(2 pi x) for any x, error below 4e-7: odd polynomial on a quarter cycle."""
    x = x - np.floor(x + np.float32(0.5))
    # Fold to [-1/4, 1/4]; written as a clamp so that the loop stays straight.
    x = min(x, np.float32(0.5) - x)
    x = max(x, np.float32(-0.5) - x)
    z = x * x
    y = np.float32(42.058693) - np.float32(15.094643) * z
    y = np.float32(-76.705860) + z * y
    y = np.float32(81.605249) + z * y
    y = np.float32(-41.341702) + z * y
    return x * (np.float32(6.2831853) + z * y)


@dsp
def _arctangent(x):
    """atan, error below 1e-7 (Abramowitz & Stegun 4.4.49, with 1/x beyond 1)."""
    a = abs(x)
    r = min(a, np.float32(1.0) / max(a, np.float32(1e-9)))
    z = r * r
    y = np.float32(-0.0161657367) + np.float32(0.0028662257) * z
    y = np.float32(0.0429096138) + z * y
    y = np.float32(-0.0752896400) + z * y
    y = np.float32(0.1065626393) + z * y
    y = np.float32(-0.1420889944) + z * y
    y = np.float32(0.1999355085) + z * y
    y = np.float32(-0.3333314528) + z * y
    y = r * (np.float32(1.0) + z * y)
    y = y if a <= np.float32(1.0) else np.float32(1.57079633) - y
    return y if x >= np.float32(0.0) else -y


@dsp
def _cubic(x0, x1, x2, x3, f):
    half = np.float32(0.5)
    c1 = half * (x2 - x0)
    c2 = x0 - np.float32(2.5) * x1 + np.float32(2.0) * x2 - half * x3
    c3 = half * (x3 - x0) + np.float32(1.5) * (x1 - x2)
    return ((c3 * f + c2) * f + c1) * f + x1


@dsp
def _read(table, shift, phase):
    """One sample of the frame at the start of `table`, at a uint32 phase."""
    i = np.uint32(phase >> np.uint32(shift))
    f = np.float32(np.int32(np.uint32(phase << np.uint32(32 - shift)) >> np.uint32(8))) * _FRACTION
    one = np.uint32(1)
    i1 = np.uint32(i + one)
    i2 = np.uint32(i1 + one)
    i3 = np.uint32(i2 + one)
    return _cubic(table[i], table[i1], table[i2], table[i3], f)


@dsp
def _read_between(table, frame, blend, shift, phase):
    """One sample between frame number `frame` (uint32) of `table` and the next one."""
    i = np.uint32(np.uint32(frame * _STRIDE32) + np.uint32(phase >> np.uint32(shift)))
    f = np.float32(np.int32(np.uint32(phase << np.uint32(32 - shift)) >> np.uint32(8))) * _FRACTION
    one = np.uint32(1)
    i1 = np.uint32(i + one)
    i2 = np.uint32(i1 + one)
    i3 = np.uint32(i2 + one)
    j = np.uint32(i + _STRIDE32)
    j1 = np.uint32(j + one)
    j2 = np.uint32(j1 + one)
    j3 = np.uint32(j2 + one)
    x0 = table[i] + blend * (table[j] - table[i])
    x1 = table[i1] + blend * (table[j1] - table[i1])
    x2 = table[i2] + blend * (table[j2] - table[i2])
    x3 = table[i3] + blend * (table[j3] - table[i3])
    return _cubic(x0, x1, x2, x3, f)


@dsp
def _phase_at(phase, inc, dinc, n):
    """The uint32 phase n samples on, its increment growing by dinc per sample."""
    k = np.uint32(n)
    return np.uint32(phase + k * inc + np.uint32(np.uint32(k * np.uint32(k - np.uint32(1))) >> np.uint32(1)) * dinc)


@dsp
def frame_of(position):
    """The frame index and the way to the next one, for a position in [0, 1]."""
    x = min(max(position, np.float32(0.0)), np.float32(1.0)) * _TOP
    frame = min(np.int32(x), np.int32(FRAMES - 2))
    return np.uint32(frame), x - np.float32(frame)


@dsp
def add_plain(tables, first, level, pos0, pos1, phase, inc, dinc, gl0, gl1, gr0, gr1, left, right):
    """Add one voice's block to a stereo bus.

    Args:
        tables: the bank; `first` is the address of the table's first frame.
        level: band-limit level.
        pos0, pos1: position in [0, 1] at the block's start and end.
        phase, inc, dinc: uint32 phase, its increment, and the increment's change per sample.
        gl0, gl1, gr0, gr1: gains left and right at the start and the end.
        left, right: (BLOCK,) float32, added to.
    """
    shift = _SHIFTS[level]
    base = first + _OFFSETS[level]
    dl = (gl1 - gl0) * _STEP
    dr = (gr1 - gr0) * _STEP
    frame, blend = frame_of(pos0)
    last, blend1 = frame_of(pos1)
    table = tables[base + np.int64(frame) * _STRIDE : first + _TABLE_STRIDE]
    zero = np.uint32(0)
    if pos0 == pos1 and blend == np.float32(0.0):
        for n in range(BLOCK):
            x = np.float32(n)
            y = _read(table, shift, _phase_at(phase, inc, dinc, n))
            left[n] += y * (gl0 + x * dl)
            right[n] += y * (gr0 + x * dr)
    elif frame == last:
        db = (blend1 - blend) * _STEP
        for n in range(BLOCK):
            x = np.float32(n)
            y = _read_between(table, zero, blend + x * db, shift, _phase_at(phase, inc, dinc, n))
            left[n] += y * (gl0 + x * dl)
            right[n] += y * (gr0 + x * dr)
    else:
        table = tables[base : first + _TABLE_STRIDE]
        p0 = pos0 * _TOP
        dp = (pos1 - pos0) * _TOP * _STEP
        for n in range(BLOCK):
            x = np.float32(n)
            p = p0 + x * dp
            at = min(max(np.int32(p), np.int32(0)), np.int32(FRAMES - 2))
            ph = _phase_at(phase, inc, dinc, n)
            y = _read_between(table, np.uint32(at), p - np.float32(at), shift, ph)
            left[n] += y * (gl0 + x * dl)
            right[n] += y * (gr0 + x * dr)


@dsp
def modulator_block(tables, first, partials, position, phase, inc, dinc, out):
    """The other oscillator as an FM source: one voice, no warp, few partials; fills out (BLOCK,)."""
    level = choose_level(partials)
    frame, blend = frame_of(position)
    shift = _SHIFTS[level]
    table = tables[first + _OFFSETS[level] : first + _TABLE_STRIDE]
    for n in range(BLOCK):
        out[n] = _read_between(table, frame, blend, shift, _phase_at(phase, inc, dinc, n))


@dsp
def limit_warp(warp, amount, room, ratio):
    """The warp's depth and the partials that fit, given the bandwidth.

    `room` is how many multiples of the fundamental fit below the limit (24.1 kHz at 44.1 kHz: what folds
    back from there lands above 20 kHz). `ratio` is the FM source's highest partial over the fundamental. Bandwidths: Carson's
    rule with the Bessel tail to -60 dB for bend, mirror and fm; the geometric tail of the allpass map for squeeze.

    Returns:
        (depth, partials).
    """
    if warp == BEND:
        depth = 0.9 * amount * min(max((room - 3.5) / 4.0, 0.0), 1.0)
        partials = (room - 2.0 - 3.0 * (room * depth) ** 0.333) / (1.0 + depth)
    elif warp == SQUEEZE:
        widest = math.exp(-6.9 / max(room - 1.0, 0.1))
        depth = min(0.8 * amount, widest)
        tail = 6.9 / -math.log(max(depth, 1e-9))
        partials = (room - tail) * (1.0 - depth) / (1.0 + depth)
    elif warp == SYNC:
        # In units of the slave's cycle: the ratio itself, 1 to 8.
        depth = min(2.0 ** (3.0 * amount), 1.0 + max((room - 8.0) * 0.5, 0.0))
        partials = room if depth <= 1.0 else (room - 7.0) / depth
    elif warp == MIRROR:
        depth = amount * min(max((room - 6.0) / 5.0, 0.0), 1.0)
        partials = room if depth <= 0.0 else (room - 2.0 - 3.0 * room**0.333) / (1.0 + math.pi)
    else:
        # Phase modulation index in radians, up to 2 pi; partial h sees index h * depth.
        depth = min(6.2831853 * amount * amount, max((room - 2.0) / ratio - 3.0, 0.0) * 0.7)
        index = depth * ratio
        partials = (room - 2.0 * ratio - 3.0 * index**0.333 * ratio) / (1.0 + index)
    return np.float32(depth), max(partials, 1.0)


@dsp
def _smooth(x):
    """Quintic smoothstep of x clipped to [0, 1]."""
    x = min(max(x, np.float32(0.0)), np.float32(1.0))
    return x * x * x * (x * (x * np.float32(6.0) - np.float32(15.0)) + np.float32(10.0))


@dsp
def _to_phase(x):
    """Cycles (any sign) to a uint32 phase of 24 significant bits."""
    f = x - np.floor(x)
    return np.uint32(np.uint32(np.int32(f * np.float32(16777216.0))) << np.uint32(8))


@dsp
def _cycle(phase):
    """A uint32 phase in cycles, [0, 1)."""
    return np.float32(np.int32(np.uint32(phase >> np.uint32(8)))) * _FRACTION


@dsp
def _bend_phases(warp, d0, d1, phase, inc, dinc, fm, moved, second, mix):
    """Fill where to read: `moved`, and for sync and mirror also `second` and how much of it (`mix`)."""
    dd = (d1 - d0) * _STEP
    turn = np.float32(0.15915494)
    quarter = np.float32(0.25)
    half = np.float32(0.5)
    one = np.float32(1.0)
    if warp == BEND:
        for n in range(BLOCK):
            ph = _phase_at(phase, inc, dinc, n)
            depth = d0 + np.float32(n) * dd
            moved[n] = np.uint32(ph + _to_phase(depth * turn * sine_cycle(_cycle(ph))))
    elif warp == SQUEEZE:
        for n in range(BLOCK):
            ph = _phase_at(phase, inc, dinc, n)
            depth = d0 + np.float32(n) * dd
            cycle = _cycle(ph)
            s = sine_cycle(cycle)
            c = sine_cycle(cycle + quarter)
            angle = _arctangent(depth * s / (one - depth * c))
            moved[n] = np.uint32(ph + _to_phase(angle * np.float32(0.31830989)))
    elif warp == SYNC:
        for n in range(BLOCK):
            depth = d0 + np.float32(n) * dd
            cycle = _cycle(_phase_at(phase, inc, dinc, n))
            moved[n] = _to_phase(cycle * depth)
            second[n] = _to_phase((cycle - one) * depth)
            mix[n] = _smooth(np.float32(2.0) * cycle - one)
    elif warp == MIRROR:
        for n in range(BLOCK):
            ph = _phase_at(phase, inc, dinc, n)
            moved[n] = ph
            second[n] = _to_phase(half - half * sine_cycle(_cycle(ph) + quarter))
            mix[n] = d0 + np.float32(n) * dd
    else:
        for n in range(BLOCK):
            depth = d0 + np.float32(n) * dd
            moved[n] = np.uint32(_phase_at(phase, inc, dinc, n) + _to_phase(depth * turn * fm[n]))


@dsp
def add_warped(
    tables, first, level, warp, d0, d1, pos0, pos1, phase, inc, dinc, gl0, gl1, gr0, gr1, fm, moved, second, mix,
    left, right,
):  # fmt: skip
    """As `add_plain`, with the phase bent by `warp` of depth d0 to d1 (units: see `limit_warp`).

    bend: p + d sin(2 pi p) / 2 pi. squeeze: the allpass map p + atan(d sin / (1 - d cos)) / pi. mirror: mixed
    with a read at (1 - cos 2 pi p) / 2. sync: the slave runs d times as fast, and over the last half of the master's
    cycle fades into the slave as it must arrive at the reset, so there is no step. fm: p + d fm / 2 pi.
    `moved`, `second` (uint32) and `mix` (float32) are scratch, (BLOCK,).
    """
    _bend_phases(warp, d0, d1, phase, inc, dinc, fm, moved, second, mix)
    shift = _SHIFTS[level]
    table = tables[first + _OFFSETS[level] : first + _TABLE_STRIDE]
    dl = (gl1 - gl0) * _STEP
    dr = (gr1 - gr0) * _STEP
    p0 = pos0 * _TOP
    dp = (pos1 - pos0) * _TOP * _STEP
    frame, blend0 = frame_of(pos0)
    last, blend1 = frame_of(pos1)
    double = warp == SYNC or warp == MIRROR
    if frame == last:
        db = (blend1 - blend0) * _STEP
        at = table[np.int64(frame) * _STRIDE :]
        zero = np.uint32(0)
        if double:
            for n in range(BLOCK):
                x = np.float32(n)
                blend = blend0 + x * db
                y = _read_between(at, zero, blend, shift, moved[n])
                y += mix[n] * (_read_between(at, zero, blend, shift, second[n]) - y)
                left[n] += y * (gl0 + x * dl)
                right[n] += y * (gr0 + x * dr)
        else:
            for n in range(BLOCK):
                x = np.float32(n)
                y = _read_between(at, zero, blend0 + x * db, shift, moved[n])
                left[n] += y * (gl0 + x * dl)
                right[n] += y * (gr0 + x * dr)
        return
    for n in range(BLOCK):
        x = np.float32(n)
        p = p0 + x * dp
        place = min(max(np.int32(p), np.int32(0)), np.int32(FRAMES - 2))
        blend = p - np.float32(place)
        y = _read_between(table, np.uint32(place), blend, shift, moved[n])
        if double:
            y += mix[n] * (_read_between(table, np.uint32(place), blend, shift, second[n]) - y)
        left[n] += y * (gl0 + x * dl)
        right[n] += y * (gr0 + x * dr)
