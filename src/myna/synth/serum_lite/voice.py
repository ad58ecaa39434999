"""The wiring of one note: sources into the filter or past it, the amplifier, the effects, the master.

A row is one preset played at one probe. Everything here works on a block of BLOCK samples; controls move linearly
across it.
"""

from __future__ import annotations

import numpy as np

from myna.compiled import dsp
from myna.synth.serum_lite import modulation as m
from myna.synth.serum_lite.chain import run_effects, run_master
from myna.synth.serum_lite.effects import eq_design
from myna.synth.serum_lite.filter import filter_block
from myna.synth.serum_lite.memory import (
    BLOCK,
    DIRECT_L,
    DIRECT_R,
    DRY_L,
    DRY_R,
    FILTER_L,
    FILTER_R,
    MOVED,
    S_DEPTH,
    S_FILTER,
    S_HELD,
    S_LEVEL,
    S_SOURCE,
    SCRATCH,
    STATES,
    WORK_ROWS,
)
from myna.synth.serum_lite.modulation import start_controls, update_controls
from myna.synth.serum_lite.parameters import DESTINATIONS, MATRIX_SLOTS, TABLE
from myna.synth.serum_lite.shaper import PASS, SOFT, shape_block
from myna.synth.serum_lite.sources import add_noise, add_oscillator, add_sub, start_oscillator

__all__ = ["render_row"]

_I = TABLE.index
_SUB_ON, _SUB_FILTER = _I["sub.on"], _I["sub.to_filter"]
_NOISE_ON, _NOISE_FILTER = _I["noise.on"], _I["noise.to_filter"]
_FILTER_ON, _FILTER_TYPE, _FILTER_SLOPE = _I["filter.on"], _I["filter.type"], _I["filter.slope"]
_FILTER_DRIVE, _FILTER_MIX = _I["filter.drive_db"], _I["filter.mix"]
_DIST_ON, _CHORUS_ON, _DELAY_ON = _I["distortion.on"], _I["chorus.on"], _I["delay.on"]
_DELAY_TIME, _REVERB_ON, _REVERB_PRE = _I["delay.time_s"], _I["reverb.on"], _I["reverb.predelay_s"]
_EQ_ON, _EQ = _I["eq.on"], _I["eq.low_hz"]
_RELEASE = _I["env_1.release_s"]
_MATRIX = _I["matrix.source_1"]
_FILTER_DRIVE_DESTINATION = DESTINATIONS.index("filter.drive")
_FIRST_MIX, _LAST_MIX = DESTINATIONS.index("chorus.mix"), DESTINATIONS.index("reverb.mix")
_QUIET = np.float32(1e-6)  # -120 dB: what rings below that is over


@dsp
def _filter(p, drives, fir, old, new, blocks, state, shapers):
    """Drive and filter the filter bus, in place, and mix in what is dry."""
    left, right = blocks[FILTER_L], blocks[FILTER_R]
    if drives:
        d0, d1 = np.float32(old[m.C_DRIVE]), np.float32(new[m.C_DRIVE])
        w0, w1 = np.float32(old[m.C_DRIVE_WET]), np.float32(new[m.C_DRIVE_WET])
        shape_block(SOFT, 4, left, d0, d1, w0, w1, fir, shapers[0])
        shape_block(SOFT, 4, right, d0, d1, w0, w1, fir, shapers[1])
    mix = np.float32(p[_FILTER_MIX])
    dry_l, dry_r = blocks[DRY_L], blocks[DRY_R]
    for n in range(BLOCK):
        dry_l[n] = left[n]
        dry_r[n] = right[n]
    filter_block(
        int(p[_FILTER_TYPE]), 1 + int(p[_FILTER_SLOPE]), left, right, np.float32(old[m.C_G]), np.float32(new[m.C_G]),
        old[m.C_RESONANCE], new[m.C_RESONANCE], state[S_FILTER : S_FILTER + 8], blocks[WORK_ROWS : WORK_ROWS + 8],
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
            bus = FILTER_L if filtered and p[osc + m.TO_FILTER] >= 0.5 else DIRECT_L
            highest = _highest(p, drives and bus == FILTER_L, sample_rate)
            add_oscillator(
                p, osc, which, tables, highest, sample_rate, old, new, blocks, state, phases, voices, frames[which],
                blocks[bus], blocks[bus + 1],
            )  # fmt: skip
    if p[_SUB_ON] >= 0.5:
        bus = FILTER_L if filtered and p[_SUB_FILTER] >= 0.5 else DIRECT_L
        highest = _highest(p, drives and bus == FILTER_L, sample_rate)
        add_sub(p, tables, highest, sample_rate, old, new, phases, blocks[bus], blocks[bus + 1])
    if p[_NOISE_ON] >= 0.5:
        bus = FILTER_L if filtered and p[_NOISE_FILTER] >= 0.5 else DIRECT_L
        white = blocks[SCRATCH : SCRATCH + 2]
        add_noise(p, seed, at, sample_rate, old, new, state, white, blocks[bus], blocks[bus + 1])
    if filtered:
        _filter(p, drives, fir, old, new, blocks, state, shapers)
    a0, a1 = np.float32(old[m.C_AMP]), np.float32(new[m.C_AMP])
    step = np.float32(1.0 / BLOCK)
    for n in range(BLOCK):
        amp = a0 + (a1 - a0) * np.float32(n) * step
        blocks[DIRECT_L, n] = amp * (blocks[DIRECT_L, n] + blocks[FILTER_L, n])
        blocks[DIRECT_R, n] = amp * (blocks[DIRECT_R, n] + blocks[FILTER_R, n])


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
    for slot in range(MATRIX_SLOTS):
        if int(p[_MATRIX + 3 * slot + 1]) == _FILTER_DRIVE_DESTINATION and p[_MATRIX + 3 * slot] > 0.0:
            return True
    return False


@dsp
def _start(p, seed, sample_rate, drives, state, phases, voices, shapers, chorus, delay, pre, reverb, eq):
    """Clean the memory of what is switched on, and set up what stays for the note."""
    for i in range(STATES):
        state[i] = np.float32(0.0)
    for which in range(2):
        state[S_HELD + 2 * which] = state[S_LEVEL + which] = np.float32(-1.0)
        state[S_SOURCE + which] = state[S_DEPTH + which] = np.float32(-1.0)
    for i in range(MOVED):
        phases[i] = np.uint32(0)
    for i in range(4):
        if (drives and i < 2) or (p[_DIST_ON] >= 0.5 and i >= 2):
            _clear(shapers[i])
    if p[_CHORUS_ON] >= 0.5:
        _clear(chorus)
    if p[_DELAY_ON] >= 0.5:
        _clear(delay)
    if p[_REVERB_ON] >= 0.5:
        _clear(pre)
        _clear(reverb)
    if p[_EQ_ON] >= 0.5:
        eq_design(p[_EQ], p[_EQ + 1], p[_EQ + 2], p[_EQ + 3], p[_EQ + 4], p[_EQ + 5], sample_rate, eq)
    start_oscillator(p, m.OSC_A, 0, seed, phases, voices)
    start_oscillator(p, m.OSC_B, 1, seed, phases, voices)


@dsp
def _patience(p, sample_rate):
    """How many silent blocks must pass before nothing more can come out of the delay lines.

    Where the matrix moves a mix, silence says nothing about what the lines hold.
    """
    wait_s = 0.0
    for slot in range(MATRIX_SLOTS):
        destination = int(p[_MATRIX + 3 * slot + 1])
        if p[_MATRIX + 3 * slot] > 0.0 and _FIRST_MIX <= destination <= _LAST_MIX:
            wait_s = 60.0
    if p[_CHORUS_ON] >= 0.5:
        wait_s += 0.016
    if p[_DELAY_ON] >= 0.5:
        wait_s += p[_DELAY_TIME]
    if p[_REVERB_ON] >= 0.5:
        wait_s += p[_REVERB_PRE] + 0.15
    return 5 + int(wait_s * sample_rate / BLOCK)


@dsp
def _is_quiet(blocks):
    for n in range(BLOCK):
        if max(abs(blocks[DIRECT_L, n]), abs(blocks[DIRECT_R, n])) > _QUIET:
            return False
    return True


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
        blocks … eq: scratch, see `engine._SCRATCH`; need not be clean.
    """
    drives = p[_FILTER_ON] >= 0.5 and _drives(p)
    _start(p, seed, sample_rate, drives, state, phases, voices, shapers, chorus, delay, pre, reverb, eq)
    start_controls(p, note, seed, work)
    old, new = control[0], control[1]
    update_controls(p, note, 0.0, 0.0, sample_rate, seed, work, old)
    total = int(note[3])
    finished = note[2] + p[_RELEASE]
    patience = _patience(p, sample_rate)
    silent_for = 0
    at = 0
    while at < total and silent_for < patience:
        t = (at + BLOCK) / sample_rate
        update_controls(p, note, t, BLOCK / sample_rate, sample_rate, seed, work, new)
        over = t > finished and old[m.C_AMP] == 0.0 and new[m.C_AMP] == 0.0
        if over:
            for n in range(BLOCK):
                blocks[DIRECT_L, n] = np.float32(0.0)
                blocks[DIRECT_R, n] = np.float32(0.0)
        else:
            _voice(
                p, at, tables, fir, sample_rate, seed, drives, old, new, blocks, state, phases,
                voices, frames, shapers,
            )  # fmt: skip
        run_effects(p, at, sample_rate, fir, old, new, blocks, state, shapers, chorus, delay, pre, reverb, eq)
        # Shelves and echoes ring on after the amplifier has closed.
        silent_for = silent_for + 1 if over and _is_quiet(blocks) else 0
        run_master(p, at, min(BLOCK, total - at), old, new, blocks, out)
        old, new = new, old
        at += BLOCK
