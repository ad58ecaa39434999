"""The wiring of one note: sources into the filter or past it, the amplifier, the effects, the master.

A row is one preset played at one probe. Everything here works on a block of BLOCK samples; controls move linearly across it.
"""

from __future__ import annotations

import math

import numpy as np

from myna.synth.serum_lite import modulation as m
from myna.synth.serum_lite.effects import (
    chorus_block,
    delay_block,
    eq_block,
    eq_design,
    reverb_block,
)
from myna.synth.serum_lite.filter import filter_block
from myna.synth.serum_lite.hashing import signed_unit, unit
from myna.synth.serum_lite.jit import BLOCK, dsp
from myna.synth.serum_lite.modulation import start_controls, update_controls
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
from myna.synth.serum_lite.shaper import PASS, SOFT, shape_block
from myna.synth.serum_lite.wavetables import FRAME_STRIDE, FRAMES

__all__ = ["BLOCK_ROWS", "PHASES", "STATES", "VOICES", "render_row"]

_I = TABLE.index
_TABLE_STRIDE = np.int64(FRAMES) * np.int64(FRAME_STRIDE)
_SUB_ON, _SUB_SHAPE, _SUB_PAN, _SUB_FILTER = (_I[f"sub.{k}"] for k in ("on", "shape", "pan", "to_filter"))
_NOISE_ON, _NOISE_COLOR = _I["noise.on"], _I["noise.color"]
_NOISE_WIDTH, _NOISE_FILTER = _I["noise.width"], _I["noise.to_filter"]
_FILTER_ON, _FILTER_TYPE, _FILTER_SLOPE = _I["filter.on"], _I["filter.type"], _I["filter.slope"]
_FILTER_DRIVE, _FILTER_MIX = _I["filter.drive_db"], _I["filter.mix"]
_DIST_ON, _DIST_TYPE = _I["distortion.on"], _I["distortion.type"]
_CHORUS_ON, _CHORUS_RATE = _I["chorus.on"], _I["chorus.rate_hz"]
_CHORUS_DEPTH, _CHORUS_FEEDBACK = _I["chorus.depth"], _I["chorus.feedback"]
_DELAY_ON, _DELAY_TIME, _DELAY_FEEDBACK = _I["delay.on"], _I["delay.time_s"], _I["delay.feedback"]
_DELAY_DAMP, _DELAY_PING = _I["delay.damp_hz"], _I["delay.ping_pong"]
_REVERB_ON, _REVERB_SIZE, _REVERB_DECAY = _I["reverb.on"], _I["reverb.size"], _I["reverb.decay_s"]
_REVERB_DAMP, _REVERB_PRE = _I["reverb.damp_hz"], _I["reverb.predelay_s"]
_EQ_ON, _EQ = _I["eq.on"], _I["eq.low_hz"]
_WIDTH = _I["master.width"]
_RELEASE = _I["env_1.release_s"]
_MATRIX = _I["matrix.source_1"]
_SLOTS = m._N_SLOTS
_M_FILTER_DRIVE = m._M_DRIVE

BLOCK_ROWS = 21
# Seven voices of each oscillator, the sub, a modulator for each oscillator; then two blocks of bent phases.
PHASES = 18 + 2 * BLOCK
STATES = 42
VOICES = 7
_MOVED = 18
# Rows of the block memory.
_FL, _FR, _DL, _DR, _COEFFICIENTS, _FM, _DRY_L, _DRY_R, _REVERB_WORK = 0, 1, 2, 3, 4, 7, 8, 9, 10
# Places in the state memory.
_S_FILTER, _S_DELAY, _S_REVERB, _S_EQ, _S_NOISE, _S_DC = 0, 8, 10, 18, 30, 34
_S_HELD = 38  # level and position of the frame that each oscillator has blended


@dsp
def _increment(hz, sample_rate):
    """A frequency as a 32-bit phase increment."""
    return np.int64(hz / sample_rate * 4294967296.0 + 0.5)


@dsp
def _wrap(x):
    return np.uint32(x & np.int64(0xFFFFFFFF))


@dsp
def _start_oscillator(p, osc, which, seed, phases, voices):
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
def _modulate(p, which, tables, sample_rate, old, new, phases, fm):
    """Fill fm (BLOCK,) with the other oscillator as the FM source; return its highest frequency in Hz."""
    other = m.OSC_B if which == 0 else m.OSC_A
    at = m.C_B if which == 0 else m.C_A
    hz = max(old[at], new[at])
    partials = min(max(3000.0 / hz, 1.0), 8.0)
    slot = 2 * VOICES + 1 + which
    inc = _increment(old[at], sample_rate)
    dinc = (_increment(new[at], sample_rate) - inc) // BLOCK
    first = np.int64(p[other + m.WAVE]) * _TABLE_STRIDE
    place = np.float32(new[at + m.C_POSITION])
    moved = phases[_MOVED : _MOVED + BLOCK]
    modulator_block(tables, first, partials, place, phases[slot], _wrap(inc), _wrap(dinc), moved, fm)
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
def _oscillator(p, osc, which, tables, limit, sample_rate, old, new, blocks, state, phases, voices, frame, left, right):
    """Add all voices of an oscillator to a bus and move its phases on."""
    at = m.C_A if which == 0 else m.C_B
    count = int(p[osc + m.UNISON])
    first = np.int64(p[osc + m.WAVE]) * _TABLE_STRIDE
    warp = int(p[osc + m.WARP])
    hz0, hz1 = old[at + m.FREQUENCY], new[at + m.FREQUENCY]
    level0, level1 = old[at + m.C_LEVEL], new[at + m.C_LEVEL]
    silent = level0 == 0.0 and level1 == 0.0
    highest = max(hz0, hz1) * voices[which, 0, count - 1]
    partials = limit / highest
    d0 = d1 = np.float32(0.0)
    fm, mix, wave, other = blocks[_FM], blocks[_COEFFICIENTS], blocks[_COEFFICIENTS + 1], blocks[_COEFFICIENTS + 2]
    if warp != NONE:
        room, ratio = partials, 1.0
        if warp == FM:
            ratio = _modulate(p, which, tables, sample_rate, old, new, phases, fm) / highest
        d0, h0 = limit_warp(warp, old[at + m.C_WARP], room, ratio)
        d1, h1 = limit_warp(warp, new[at + m.C_WARP], room, ratio)
        partials = min(h0, h1)
    level = choose_level(partials)
    pos0, pos1 = np.float32(old[at + m.C_POSITION]), np.float32(new[at + m.C_POSITION])
    still = pos0 == pos1
    table = tables
    if still and not silent:
        held = state[_S_HELD + 2 * which : _S_HELD + 2 * which + 2]
        start = _still_frame(tables, first, level, pos0, held, frame)
        table = tables[start:] if start >= 0 else frame
    moved, second = phases[_MOVED : _MOVED + BLOCK], phases[_MOVED + BLOCK : _MOVED + 2 * BLOCK]
    for v in range(count):
        inc = _increment(hz0 * voices[which, 0, v], sample_rate)
        dinc = (_increment(hz1 * voices[which, 0, v], sample_rate) - inc) // BLOCK
        slot = which * VOICES + v
        phase = phases[slot]
        phases[slot] = _advance(phase, inc, dinc)
        if silent:
            continue
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
            bend_phases(warp, d0, d1, phase, _wrap(inc), _wrap(dinc), fm, moved, second, mix)
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
def _sub(p, tables, limit, sample_rate, old, new, phases, left, right):
    """Add the sub oscillator: a frame of the basic shapes, one voice."""
    slot = 2 * VOICES
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
def _noise(p, seed, at, sample_rate, old, new, state, white, left, right):
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
    lp_l, lp_r = state[_S_NOISE], state[_S_NOISE + 1]
    for n in range(BLOCK):
        lp_l += a * (white[0, n] - lp_l)
        lp_r += a * (white[1, n] - lp_r)
        gain = g0 + (g1 - g0) * np.float32(n) * step
        left[n] += gain * (keep * white[0, n] - take * lp_l)
        right[n] += gain * (keep * white[1, n] - take * lp_r)
    state[_S_NOISE], state[_S_NOISE + 1] = lp_l, lp_r


@dsp
def _filter(p, drives, fir, old, new, blocks, state, shapers):
    """Drive and filter the filter bus, in place, and mix in what is dry."""
    left, right = blocks[_FL], blocks[_FR]
    if drives:
        d0, d1 = np.float32(old[m.C_DRIVE]), np.float32(new[m.C_DRIVE])
        w0, w1 = np.float32(old[m.C_DRIVE_WET]), np.float32(new[m.C_DRIVE_WET])
        shape_block(SOFT, 4, left, d0, d1, w0, w1, fir, shapers[0])
        shape_block(SOFT, 4, right, d0, d1, w0, w1, fir, shapers[1])
    mix = np.float32(p[_FILTER_MIX])
    dry_l, dry_r = blocks[_DRY_L], blocks[_DRY_R]
    for n in range(BLOCK):
        dry_l[n] = left[n]
        dry_r[n] = right[n]
    filter_block(
        int(p[_FILTER_TYPE]), 1 + int(p[_FILTER_SLOPE]), left, right, np.float32(old[m.C_G]), np.float32(new[m.C_G]),
        old[m.C_RESONANCE], new[m.C_RESONANCE], state[_S_FILTER : _S_FILTER + 8], blocks[_REVERB_WORK : _REVERB_WORK + 8],
    )  # fmt: skip
    for n in range(BLOCK):
        left[n] = dry_l[n] + mix * (left[n] - dry_l[n])
        right[n] = dry_r[n] + mix * (right[n] - dry_r[n])


@dsp
def _highest(p, driven, sample_rate):
    """The highest frequency that a source may hold, in Hz.

    24.1 kHz at 44.1 kHz, as what folds lands above 20 kHz. Ahead of a shaper it must not fold at all, since the shaper
    would mix it down into the middle of the spectrum.
    """
    if driven or p[_DIST_ON] >= 0.5:
        return PASS * sample_rate
    return min(max(sample_rate - 20000.0, 0.5465 * sample_rate), 26000.0)


@dsp
def _voice(p, at, tables, fir, sample_rate, seed, drives, old, new, blocks, state, phases, voices, frames, shapers):
    """Fill the direct bus with the note before the effects, amplified."""
    for row in range(4):
        for n in range(BLOCK):
            blocks[row, n] = np.float32(0.0)
    filtered = p[_FILTER_ON] >= 0.5
    for which in range(2):
        osc = m.OSC_A if which == 0 else m.OSC_B
        if p[osc + m.ON] >= 0.5:
            bus = _FL if filtered and p[osc + m.TO_FILTER] >= 0.5 else _DL
            highest = _highest(p, drives and bus == _FL, sample_rate)
            _oscillator(
                p, osc, which, tables, highest, sample_rate, old, new, blocks, state, phases, voices, frames[which],
                blocks[bus], blocks[bus + 1],
            )  # fmt: skip
    if p[_SUB_ON] >= 0.5:
        bus = _FL if filtered and p[_SUB_FILTER] >= 0.5 else _DL
        _sub(p, tables, _highest(p, drives and bus == _FL, sample_rate), sample_rate, old, new, phases, blocks[bus], blocks[bus + 1])
    if p[_NOISE_ON] >= 0.5:
        bus = _FL if filtered and p[_NOISE_FILTER] >= 0.5 else _DL
        _noise(p, seed, at, sample_rate, old, new, state, blocks[_COEFFICIENTS : _COEFFICIENTS + 2], blocks[bus], blocks[bus + 1])
    if filtered:
        _filter(p, drives, fir, old, new, blocks, state, shapers)
    a0, a1 = np.float32(old[m.C_AMP]), np.float32(new[m.C_AMP])
    step = np.float32(1.0 / BLOCK)
    for n in range(BLOCK):
        amp = a0 + (a1 - a0) * np.float32(n) * step
        blocks[_DL, n] = amp * (blocks[_DL, n] + blocks[_FL, n])
        blocks[_DR, n] = amp * (blocks[_DR, n] + blocks[_FR, n])


@dsp
def _one_pole(hz, sample_rate):
    return np.float32(1.0 - math.exp(-2.0 * math.pi * min(hz / sample_rate, 0.45)))


@dsp
def _block_dc(signal, state, at):
    """Take away the direct current that the tube curve makes: a 7 Hz high-pass."""
    x1, y1 = state[at], state[at + 1]
    for n in range(BLOCK):
        x = signal[n]
        y1 = x - x1 + np.float32(0.999) * y1
        x1 = x
        signal[n] = y1
    state[at], state[at + 1] = x1, y1


@dsp
def _effects(p, at, sample_rate, fir, old, new, blocks, state, shapers, chorus, delay, pre, reverb, eq):
    """Run the effects over the direct bus, in the order of the panel."""
    left, right = blocks[_DL], blocks[_DR]
    if p[_DIST_ON] >= 0.5:
        kind = int(p[_DIST_TYPE])
        d0, d1 = np.float32(old[m.C_DIST]), np.float32(new[m.C_DIST])
        w0, w1 = np.float32(old[m.C_DIST_MIX]), np.float32(new[m.C_DIST_MIX])
        shape_block(kind, 8, left, d0, d1, w0, w1, fir, shapers[2])
        shape_block(kind, 8, right, d0, d1, w0, w1, fir, shapers[3])
        if kind == 3:
            _block_dc(left, state, _S_DC)
            _block_dc(right, state, _S_DC + 2)
    if p[_CHORUS_ON] >= 0.5:
        chorus_block(
            left, right, chorus, at, p[_CHORUS_RATE], p[_CHORUS_DEPTH],
            np.float32(0.9 * p[_CHORUS_FEEDBACK]), np.float32(old[m.C_CHORUS]), np.float32(new[m.C_CHORUS]),
            sample_rate, blocks[_COEFFICIENTS], blocks[_COEFFICIENTS + 1],
        )  # fmt: skip
    if p[_DELAY_ON] >= 0.5:
        lag = max(np.int64(p[_DELAY_TIME] * sample_rate + 0.5), np.int64(BLOCK))
        delay_block(
            left, right, delay, at, lag, np.float32(0.95 * p[_DELAY_FEEDBACK]),
            _one_pole(p[_DELAY_DAMP], sample_rate), p[_DELAY_PING] >= 0.5,
            np.float32(old[m.C_DELAY]), np.float32(new[m.C_DELAY]), state[_S_DELAY : _S_DELAY + 2],
        )  # fmt: skip
    if p[_REVERB_ON] >= 0.5:
        reverb_block(
            left, right, reverb, pre, at, p[_REVERB_SIZE], p[_REVERB_DECAY],
            _one_pole(p[_REVERB_DAMP], sample_rate), np.int64(p[_REVERB_PRE] * sample_rate),
            np.float32(old[m.C_REVERB]), np.float32(new[m.C_REVERB]), sample_rate,
            state[_S_REVERB : _S_REVERB + 8], blocks[_REVERB_WORK : _REVERB_WORK + 11],
        )  # fmt: skip
    if p[_EQ_ON] >= 0.5:
        eq_block(left, right, eq, state[_S_EQ : _S_EQ + 12])


@dsp
def _limit(x):
    """Leave up to 1 as it is, bend what is above towards 2 (slope 1 at the join)."""
    one = np.float32(1.0)
    a = max(abs(x), one)
    # x itself up to 1, as a / a is exactly 1; written without a branch, so that loops vectorise.
    return x * ((np.float32(2.0) - one / a) / a)


@dsp
def _master(p, at, count, old, new, blocks, out):
    """Width, level and bound; into out (2, T) at `at`."""
    width = np.float32(p[_WIDTH])
    g0, g1 = np.float32(old[m.C_OUT]), np.float32(new[m.C_OUT])
    step = np.float32(1.0 / BLOCK)
    half = np.float32(0.5)
    left, right = blocks[_DL], blocks[_DR]
    for n in range(BLOCK):
        gain = g0 + (g1 - g0) * np.float32(n) * step
        mid = half * (left[n] + right[n])
        side = half * width * (left[n] - right[n])
        left[n] = _limit(gain * (mid + side))
        right[n] = _limit(gain * (mid - side))
    into_l, into_r = out[0, at : at + count], out[1, at : at + count]
    for n in range(count):
        into_l[n] = left[n]
        into_r[n] = right[n]


@dsp
def _clear(memory):
    for i in range(memory.shape[0]):
        for j in range(memory.shape[1]):
            memory[i, j] = np.float32(0.0)


@dsp
def _drives(p):
    """Whether the filter's drive is ever above 0 dB."""
    if p[_FILTER_DRIVE] > 0.0:
        return True
    for slot in range(_SLOTS):
        if int(p[_MATRIX + 3 * slot + 1]) == _M_FILTER_DRIVE and p[_MATRIX + 3 * slot] > 0.0:
            return True
    return False


@dsp
def render_row(
    p, note, seed, sample_rate, tables, fir, out,
    blocks, state, control, work, phases, voices, frames, shapers, chorus, delay, pre, reverb, eq,
):  # fmt: skip
    """Render one preset at one probe.

    Args:
        p: (P,) float64 physical values.
        note: (4,) float64: MIDI note, velocity, gate in s, samples to render.
        seed: uint32.
        sample_rate: Hz, float64.
        tables: the wavetable bank; fir: `shaper.FIR`.
        out: (2, T) float32, zeros; T at least the samples to render.
        blocks … eq: scratch, see `engine.Scratch`; need not be clean.
    """
    for i in range(STATES):
        state[i] = np.float32(0.0)
    state[_S_HELD] = state[_S_HELD + 2] = np.float32(-1.0)
    for i in range(_MOVED):
        phases[i] = np.uint32(0)
    drives = p[_FILTER_ON] >= 0.5 and _drives(p)
    for i in range(4):
        if (drives and i < 2) or (p[_DIST_ON] >= 0.5 and i >= 2):
            _clear(shapers[i])
    tails = False
    if p[_CHORUS_ON] >= 0.5:
        _clear(chorus)
        tails = True
    if p[_DELAY_ON] >= 0.5:
        _clear(delay)
        tails = True
    if p[_REVERB_ON] >= 0.5:
        _clear(pre)
        _clear(reverb)
        tails = True
    if p[_EQ_ON] >= 0.5:
        eq_design(p[_EQ], p[_EQ + 1], p[_EQ + 2], p[_EQ + 3], p[_EQ + 4], p[_EQ + 5], sample_rate, eq)
    _start_oscillator(p, m.OSC_A, 0, seed, phases, voices)
    _start_oscillator(p, m.OSC_B, 1, seed, phases, voices)
    start_controls(p, note, seed, work)
    old, new = control[0], control[1]
    update_controls(p, note, 0.0, 0.0, sample_rate, seed, work, old)
    total = int(note[3])
    finished = note[2] + p[_RELEASE]
    silent_for = 0
    at = 0
    while at < total:
        t = (at + BLOCK) / sample_rate
        update_controls(p, note, t, BLOCK / sample_rate, sample_rate, seed, work, new)
        if t > finished and old[m.C_AMP] == 0.0 and new[m.C_AMP] == 0.0:
            silent_for += 1
            if silent_for > 4 and not tails:
                break
            for n in range(BLOCK):
                blocks[_DL, n] = np.float32(0.0)
                blocks[_DR, n] = np.float32(0.0)
        else:
            _voice(
                p, at, tables, fir, sample_rate, seed, drives, old, new, blocks, state, phases,
                voices, frames, shapers,
            )  # fmt: skip
        _effects(p, at, sample_rate, fir, old, new, blocks, state, shapers, chorus, delay, pre, reverb, eq)
        _master(p, at, min(BLOCK, total - at), old, new, blocks, out)
        old, new = new, old
        at += BLOCK
