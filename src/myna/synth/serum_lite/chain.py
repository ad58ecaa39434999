"""What comes after the voice: the effects in the order of the panel, then width, level and bound."""

from __future__ import annotations

import math

import numpy as np

from myna.compiled import dsp
from myna.synth.serum_lite import modulation as m
from myna.synth.serum_lite.effects import chorus_block, delay_block, eq_block, reverb_block
from myna.synth.serum_lite.memory import (
    BLOCK,
    DIRECT_L,
    DIRECT_R,
    S_DC,
    S_DELAY,
    S_EQ,
    S_REVERB,
    SCRATCH,
    WORK_ROWS,
)
from myna.synth.serum_lite.parameters import TABLE
from myna.synth.serum_lite.shaper import FOLD, TUBE, shape_block

__all__ = ["run_effects", "run_master"]

_I = TABLE.index
_DIST_ON, _DIST_TYPE = _I["distortion.on"], _I["distortion.type"]
_CHORUS_ON, _CHORUS_RATE = _I["chorus.on"], _I["chorus.rate_hz"]
_CHORUS_DEPTH, _CHORUS_FEEDBACK = _I["chorus.depth"], _I["chorus.feedback"]
_DELAY_ON, _DELAY_TIME, _DELAY_FEEDBACK = _I["delay.on"], _I["delay.time_s"], _I["delay.feedback"]
_DELAY_DAMP, _DELAY_PING = _I["delay.damp_hz"], _I["delay.ping_pong"]
_REVERB_ON, _REVERB_SIZE, _REVERB_DECAY = _I["reverb.on"], _I["reverb.size"], _I["reverb.decay_s"]
_REVERB_DAMP, _REVERB_PRE = _I["reverb.damp_hz"], _I["reverb.predelay_s"]
_EQ_ON = _I["eq.on"]
_WIDTH = _I["master.width"]


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
def run_effects(p, at, sample_rate, fir, old, new, blocks, state, shapers, chorus, delay, pre, reverb, eq):
    """Run the effects over the direct bus, in the order of the panel."""
    left, right = blocks[DIRECT_L], blocks[DIRECT_R]
    if p[_DIST_ON] >= 0.5:
        kind = int(p[_DIST_TYPE])
        d0, d1 = np.float32(old[m.C_DIST]), np.float32(new[m.C_DIST])
        if kind == FOLD:
            # Half the decibels: at 36 dB a bright wave would fold a dozen times between two samples.
            d0, d1 = np.float32(math.sqrt(d0)), np.float32(math.sqrt(d1))
        w0, w1 = np.float32(old[m.C_DIST_MIX]), np.float32(new[m.C_DIST_MIX])
        shape_block(kind, 8, left, d0, d1, w0, w1, fir, shapers[2])
        shape_block(kind, 8, right, d0, d1, w0, w1, fir, shapers[3])
        if kind == TUBE:
            _block_dc(left, state, S_DC)
            _block_dc(right, state, S_DC + 2)
    if p[_CHORUS_ON] >= 0.5:
        chorus_block(
            left, right, chorus, at, p[_CHORUS_RATE], p[_CHORUS_DEPTH],
            np.float32(0.9 * p[_CHORUS_FEEDBACK]), np.float32(old[m.C_CHORUS]), np.float32(new[m.C_CHORUS]),
            sample_rate, blocks[SCRATCH], blocks[SCRATCH + 1],
        )  # fmt: skip
    if p[_DELAY_ON] >= 0.5:
        lag = max(np.int64(p[_DELAY_TIME] * sample_rate + 0.5), np.int64(BLOCK))
        delay_block(
            left, right, delay, at, lag, np.float32(0.95 * p[_DELAY_FEEDBACK]),
            _one_pole(p[_DELAY_DAMP], sample_rate), p[_DELAY_PING] >= 0.5,
            np.float32(old[m.C_DELAY]), np.float32(new[m.C_DELAY]), state[S_DELAY : S_DELAY + 2],
        )  # fmt: skip
    if p[_REVERB_ON] >= 0.5:
        reverb_block(
            left, right, reverb, pre, at, p[_REVERB_SIZE], p[_REVERB_DECAY],
            _one_pole(p[_REVERB_DAMP], sample_rate), np.int64(p[_REVERB_PRE] * sample_rate + 0.5),
            np.float32(old[m.C_REVERB]), np.float32(new[m.C_REVERB]), sample_rate,
            state[S_REVERB : S_REVERB + 8], blocks[WORK_ROWS : WORK_ROWS + 11],
        )  # fmt: skip
    if p[_EQ_ON] >= 0.5:
        eq_block(left, right, eq, state[S_EQ : S_EQ + 12])


@dsp
def _limit(x):
    """Leave up to 1 as it is, bend what is above towards 2 (slope 1 at the join); what is inaudibly small is 0."""
    one = np.float32(1.0)
    a = max(abs(x), one)
    # x itself up to 1, as a / a is exactly 1; written without a branch, so that loops vectorise.
    y = x * ((np.float32(2.0) - one / a) / a)
    return y if abs(y) > np.float32(1e-20) else np.float32(0.0)


@dsp
def run_master(p, at, count, old, new, blocks, out):
    """Width, level and bound; into out (2, T) at `at`."""
    width = np.float32(p[_WIDTH])
    g0, g1 = np.float32(old[m.C_OUT]), np.float32(new[m.C_OUT])
    step = np.float32(1.0 / BLOCK)
    half = np.float32(0.5)
    left, right = blocks[DIRECT_L], blocks[DIRECT_R]
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
