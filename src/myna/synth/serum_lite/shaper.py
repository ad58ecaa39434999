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
SHAPER_ROWS = 13  # input, then four phases each: raw, shaped, the curve's integral
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
def _shape_soft(bias, memory):
    """X / sqrt(1 + x^2), or with a bias the tube: (F1 - F0) / (x1 - x0) = (x0 + x1) / (F0 + F1)."""
    one = np.float32(1.0)
    b = np.float32(bias)
    offset = b / np.float32(math.sqrt(1.0 + bias * bias))
    for phase in range(OVERSAMPLING):
        raw = memory[1 + phase, _PAST - 1 :]
        integral = memory[1 + 2 * OVERSAMPLING + phase, _PAST - 1 :]
        for n in range(BLOCK + 1):
            x = raw[n] + b
            integral[n] = np.float32(math.sqrt(one + x * x))
    for phase in range(OVERSAMPLING):
        row = phase if phase > 0 else OVERSAMPLING
        start = _PAST if phase > 0 else _PAST - 1
        x0, f0 = memory[row, start:], memory[2 * OVERSAMPLING + row, start:]
        x1, f1 = memory[1 + phase, _PAST:], memory[1 + 2 * OVERSAMPLING + phase, _PAST:]
        out = memory[1 + OVERSAMPLING + phase, _PAST:]
        for n in range(BLOCK):
            out[n] = (x0[n] + x1[n] + b + b) / (f0[n] + f1[n]) - offset


@dsp
def _shape_all(kind, memory):
    """First-order antiderivative antialiasing of the four phases."""
    if kind == SOFT:
        _shape_soft(0.0, memory)
        return
    if kind == TUBE:
        _shape_soft(_TUBE_BIAS, memory)
        return
    for phase in range(OVERSAMPLING):
        row = phase if phase > 0 else OVERSAMPLING
        start = _PAST if phase > 0 else _PAST - 1
        before, now = memory[row, start:], memory[1 + phase, _PAST:]
        out = memory[1 + OVERSAMPLING + phase, _PAST:]
        if kind == HARD:
            for n in range(BLOCK):
                out[n] = _hard(before[n], now[n])
        else:
            for n in range(BLOCK):
                out[n] = _fold(before[n], now[n])


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
    for row in range(1 + 2 * OVERSAMPLING):
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
