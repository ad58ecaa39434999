"""The sources of a note: oscillators with their unison voices, sub and noise, each added to a stereo bus.

A block of BLOCK samples at a time; controls move linearly across it, from `old` to `new`.
"""

from __future__ import annotations

import math

import numpy as np

from myna.compiled import dsp
from myna.synth.serum_lite import modulation as m
from myna.synth.serum_lite.hashing import signed_unit, unit
from myna.synth.serum_lite.memory import (
    BLOCK,
    FM_ROW,
    MODULATOR_PHASE,
    MOVED,
    S_DEPTH,
    S_HELD,
    S_LEVEL,
    S_NOISE,
    S_SOURCE,
    SCRATCH,
    SUB_PHASE,
    VOICES,
)
from myna.synth.serum_lite.oscillator import (
    FM,
    MIRROR,
    NONE,
    SYNC,
    add_fetched,
    add_plain,
    bend_phases,
    blend_frames,
    choose_level,
    cross_still,
    fetch_moving,
    fetch_still,
    frame_of,
    level_offset,
    limit_warp,
    mix_in,
    modulator_block,
    ramp_phases,
)
from myna.synth.serum_lite.parameters import TABLE
from myna.synth.serum_lite.wavetables import FRAME_STRIDE, FRAMES

__all__ = ["add_noise", "add_oscillator", "add_sub", "start_oscillator"]

_I = TABLE.index
_TABLE_STRIDE = np.int64(FRAMES) * np.int64(FRAME_STRIDE)
_SUB_SHAPE, _SUB_PAN = _I["sub.shape"], _I["sub.pan"]
_NOISE_COLOR, _NOISE_WIDTH = _I["noise.color"], _I["noise.width"]


@dsp
def _increment(hz, sample_rate):
    """A frequency as a 32-bit phase increment."""
    return np.int64(hz / sample_rate * 4294967296.0 + 0.5)


@dsp
def _wrap(x):
    return np.uint32(x & np.int64(0xFFFFFFFF))


@dsp
def start_oscillator(p, osc, which, seed, phases, voices):
    """Start phases, detune ratios, gains and places of the unison voices."""
    count = int(p[osc + m.UNISON])
    power = 0.0
    nearest = 0.0 if count % 2 == 1 else 1.0 / max(count - 1, 1)
    for v in range(count):
        x = 2.0 * v / (count - 1) - 1.0 if count > 1 else 0.0
        gain = 1.0 if abs(x) <= nearest + 1e-9 else p[osc + m.BLEND]
        power += gain * gain
        voices[which, 0, v] = 2.0 ** (x * p[osc + m.DETUNE] / 1200.0)
        voices[which, 1, v] = gain
        voices[which, 2, v] = x * p[osc + m.WIDTH]
        key = np.uint32(16 * which + v)
        start = p[osc + m.PHASE] + p[osc + m.RANDOM_PHASE] * unit(seed, key)
        phases[which * VOICES + v] = _wrap(np.int64((start - math.floor(start)) * 4294967296.0))
    for v in range(count):
        voices[which, 1, v] /= math.sqrt(power)


@dsp
def _modulate(p, which, tables, sample_rate, old, new, blocks, state, phases):
    """Fill the FM row with the other oscillator as the source; return its highest frequency in Hz.

    Like the voices, it crosses from one band-limit level to the next.
    """
    other = m.OSC_B if which == 0 else m.OSC_A
    at = m.C_B if which == 0 else m.C_A
    hz = max(old[at], new[at])
    partials = min(max(3000.0 / hz, 1.0), 8.0)
    slot = MODULATOR_PHASE + which
    inc = _increment(old[at], sample_rate)
    dinc = (_increment(new[at], sample_rate) - inc) // BLOCK
    first = np.int64(p[other + m.WAVE]) * _TABLE_STRIDE
    pos0, pos1 = np.float32(old[at + m.C_POSITION]), np.float32(new[at + m.C_POSITION])
    moved = phases[MOVED : MOVED + BLOCK]
    level, before = choose_level(partials), int(state[S_SOURCE + which])
    fm, earlier = blocks[FM_ROW], blocks[SCRATCH]
    modulator_block(tables, first, level, pos0, pos1, phases[slot], _wrap(inc), _wrap(dinc), moved, fm)
    if before >= 0 and before != level:
        modulator_block(tables, first, before, pos0, pos1, phases[slot], _wrap(inc), _wrap(dinc), moved, earlier)
        for n in range(BLOCK):
            fm[n] = earlier[n] + (fm[n] - earlier[n]) * np.float32(n) * np.float32(1.0 / BLOCK)
    state[S_SOURCE + which] = np.float32(level)
    phases[slot] = _advance(phases[slot], inc, dinc)
    return partials * hz


@dsp
def _advance(phase, inc, dinc):
    """A phase one block later."""
    return _wrap(np.int64(phase) + BLOCK * inc + (BLOCK * (BLOCK - 1) // 2) * dinc)


@dsp
def _still_frame(tables, first, level, position, held, frame):
    """Where the bank holds one level at a position that stands still; -1 if that is in `frame` (LARGEST + 1,) instead.

    `frame` is blended anew only when level or position is not what `held` (2,) says it has.
    """
    index, blend = frame_of(position)
    if blend == np.float32(0.0):
        return first + level_offset(level) + np.int64(index) * FRAME_STRIDE
    if held[0] != np.float32(level) or held[1] != position:
        blend_frames(tables, first, level, position, frame)
        held[0], held[1] = np.float32(level), position
    return np.int64(-1)


@dsp
def _pan_gain(level, pan):
    """Gains left and right, equal power but for a factor of the square root of two."""
    pan = np.float32(min(max(pan, -1.0), 1.0))
    gain, one = np.float32(level), np.float32(1.0)
    return gain * np.float32(math.sqrt(one - pan)), gain * np.float32(math.sqrt(one + pan))


@dsp
def add_oscillator(
    p, osc, which, tables, limit, sample_rate, old, new, blocks, state, phases, voices, frame, left, right
):  # fmt: skip
    """Add all voices of an oscillator to a bus and move its phases on.

    `limit` is the highest frequency in Hz that may sound. When the band-limit level changes, the block crosses from the
    old level to the new one, as a partial that comes or goes at once is a click.
    """
    at = m.C_A if which == 0 else m.C_B
    count = int(p[osc + m.UNISON])
    warp = int(p[osc + m.WARP])
    highest = max(old[at + m.FREQUENCY], new[at + m.FREQUENCY]) * voices[which, 0, count - 1]
    partials = limit / highest
    d0 = d1 = np.float32(0.0)
    if warp != NONE:
        room, ratio = partials, 1.0
        if warp == FM:
            ratio = _modulate(p, which, tables, sample_rate, old, new, blocks, state, phases) / highest
        d0, h0 = limit_warp(warp, old[at + m.C_WARP], room, ratio)
        d1, h1 = limit_warp(warp, new[at + m.C_WARP], room, ratio)
        partials = min(h0, h1)
        if state[S_DEPTH + which] >= np.float32(0.0):
            d0 = state[S_DEPTH + which]  # where the last block ended: room is another one when the pitch moves
        state[S_DEPTH + which] = d1
    level = choose_level(partials)
    if old[at + m.C_LEVEL] != 0.0 or new[at + m.C_LEVEL] != 0.0:
        before = int(state[S_LEVEL + which])
        first = np.int64(p[osc + m.WAVE]) * _TABLE_STRIDE
        changes = before >= 0 and before != level
        for turn in range(2 if changes else 1):
            from_gain = 1.0 if turn == 0 else 0.0
            to_gain = 0.0 if changes and turn == 0 else 1.0
            _add_voices(
                count, which, tables, first, before if changes and turn == 0 else level, warp, d0, d1, at, sample_rate,
                old, new, from_gain, to_gain, blocks, state, phases, voices, frame, left, right,
            )  # fmt: skip
        state[S_LEVEL + which] = np.float32(level)
    for v in range(count):
        inc = _increment(old[at + m.FREQUENCY] * voices[which, 0, v], sample_rate)
        dinc = (_increment(new[at + m.FREQUENCY] * voices[which, 0, v], sample_rate) - inc) // BLOCK
        slot = which * VOICES + v
        phases[slot] = _advance(phases[slot], inc, dinc)


@dsp
def _add_voices(
    count, which, tables, first, level, warp, d0, d1, at, sample_rate, old, new, from_gain, to_gain,
    blocks, state, phases, voices, frame, left, right,
):  # fmt: skip
    """Add the voices, read from one level, with gains that go from `from_gain` to `to_gain`."""
    pos0, pos1 = np.float32(old[at + m.C_POSITION]), np.float32(new[at + m.C_POSITION])
    still = pos0 == pos1
    table = tables
    if still:
        held = state[S_HELD + 2 * which : S_HELD + 2 * which + 2]
        start = _still_frame(tables, first, level, pos0, held, frame)
        table = tables[start:] if start >= 0 else frame
    level0, level1 = from_gain * old[at + m.C_LEVEL], to_gain * new[at + m.C_LEVEL]
    moved, second = phases[MOVED : MOVED + BLOCK], phases[MOVED + BLOCK : MOVED + 2 * BLOCK]
    mix, wave, other = blocks[SCRATCH], blocks[SCRATCH + 1], blocks[SCRATCH + 2]
    for v in range(count):
        inc = _increment(old[at + m.FREQUENCY] * voices[which, 0, v], sample_rate)
        dinc = (_increment(new[at + m.FREQUENCY] * voices[which, 0, v], sample_rate) - inc) // BLOCK
        phase = phases[which * VOICES + v]
        gl0, gr0 = _pan_gain(level0 * voices[which, 1, v], old[at + m.C_PAN] + voices[which, 2, v])
        gl1, gr1 = gl0, gr0
        if level0 != level1 or old[at + m.C_PAN] != new[at + m.C_PAN]:
            gl1, gr1 = _pan_gain(level1 * voices[which, 1, v], new[at + m.C_PAN] + voices[which, 2, v])
        if warp == NONE and still:
            add_plain(table, level, phase, _wrap(inc), _wrap(dinc), gl0, gl1, gr0, gr1, left, right)
            continue
        if warp == NONE:
            ramp_phases(phase, _wrap(inc), _wrap(dinc), moved)
        else:
            bend_phases(warp, d0, d1, phase, _wrap(inc), _wrap(dinc), blocks[FM_ROW], moved, second, mix)
        if still:
            fetch_still(table, level, moved, wave)
        else:
            fetch_moving(tables, first, level, pos0, pos1, moved, wave)
        if warp == SYNC or warp == MIRROR:
            if still:
                cross_still(table, level, second, mix, wave)
            else:
                fetch_moving(tables, first, level, pos0, pos1, second, other)
                mix_in(wave, other, mix)
        add_fetched(wave, gl0, gl1, gr0, gr1, left, right)


@dsp
def add_sub(p, tables, limit, sample_rate, old, new, phases, left, right):
    """Add the sub oscillator: a frame of the basic shapes, one voice."""
    slot = SUB_PHASE
    inc = _increment(old[m.C_SUB_HZ], sample_rate)
    dinc = (_increment(new[m.C_SUB_HZ], sample_rate) - inc) // BLOCK
    level = choose_level(limit / max(old[m.C_SUB_HZ], new[m.C_SUB_HZ]))
    # The four shapes are the frames at thirds of the table.
    index = np.int64(p[_SUB_SHAPE]) * ((FRAMES - 1) // 3)
    table = tables[level_offset(level) + index * FRAME_STRIDE :]
    gl0, gr0 = _pan_gain(old[m.C_SUB], p[_SUB_PAN])
    gl1, gr1 = _pan_gain(new[m.C_SUB], p[_SUB_PAN])
    add_plain(table, level, phases[slot], _wrap(inc), _wrap(dinc), gl0, gl1, gr0, gr1, left, right)
    phases[slot] = _advance(phases[slot], inc, dinc)


@dsp
def add_noise(p, seed, at, sample_rate, old, new, state, white, left, right):
    """Add noise: white, tilted down through a 500 Hz low-pass or up by taking a 4 kHz one away."""
    color = np.float32(p[_NOISE_COLOR])
    width = np.float32(p[_NOISE_WIDTH])
    corner = 500.0 if color < 0.0 else 4000.0
    a = np.float32(1.0 - math.exp(-2.0 * math.pi * min(corner / sample_rate, 0.4)))
    g0, g1 = np.float32(0.6 * old[m.C_NOISE]), np.float32(0.6 * new[m.C_NOISE])
    step = np.float32(1.0 / BLOCK)
    key_l, key_r = np.uint32(seed + np.uint32(0x1EF7)), np.uint32(seed + np.uint32(0x41647))
    shared = np.float32(math.sqrt(1.0 - width * width))
    # Two loops: the first one vectorises, the recurrence in the second does not.
    for n in range(BLOCK):
        white[0, n] = signed_unit(key_l, np.uint32(at + n))
        white[1, n] = shared * white[0, n] + width * signed_unit(key_r, np.uint32(at + n))
    one = np.float32(1.0)
    keep = one + color if color < 0.0 else one
    take = np.float32(4.0) * color if color < 0.0 else color
    lp_l, lp_r = state[S_NOISE], state[S_NOISE + 1]
    for n in range(BLOCK):
        lp_l += a * (white[0, n] - lp_l)
        lp_r += a * (white[1, n] - lp_r)
        gain = g0 + (g1 - g0) * np.float32(n) * step
        left[n] += gain * (keep * white[0, n] - take * lp_l)
        right[n] += gain * (keep * white[1, n] - take * lp_r)
    state[S_NOISE], state[S_NOISE + 1] = lp_l, lp_r
