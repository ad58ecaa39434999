"""The wavetable oscillator: one voice at a time, a block at a time, added into a stereo bus.

Phase is a 32-bit integer. Tables are band-limited in steps of a factor of 1.5 or less and read with straight lines
between samples. A position that stands still between two frames is blended into one table beforehand (two loads a
sample instead of four). Warps bend the phase smoothly, and both the band limit and, near the top of the range, the
depth follow the bandwidth that the warp adds, so that what folds back stays at least 60 dB down.
"""

from __future__ import annotations

import math

import numpy as np

from myna.compiled import dsp
from myna.synth.serum_lite.memory import BLOCK
from myna.synth.serum_lite.wavetables import (
    FRAME_STRIDE,
    FRAMES,
    LEVEL_HARMONICS,
    LEVEL_OFFSETS,
    LEVEL_SIZES,
)

__all__ = [
    "add_fetched",
    "add_plain",
    "bend_phases",
    "blend_frames",
    "choose_level",
    "cross_still",
    "fetch_moving",
    "fetch_still",
    "frame_of",
    "level_offset",
    "limit_warp",
    "mix_in",
    "modulator_block",
    "ramp_phases",
    "sine_cycle",
]

NONE, SYNC, BEND, SQUEEZE, MIRROR, FM = range(6)

_LEVELS = len(LEVEL_HARMONICS)
_HARMONICS = np.array(LEVEL_HARMONICS, np.int64)
_OFFSETS = np.array(LEVEL_OFFSETS, np.int64)
_SIZES = np.array(LEVEL_SIZES, np.int64)
_SHIFTS = np.array([32 - int(math.log2(size)) for size in LEVEL_SIZES], np.int64)
_MASKS = np.array([(1 << shift) - 1 for shift in _SHIFTS.tolist()], np.uint32)
_SCALES = np.array([2.0**-shift for shift in _SHIFTS.tolist()], np.float32)
_STRIDE = np.int64(FRAME_STRIDE)
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
def level_offset(level):
    """Where a level begins within a frame."""
    return _OFFSETS[level]


@dsp
def sine_cycle(x):
    """sin(2 pi x) for |x| < 1e9, error below 4e-7: odd polynomial on a quarter cycle."""
    # Away from 0 by a half, then cut: rounds, and vectorises, and CUDA has no np.floor.
    half = np.float32(0.5) if x >= np.float32(0.0) else np.float32(-0.5)
    x = x - np.float32(np.int32(x + half))
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
def _line(table, i, f):
    """The value a fraction f after sample i."""
    x = table[i]
    return x + f * (table[i + 1] - x)


@dsp
def _fraction(phase, mask, scale):
    """Where between two samples a uint32 phase lies; mask and scale belong to a level's size."""
    return np.float32(np.int32(phase & mask)) * scale


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
def blend_frames(tables, first, level, position, out):
    """Fill out (at least the level's size + 1,) with the frame at a position that stands still."""
    frame, blend = frame_of(position)
    size = _SIZES[level] + 1
    here = first + _OFFSETS[level] + np.int64(frame) * _STRIDE
    a, b = tables[here : here + size], tables[here + _STRIDE : here + _STRIDE + size]
    for i in range(size):
        out[i] = a[i] + blend * (b[i] - a[i])


@dsp
def add_plain(table, level, phase, inc, dinc, gl0, gl1, gr0, gr1, left, right):
    """Add one voice's block to a stereo bus, reading one frame.

    Args:
        table: the frame's samples and guard.
        level: the band-limit level, which gives the frame's size.
        phase, inc, dinc: uint32 phase, its increment, and the increment's change per sample.
        gl0, gl1, gr0, gr1: gains left and right at the block's start and end.
        left, right: (BLOCK,) float32, added to.
    """
    shift, mask, scale = _SHIFTS[level], _MASKS[level], _SCALES[level]
    if gl0 == gl1 and gr0 == gr1:
        for n in range(BLOCK):
            y = _line(table, np.int64(phase >> np.uint32(shift)), _fraction(phase, mask, scale))
            left[n] += y * gl0
            right[n] += y * gr0
            phase = np.uint32(phase + inc)
            inc = np.uint32(inc + dinc)
        return
    dl = (gl1 - gl0) * _STEP
    dr = (gr1 - gr0) * _STEP
    for n in range(BLOCK):
        x = np.float32(n)
        y = _line(table, np.int64(phase >> np.uint32(shift)), _fraction(phase, mask, scale))
        left[n] += y * (gl0 + x * dl)
        right[n] += y * (gr0 + x * dr)
        phase = np.uint32(phase + inc)
        inc = np.uint32(inc + dinc)


@dsp
def ramp_phases(phase, inc, dinc, moved):
    """Fill moved (BLOCK,) uint32 with the voice's own phases."""
    for n in range(BLOCK):
        moved[n] = _phase_at(phase, inc, dinc, n)


@dsp
def add_fetched(wave, gl0, gl1, gr0, gr1, left, right):
    """Add a voice's samples (BLOCK,) to a stereo bus; gains as in `add_plain`."""
    dl = (gl1 - gl0) * _STEP
    dr = (gr1 - gr0) * _STEP
    for n in range(BLOCK):
        x = np.float32(n)
        left[n] += wave[n] * (gl0 + x * dl)
        right[n] += wave[n] * (gr0 + x * dr)


@dsp
def fetch_still(table, level, moved, wave):
    """Fill wave (BLOCK,) with one frame's samples at the phases `moved`."""
    shift, mask, scale = _SHIFTS[level], _MASKS[level], _SCALES[level]
    for n in range(BLOCK):
        phase = moved[n]
        wave[n] = _line(table, np.int64(phase >> np.uint32(shift)), _fraction(phase, mask, scale))


@dsp
def fetch_moving(tables, first, level, pos0, pos1, moved, wave):
    """As `fetch_still`, the position moving over the frames from pos0 to pos1."""
    shift, mask, scale = _SHIFTS[level], _MASKS[level], _SCALES[level]
    frame, blend = frame_of(pos0)
    last, blend1 = frame_of(pos1)
    table = tables[first + _OFFSETS[level] : first + _TABLE_STRIDE]
    if frame == last:
        here = table[np.int64(frame) * _STRIDE :]
        there = here[_STRIDE:]
        step = (blend1 - blend) * _STEP
        for n in range(BLOCK):
            phase = moved[n]
            i, f = np.int64(phase >> np.uint32(shift)), _fraction(phase, mask, scale)
            x = _line(here, i, f)
            wave[n] = x + blend * (_line(there, i, f) - x)
            blend += step
        return
    p0 = pos0 * _TOP
    dp = (pos1 - pos0) * _TOP * _STEP
    for n in range(BLOCK):
        p = p0 + np.float32(n) * dp
        at = min(max(np.int64(p), np.int64(0)), np.int64(FRAMES - 2))
        phase = moved[n]
        i, f = at * _STRIDE + np.int64(phase >> np.uint32(shift)), _fraction(phase, mask, scale)
        x = _line(table, i, f)
        wave[n] = x + (p - np.float32(at)) * (_line(table, i + _STRIDE, f) - x)


@dsp
def cross_still(table, level, moved, mix, wave):
    """Cross from wave to the frame's samples at the phases `moved` by mix (BLOCK,), where that is not 0."""
    shift, mask, scale = _SHIFTS[level], _MASKS[level], _SCALES[level]
    for n in range(BLOCK):
        if mix[n] != np.float32(0.0):
            phase = moved[n]
            y = _line(table, np.int64(phase >> np.uint32(shift)), _fraction(phase, mask, scale))
            wave[n] += mix[n] * (y - wave[n])


@dsp
def mix_in(wave, other, mix):
    """Cross from wave towards other (both (BLOCK,)) by mix (BLOCK,), in place."""
    for n in range(BLOCK):
        wave[n] += mix[n] * (other[n] - wave[n])


@dsp
def modulator_block(tables, first, level, pos0, pos1, phase, inc, dinc, moved, out):
    """The other oscillator as an FM source: one voice, no warp, few partials; fills out (BLOCK,)."""
    ramp_phases(phase, inc, dinc, moved)
    fetch_moving(tables, first, level, pos0, pos1, moved, out)


@dsp
def limit_warp(warp, amount, room, ratio):
    """The warp's depth and the partials that fit, given the bandwidth.

    `room` is how many multiples of the fundamental fit below the limit (24.1 kHz at 44.1 kHz: what folds
    back from there lands above 20 kHz). `ratio` is the FM source's highest partial over the fundamental.
    Bandwidths: Carson's rule with the Bessel tail to -60 dB for bend, mirror and fm; the geometric tail of the
    allpass map for squeeze.

    Returns:
        (depth, partials).
    """
    if warp == BEND:
        depth = 0.9 * amount * min(max((room - 3.5) / 4.0, 0.0), 1.0)
        partials = (room - 2.0 - 3.0 * (room * depth) ** 0.333) / (1.0 + depth)
    elif warp == SQUEEZE:
        widest = math.exp(-7.3 / max(room - 1.0, 0.1))
        depth = min(0.8 * amount, widest)
        # The tail of the fundamental's map, or the transition beyond the fastest phase of a high partial (as Ai falls).
        tail = max(7.3 / -math.log(max(depth, 1e-9)), 4.5 * (room * depth / (1.0 - depth) ** 2) ** 0.333)
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
    """Cycles (|x| < 128) to a uint32 phase, whole cycles wrapping off."""
    return np.uint32(np.uint32(np.int32(x * np.float32(16777216.0))) << np.uint32(8))


@dsp
def _cycle(phase):
    """A uint32 phase in cycles, [0, 1)."""
    return np.float32(np.int32(np.uint32(phase >> np.uint32(8)))) * _FRACTION


@dsp
def bend_phases(warp, d0, d1, phase, inc, dinc, fm, moved, second, mix):
    """Fill where to read: `moved`, and for sync and mirror also `second` and how much of it (`mix`), all (BLOCK,).

    bend: p + d sin(2 pi p) / 2 pi. squeeze: the allpass map p + atan(d sin / (1 - d cos)) / pi. mirror: mixed
    with a read at (1 - cos 2 pi p) / 2. sync: the slave runs d times as fast, and over the last half of the master's
    cycle fades into the slave as it must arrive at the reset, so there is no step. fm: p + d fm / 2 pi.
    The depth d goes from d0 to d1; its units are those of `limit_warp`.
    """
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
