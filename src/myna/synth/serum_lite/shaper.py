"""Waveshaping at four times the sample rate with antiderivative antialiasing, a block at a time.

Source: Parker, Zavalishin, Le Bivic, "Reducing the aliasing of nonlinear waveshaping using continuous-time
convolution" (DAFx 2016), first order: y = (F(x1) - F(x0)) / (x1 - x0). Up- and downsampling share a 129-tap Kaiser
low-pass, so the path is LATENCY samples late at any frequency.
"""

from __future__ import annotations

import math

import numpy as np

from myna.synth.serum_lite.jit import BLOCK, dsp
from myna.synth.serum_lite.oscillator import sine_cycle

__all__ = ["FIR", "LATENCY", "SHAPER_ROWS", "SHAPER_WIDTH", "shape_block"]

SOFT, HARD, FOLD, TUBE = range(4)

OVERSAMPLING = 4
_TAPS = 129
_K = 33  # taps per phase, the last ones zero
LATENCY = 32  # samples, two times 64 at four times the rate
SHAPER_ROWS = 9  # input, four raw phases, four shaped phases
SHAPER_WIDTH = _K - 1 + BLOCK
_PAST = SHAPER_WIDTH - BLOCK
_TUBE_BIAS = 0.4


def _design() -> np.ndarray:
    """The two polyphase forms of the low-pass, (2, 4, K): up, then down."""
    n = np.arange(_TAPS) - (_TAPS - 1) / 2
    cutoff = 21000.0 / 44100.0 / OVERSAMPLING * 2  # of the oversampled Nyquist frequency, at any rate
    h = cutoff * np.sinc(cutoff * n) * np.kaiser(_TAPS, 6.8)
    h = h / h.sum()
    taps = np.zeros((2, OVERSAMPLING, _K))
    for phase in range(OVERSAMPLING):
        for k in range(_K):
            up, down = OVERSAMPLING * k + phase, OVERSAMPLING * k - phase
            taps[0, phase, k] = OVERSAMPLING * h[up] if up < _TAPS else 0.0
            taps[1, phase, k] = h[down] if 0 <= down < _TAPS else 0.0
    return taps.astype(np.float32)


FIR = _design()


@dsp
def _soft(x0, x1):
    d = x1 - x0
    middle = 0.5 * (x0 + x1)
    direct = middle / math.sqrt(1.0 + middle * middle)
    # (F1 - F0) / d in a form without the small difference: F1^2 - F0^2 = x1^2 - x0^2.
    return (x1 + x0) / (math.sqrt(1.0 + x1 * x1) + math.sqrt(1.0 + x0 * x0)) if abs(d) > 0.0 else direct


@dsp
def _hard(x0, x1):
    d = x1 - x0
    middle = min(max(0.5 * (x0 + x1), -1.0), 1.0)
    c0 = min(max(x0, -1.0), 1.0)
    c1 = min(max(x1, -1.0), 1.0)
    # F(x) = c^2/2 + |x| - |c| with c the clipped x.
    difference = 0.5 * (c1 * c1 - c0 * c0) + (abs(x1) - abs(c1)) - (abs(x0) - abs(c0))
    safe = d if abs(d) > 1e-6 else 1.0
    return difference / safe if abs(d) > 1e-6 else middle


@dsp
def _fold(x0, x1):
    # cos x0 - cos x1 = 2 sin((x0 + x1) / 2) sin((x1 - x0) / 2)
    half = 0.5 * (x1 - x0)
    turn = np.float32(0.15915494)
    middle = np.float64(sine_cycle(np.float32(0.5 * (x0 + x1)) * turn))
    chord = np.float64(sine_cycle(np.float32(half) * turn))
    safe = half if abs(half) > 1e-4 else 1.0
    return middle * (chord / safe if abs(half) > 1e-4 else 1.0)


@dsp
def _shape_all(kind, memory):
    """First-order antiderivative antialiasing of the four phases; doubles, since it divides differences."""
    offset = _TUBE_BIAS / math.sqrt(1.0 + _TUBE_BIAS * _TUBE_BIAS)
    for phase in range(OVERSAMPLING):
        if phase > 0:
            before = memory[phase, _PAST:]
        else:
            before = memory[OVERSAMPLING, _PAST - 1 : SHAPER_WIDTH - 1]
        now = memory[1 + phase, _PAST:]
        out = memory[1 + OVERSAMPLING + phase, _PAST:]
        if kind == HARD:
            for n in range(BLOCK):
                out[n] = np.float32(_hard(np.float64(before[n]), np.float64(now[n])))
        elif kind == FOLD:
            for n in range(BLOCK):
                out[n] = np.float32(_fold(np.float64(before[n]), np.float64(now[n])))
        elif kind == TUBE:
            for n in range(BLOCK):
                x0, x1 = np.float64(before[n]) + _TUBE_BIAS, np.float64(now[n]) + _TUBE_BIAS
                out[n] = np.float32(_soft(x0, x1) - offset)
        else:
            for n in range(BLOCK):
                out[n] = np.float32(_soft(np.float64(before[n]), np.float64(now[n])))


@dsp
def shape_block(kind, signal, gain0, gain1, wet0, wet1, fir, memory):
    """Drive a block through a curve, in place, LATENCY samples late.

    Args:
        kind: index into DISTORTION_TYPES.
        signal: (BLOCK,) float32.
        gain0, gain1: gain into the curve at the block's start and end; the output is scaled by gain**-0.5.
        wet0, wet1: share of the shaped signal, the rest is the (equally late) input.
        fir: `FIR`.
        memory: (SHAPER_ROWS, SHAPER_WIDTH) float32, zeros at first.
    """
    step = np.float32(1.0 / BLOCK)
    for row in range(SHAPER_ROWS):
        for i in range(_PAST):
            memory[row, i] = memory[row, i + BLOCK]
    fresh = memory[0, _PAST:]
    for n in range(BLOCK):
        fresh[n] = signal[n]
    for phase in range(OVERSAMPLING):
        raw = memory[1 + phase, _PAST:]
        for n in range(BLOCK):
            raw[n] = np.float32(0.0)
        for k in range(0, _K, 3):
            h0, h1, h2 = fir[0, phase, k], fir[0, phase, k + 1], fir[0, phase, k + 2]
            past = memory[0, _PAST - k - 2 :]
            for n in range(BLOCK):
                raw[n] += h0 * past[n + 2] + h1 * past[n + 1] + h2 * past[n]
        for n in range(BLOCK):
            raw[n] *= gain0 + (gain1 - gain0) * np.float32(n) * step
    _shape_all(kind, memory)
    makeup0 = np.float32(1.0) / np.float32(math.sqrt(gain0))
    makeup1 = np.float32(1.0) / np.float32(math.sqrt(gain1))
    for n in range(BLOCK):
        signal[n] = np.float32(0.0)
    for phase in range(OVERSAMPLING):
        for k in range(0, _K, 3):
            h0, h1, h2 = fir[1, phase, k], fir[1, phase, k + 1], fir[1, phase, k + 2]
            past = memory[1 + OVERSAMPLING + phase, _PAST - k - 2 :]
            for n in range(BLOCK):
                signal[n] += h0 * past[n + 2] + h1 * past[n + 1] + h2 * past[n]
    late = memory[0, _PAST - LATENCY :]
    for n in range(BLOCK):
        x = np.float32(n) * step
        wet = wet0 + (wet1 - wet0) * x
        makeup = makeup0 + (makeup1 - makeup0) * x
        signal[n] = late[n] + wet * (makeup * signal[n] - late[n])
