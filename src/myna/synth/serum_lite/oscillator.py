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
_FRAMES = np.int64(FRAMES)


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
    x = x - np.float32(math.floor(x + np.float32(0.5)))
    # Fold to [-1/4, 1/4].
    if x > np.float32(0.25):
        x = np.float32(0.5) - x
    elif x < np.float32(-0.25):
        x = np.float32(-0.5) - x
    z = x * x
    y = np.float32(42.058693) - np.float32(15.094643) * z
    y = np.float32(-76.705860) + z * y
    y = np.float32(81.605249) + z * y
    y = np.float32(-41.341702) + z * y
    return x * (np.float32(6.2831853) + z * y)


@dsp
def _cubic(x0, x1, x2, x3, f):
    half = np.float32(0.5)
    c1 = half * (x2 - x0)
    c2 = x0 - np.float32(2.5) * x1 + np.float32(2.0) * x2 - half * x3
    c3 = half * (x3 - x0) + np.float32(1.5) * (x1 - x2)
    return ((c3 * f + c2) * f + c1) * f + x1


@dsp
def _read(tables, base, shift, scale, phase):
    """One sample of one frame at a uint32 phase."""
    i = base + np.int64(phase >> np.uint32(shift))
    f = np.float32(np.uint32(phase << np.uint32(32 - shift))) * scale
    return _cubic(tables[i], tables[i + 1], tables[i + 2], tables[i + 3], f)


@dsp
def _read_between(tables, base, blend, shift, scale, phase):
    """One sample between the frame at `base` and the next one."""
    i = base + np.int64(phase >> np.uint32(shift))
    f = np.float32(np.uint32(phase << np.uint32(32 - shift))) * scale
    j = i + _STRIDE
    x0 = tables[i] + blend * (tables[j] - tables[i])
    x1 = tables[i + 1] + blend * (tables[j + 1] - tables[i + 1])
    x2 = tables[i + 2] + blend * (tables[j + 2] - tables[i + 2])
    x3 = tables[i + 3] + blend * (tables[j + 3] - tables[i + 3])
    return _cubic(x0, x1, x2, x3, f)


@dsp
def frame_of(position):
    """The frame index and the way to the next one, for a position in [0, 1]."""
    x = min(max(position, np.float32(0.0)), np.float32(1.0)) * np.float32(_FRAMES - 1)
    frame = min(np.int64(x), _FRAMES - 2)
    return frame, x - np.float32(frame)


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
    scale = np.float32(1.0 / 4294967296.0)
    base = first + _OFFSETS[level]
    step = np.float32(1.0 / BLOCK)
    dl = (gl1 - gl0) * step
    dr = (gr1 - gr0) * step
    if pos0 == pos1:
        frame, blend = frame_of(pos0)
        base += frame * _STRIDE
        if blend == np.float32(0.0) or blend == np.float32(1.0):
            if blend == np.float32(1.0):
                base += _STRIDE
            for n in range(BLOCK):
                ph = np.uint32(phase + np.uint32(n) * inc + np.uint32((n * (n - 1)) >> 1) * dinc)
                y = _read(tables, base, shift, scale, ph)
                x = np.float32(n)
                left[n] += y * (gl0 + x * dl)
                right[n] += y * (gr0 + x * dr)
        else:
            for n in range(BLOCK):
                ph = np.uint32(phase + np.uint32(n) * inc + np.uint32((n * (n - 1)) >> 1) * dinc)
                y = _read_between(tables, base, blend, shift, scale, ph)
                x = np.float32(n)
                left[n] += y * (gl0 + x * dl)
                right[n] += y * (gr0 + x * dr)
        return
    top = np.float32(_FRAMES - 1)
    p0 = pos0 * top
    dp = (pos1 - pos0) * top * step
    for n in range(BLOCK):
        ph = np.uint32(phase + np.uint32(n) * inc + np.uint32((n * (n - 1)) >> 1) * dinc)
        x = np.float32(n)
        p = p0 + x * dp
        frame = min(np.int64(p), _FRAMES - 2)
        y = _read_between(tables, base + frame * _STRIDE, p - np.float32(frame), shift, scale, ph)
        left[n] += y * (gl0 + x * dl)
        right[n] += y * (gr0 + x * dr)


@dsp
def modulator_block(tables, first, partials, position, phase, inc, dinc, out):
    """The other oscillator as an FM source: one voice, no warp, few partials; fills out (BLOCK,)."""
    level = choose_level(partials)
    frame, blend = frame_of(position)
    base = first + _OFFSETS[level] + frame * _STRIDE
    shift = _SHIFTS[level]
    scale = np.float32(1.0 / 4294967296.0)
    for n in range(BLOCK):
        ph = np.uint32(phase + np.uint32(n) * inc + np.uint32((n * (n - 1)) >> 1) * dinc)
        out[n] = _read_between(tables, base, blend, shift, scale, ph)


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
    """Cycles (any sign) to a uint32 phase."""
    return np.uint32(np.int64(np.float64(x) * 4294967296.0) & np.int64(0xFFFFFFFF))


@dsp
def add_warped(
    tables, first, level, warp, d0, d1, pos0, pos1, phase, inc, dinc, gl0, gl1, gr0, gr1, fm, left, right
):
    """As `add_plain`, with the phase bent by `warp` of depth d0 to d1 (units: see `limit_warp`).

    bend: p + d sin(2 pi p) / 2 pi. squeeze: the allpass map p + atan(d sin / (1 - d cos)) / pi. mirror: mixed
    with a read at (1 - cos 2 pi p) / 2. sync: the slave runs d times as fast, and over the last half of the master's cycle
    fades into the slave as it must arrive at the reset, so there is no step. fm: p + d fm / 2 pi.
    """
    shift = _SHIFTS[level]
    scale = np.float32(1.0 / 4294967296.0)
    base = first + _OFFSETS[level]
    step = np.float32(1.0 / BLOCK)
    dl = (gl1 - gl0) * step
    dr = (gr1 - gr0) * step
    top = np.float32(_FRAMES - 1)
    p0 = pos0 * top
    dp = (pos1 - pos0) * top * step
    dd = (d1 - d0) * step
    turn = np.float32(0.15915494)
    for n in range(BLOCK):
        ph = np.uint32(phase + np.uint32(n) * inc + np.uint32((n * (n - 1)) >> 1) * dinc)
        x = np.float32(n)
        p = p0 + x * dp
        frame = min(max(np.int64(p), np.int64(0)), _FRAMES - 2)
        blend = p - np.float32(frame)
        at = base + frame * _STRIDE
        depth = d0 + x * dd
        cycle = np.float32(ph) * scale
        if warp == BEND:
            moved = np.uint32(ph + _to_phase(depth * turn * sine_cycle(cycle)))
            y = _read_between(tables, at, blend, shift, scale, moved)
        elif warp == SQUEEZE:
            s = sine_cycle(cycle)
            c = sine_cycle(cycle + np.float32(0.25))
            angle = np.float32(math.atan(depth * s / (np.float32(1.0) - depth * c)))
            moved = np.uint32(ph + _to_phase(angle * np.float32(0.31830989)))
            y = _read_between(tables, at, blend, shift, scale, moved)
        elif warp == SYNC:
            slave = _to_phase(cycle * depth)
            y = _read_between(tables, at, blend, shift, scale, slave)
            fade = _smooth(np.float32(2.0) * cycle - np.float32(1.0))
            if fade > np.float32(0.0):
                arriving = _to_phase((cycle - np.float32(1.0)) * depth)
                y += fade * (_read_between(tables, at, blend, shift, scale, arriving) - y)
        elif warp == MIRROR:
            c = sine_cycle(cycle + np.float32(0.25))
            folded = _to_phase(np.float32(0.5) - np.float32(0.5) * c)
            y = _read_between(tables, at, blend, shift, scale, ph)
            y += depth * (_read_between(tables, at, blend, shift, scale, folded) - y)
        else:
            moved = np.uint32(ph + _to_phase(depth * turn * fm[n]))
            y = _read_between(tables, at, blend, shift, scale, moved)
        left[n] += y * (gl0 + x * dl)
        right[n] += y * (gr0 + x * dr)
