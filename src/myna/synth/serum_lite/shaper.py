"""Waveshaping at four or eight times the sample rate with antiderivative antialiasing, a block at a time.

Source: Parker, Zavalishin, Le Bivic, "Reducing the aliasing of nonlinear waveshaping using continuous-time
convolution" (DAFx 2016), first order: y = (F(x1) - F(x0)) / (x1 - x0). The rate goes up and down in steps of two
through half-band filters (every other tap is zero), so that the path is equally late at any frequency.

A signal at R times the rate lies in R rows of the memory, one for each phase. The filters pass up to PASS of the sample
rate; oscillators that run into a shaper must have no partials above that, as their images would be mixed back down.
"""

from __future__ import annotations

import math

import numpy as np

from myna.compiled import dsp
from myna.synth.serum_lite.memory import BLOCK
from myna.synth.serum_lite.oscillator import sine_cycle

__all__ = ["FIR", "PASS", "SHAPER_ROWS", "SHAPER_WIDTH", "shape_block"]

SOFT, HARD, FOLD, TUBE = range(4)

PASS = 20100.0 / 44100.0
_TAPS = (44, 8, 4)  # beside the centre, for the steps 1-2, 2-4 and 4-8
# Samples that the path is late at 4 and 8 times the rate: half of each filter going up, half going down.
_LATE_4, _LATE_8 = 44 + 4, 44 + 4 + 1
_PAST = 56
SHAPER_WIDTH = _PAST + BLOCK
# First rows: dry signal, input, then the rates 2, 4, 8 going up, 8 shaped, 4 and 2 going down, the curve's integral.
_DRY, _IN, _UP_2, _UP_4, _UP_8, _SHAPED, _DOWN_4, _DOWN_2, _INTEGRAL = 0, 1, 2, 4, 8, 16, 24, 28, 30
SHAPER_ROWS = _INTEGRAL + 8
_TUBE_BIAS = 0.4


def _half_band(taps: int, step: int) -> np.ndarray:
    """The taps beside the centre, which add up to 1; -60 dB or better where images of the pass band fall."""
    offset = np.arange(taps) * 2.0 - (taps - 1)
    if taps > 4:
        h = np.sinc(offset / 2) * np.kaiser(2 * taps + 1, 6.0 if step == 0 else 5.4)[1::2]
    else:
        # Two free taps: zeros at Nyquist and at 0.91 of the band's edge, where the ripple is equal.
        edge = 0.91 * 2.0 * math.pi * PASS / 2 ** (step + 1)
        far = 0.5 * (1.0 - math.cos(edge)) / (math.cos(3 * edge) - math.cos(edge))
        h = np.array([far, 0.5 - far, 0.5 - far, far])
    return h / h.sum()


def _design() -> np.ndarray:
    """The filters going up and, half as loud, going down, (2, steps, most taps)."""
    fir = np.zeros((2, len(_TAPS), max(_TAPS)), np.float32)
    for step, taps in enumerate(_TAPS):
        fir[0, step, :taps] = _half_band(taps, step)
        fir[1, step, :taps] = 0.5 * _half_band(taps, step)
    return fir


FIR = _design()


@dsp
def _hard(x0, x1):
    d = x1 - x0
    one = np.float32(1.0)
    c0 = min(max(x0, -one), one)
    c1 = min(max(x1, -one), one)
    # F(x) = c^2/2 + |x| - |c| with c the clipped x; factored, so that small steps lose nothing.
    rise = np.float32(0.5) * (c1 - c0) * (c1 + c0) + (abs(x1) - abs(c1)) - (abs(x0) - abs(c0))
    apart = abs(d) > np.float32(1e-3)
    return rise / (d if apart else one) if apart else np.float32(0.5) * (c0 + c1)


@dsp
def _fold(x0, x1):
    # cos x0 - cos x1 = 2 sin((x0 + x1) / 2) sin((x1 - x0) / 2)
    half = np.float32(0.5) * (x1 - x0)
    turn = np.float32(0.15915494)
    middle = sine_cycle(np.float32(0.5) * (x0 + x1) * turn)
    apart = abs(half) > np.float32(1e-3)
    one = np.float32(1.0)
    return middle * (sine_cycle(half * turn) / (half if apart else one) if apart else one)


@dsp
def _shape_soft(bias, memory, first, rate):
    """X / sqrt(1 + x^2), or with a bias the tube: (F1 - F0) / (x1 - x0) = (x0 + x1) / (F0 + F1)."""
    one = np.float32(1.0)
    b = np.float32(bias)
    offset = b / np.float32(math.sqrt(1.0 + bias * bias))
    for phase in range(rate):
        raw = memory[first + phase, _PAST - 1 :]
        integral = memory[_INTEGRAL + phase, _PAST - 1 :]
        for n in range(BLOCK + 1):
            x = raw[n] + b
            integral[n] = np.float32(math.sqrt(one + x * x))
    for phase in range(rate):
        row, start = _late(rate, phase - 1)
        x0, f0 = memory[first + row, start:], memory[_INTEGRAL + row, start:]
        x1, f1 = memory[first + phase, _PAST:], memory[_INTEGRAL + phase, _PAST:]
        out = memory[_SHAPED + phase, _PAST:]
        for n in range(BLOCK):
            out[n] = (x0[n] + x1[n] + b + b) / (f0[n] + f1[n]) - offset


@dsp
def _shape_all(kind, memory, first, rate):
    """First-order antiderivative antialiasing of `rate` rows from `first`."""
    if kind == SOFT:
        _shape_soft(0.0, memory, first, rate)
        return
    if kind == TUBE:
        _shape_soft(_TUBE_BIAS, memory, first, rate)
        return
    for phase in range(rate):
        row, start = _late(rate, phase - 1)
        before, now = memory[first + row, start:], memory[first + phase, _PAST:]
        out = memory[_SHAPED + phase, _PAST:]
        if kind == HARD:
            for n in range(BLOCK):
                out[n] = _hard(before[n], now[n])
        else:
            for n in range(BLOCK):
                out[n] = _fold(before[n], now[n])


@dsp
def _late(rate, index):
    """Row and column of the samples at `index` (below 0: the past), counted at `rate` (4 or 8) times the base rate."""
    return index & (rate - 1), _PAST + (index >> (2 if rate == 4 else 3))


@dsp
def _filter_row(past, h, out):
    """Add the 44-tap filter over one row to out; past[n + 43] is the newest sample for out[n]."""
    for k in range(0, 44, 11):
        h0, h1, h2, h3, h4, h5 = h[k], h[k + 1], h[k + 2], h[k + 3], h[k + 4], h[k + 5]
        h6, h7, h8, h9, h10 = h[k + 6], h[k + 7], h[k + 8], h[k + 9], h[k + 10]
        x = past[33 - k :]
        for n in range(BLOCK):
            low = h10 * x[n] + h9 * x[n + 1] + h8 * x[n + 2] + h7 * x[n + 3] + h6 * x[n + 4] + h5 * x[n + 5]
            high = h4 * x[n + 6] + h3 * x[n + 7] + h2 * x[n + 8] + h1 * x[n + 9] + h0 * x[n + 10]
            out[n] += low + high


@dsp
def _one_to_two(memory, h):
    """The input at twice the rate: even samples pass, odd ones are interpolated."""
    even, odd = memory[_UP_2, _PAST:], memory[_UP_2 + 1, _PAST:]
    past = memory[_IN, _PAST - 43 :]
    for n in range(BLOCK):
        even[n] = past[n + 21]
        odd[n] = np.float32(0.0)
    _filter_row(past, h, odd)


@dsp
def _two_to_four(memory, h):
    """As `_one_to_two`, from two rows to four, with 8 taps. A row is seen from 4 samples back."""
    h0, h1, h2, h3, h4, h5, h6, h7 = h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
    a, b = memory[_UP_2, _PAST - 4 :], memory[_UP_2 + 1, _PAST - 4 :]
    even, odd = memory[_UP_4, _PAST:], memory[_UP_4 + 1, _PAST:]
    for n in range(BLOCK):
        even[n] = a[n + 2]
        x = (h0 * a[n + 4] + h1 * b[n + 3]) + (h2 * a[n + 3] + h3 * b[n + 2])
        odd[n] = x + (h4 * a[n + 2] + h5 * b[n + 1]) + (h6 * a[n + 1] + h7 * b[n])
    even, odd = memory[_UP_4 + 2, _PAST:], memory[_UP_4 + 3, _PAST:]
    for n in range(BLOCK):
        even[n] = b[n + 2]
        x = (h0 * b[n + 4] + h1 * a[n + 4]) + (h2 * b[n + 3] + h3 * a[n + 3])
        odd[n] = x + (h4 * b[n + 2] + h5 * a[n + 2]) + (h6 * b[n + 1] + h7 * a[n + 1])


@dsp
def _four_to_eight(memory, h):
    """As `_one_to_two`, from four rows to eight, with 4 taps."""
    h0, h1, h2, h3 = h[0], h[1], h[2], h[3]
    for r in range(4):
        (r1, c1), (r2, c2), (r3, c3) = _late(4, r - 1), _late(4, r - 2), _late(4, r - 3)
        x0, x1 = memory[_UP_4 + r, _PAST:], memory[_UP_4 + r1, c1:]
        x2, x3 = memory[_UP_4 + r2, c2:], memory[_UP_4 + r3, c3:]
        even, odd = memory[_UP_8 + 2 * r, _PAST:], memory[_UP_8 + 2 * r + 1, _PAST:]
        for n in range(BLOCK):
            odd[n] = (h0 * x0[n] + h1 * x1[n]) + (h2 * x2[n] + h3 * x3[n])
        for n in range(BLOCK):
            even[n] = x2[n]


@dsp
def _eight_to_four(memory, h):
    """The shaped signal at half its rate: the centre at half weight and 4 taps (h holds halves as well)."""
    h0, h1, h2, h3 = h[0], h[1], h[2], h[3]
    half = np.float32(0.5)
    for r in range(4):
        (row, start), (r0, c0), (r1, c1) = _late(8, 2 * r - 4), _late(8, 2 * r - 1), _late(8, 2 * r - 3)
        (r2, c2), (r3, c3) = _late(8, 2 * r - 5), _late(8, 2 * r - 7)
        centre = memory[_SHAPED + row, start:]
        x0, x1 = memory[_SHAPED + r0, c0:], memory[_SHAPED + r1, c1:]
        x2, x3 = memory[_SHAPED + r2, c2:], memory[_SHAPED + r3, c3:]
        out = memory[_DOWN_4 + r, _PAST:]
        for n in range(BLOCK):
            out[n] = half * centre[n] + (h0 * x0[n] + h1 * x1[n]) + (h2 * x2[n] + h3 * x3[n])


@dsp
def _four_to_two(memory, source, h):
    """As `_eight_to_four`, from the four rows from `source` to two, with 8 taps. Rows are seen from 4 samples back."""
    h0, h1, h2, h3, h4, h5, h6, h7 = h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
    half = np.float32(0.5)
    a, b = memory[source, _PAST - 4 :], memory[source + 1, _PAST - 4 :]
    c, d = memory[source + 2, _PAST - 4 :], memory[source + 3, _PAST - 4 :]
    even, odd = memory[_DOWN_2, _PAST:], memory[_DOWN_2 + 1, _PAST:]
    for n in range(BLOCK):
        x = half * a[n + 2] + (h0 * d[n + 3] + h1 * b[n + 3]) + (h2 * d[n + 2] + h3 * b[n + 2])
        even[n] = x + (h4 * d[n + 1] + h5 * b[n + 1]) + (h6 * d[n] + h7 * b[n])
    for n in range(BLOCK):
        x = half * c[n + 2] + (h0 * b[n + 4] + h1 * d[n + 3]) + (h2 * b[n + 3] + h3 * d[n + 2])
        odd[n] = x + (h4 * b[n + 2] + h5 * d[n + 1]) + (h6 * b[n + 1] + h7 * d[n])


@dsp
def _two_to_one(memory, h, out):
    """As `_eight_to_four`, from two rows to out (BLOCK,), with 44 taps."""
    centre, past = memory[_DOWN_2, _PAST - 22 :], memory[_DOWN_2 + 1, _PAST - 44 :]
    half = np.float32(0.5)
    for n in range(BLOCK):
        out[n] = half * centre[n]
    _filter_row(past, h, out)


@dsp
def _move_on(memory):
    """Keep what the filters look back at: much of the rows at the plain rate, little of the others."""
    for row in range(_INTEGRAL):
        long = row < _UP_2 or row >= _DOWN_2
        for i in range(0 if long else _PAST - 8, _PAST):
            memory[row, i] = memory[row, i + BLOCK]


@dsp
def shape_block(kind, rate, signal, gain0, gain1, wet0, wet1, fir, memory):
    """Drive a block through a curve, in place; 48 samples late at four times the rate, 49 at eight.

    Args:
        kind: index into DISTORTION_TYPES.
        rate: 4 or 8. Four is enough for the soft curve up to 24 dB; a hard one needs eight.
        signal: (BLOCK,) float32.
        gain0, gain1: gain into the curve at the block's start and end; the output is scaled by gain**-0.5.
        wet0, wet1: share of the shaped signal likewise; the rest is the (equally late) input.
        fir: `FIR`.
        memory: (SHAPER_ROWS, SHAPER_WIDTH) float32, zeros at first.
    """
    step = np.float32(1.0 / BLOCK)
    _move_on(memory)
    fresh, driven = memory[_DRY, _PAST:], memory[_IN, _PAST:]
    for n in range(BLOCK):
        fresh[n] = signal[n]
        driven[n] = signal[n] * (gain0 + (gain1 - gain0) * np.float32(n) * step)
    up, down = fir[0], fir[1]
    _one_to_two(memory, up[0])
    _two_to_four(memory, up[1])
    if rate == 8:
        _four_to_eight(memory, up[2])
        _shape_all(kind, memory, _UP_8, 8)
        _eight_to_four(memory, down[2])
    else:
        _shape_all(kind, memory, _UP_4, 4)
    _four_to_two(memory, _DOWN_4 if rate == 8 else _SHAPED, down[1])
    _two_to_one(memory, down[0], signal)
    makeup0 = np.float32(1.0) / np.float32(math.sqrt(gain0))
    makeup1 = np.float32(1.0) / np.float32(math.sqrt(gain1))
    late = memory[_DRY, _PAST - (_LATE_8 if rate == 8 else _LATE_4) :]
    for n in range(BLOCK):
        x = np.float32(n) * step
        wet = wet0 + (wet1 - wet0) * x
        makeup = makeup0 + (makeup1 - makeup0) * x
        signal[n] = late[n] + wet * (makeup * signal[n] - late[n])
