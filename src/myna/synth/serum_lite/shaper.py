"""Waveshaping at four times the sample rate with antiderivative antialiasing, a block at a time.

Source: Parker, Zavalishin, Le Bivic, "Reducing the aliasing of nonlinear waveshaping using continuous-time
convolution" (DAFx 2016), first order: y = (F(x1) - F(x0)) / (x1 - x0). Up- and downsampling share a 129-tap Kaiser
low-pass, so the path is LATENCY samples late at any frequency.
"""

from __future__ import annotations

import math

import numpy as np

from myna.synth.serum_lite.jit import BLOCK, dsp

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
def _curve(kind, x):
    if kind == HARD:
        return min(max(x, -1.0), 1.0)
    if kind == FOLD:
        return math.sin(x)
    if kind == TUBE:
        b = x + _TUBE_BIAS
        return b / math.sqrt(1.0 + b * b) - _TUBE_BIAS / math.sqrt(1.0 + _TUBE_BIAS * _TUBE_BIAS)
    return x / math.sqrt(1.0 + x * x)


@dsp
def _integral(kind, x):
    if kind == HARD:
        a = abs(x)
        return 0.5 * x * x if a < 1.0 else a - 0.5
    if kind == FOLD:
        return -math.cos(x)
    if kind == TUBE:
        b = x + _TUBE_BIAS
        return math.sqrt(1.0 + b * b) - x * _TUBE_BIAS / math.sqrt(1.0 + _TUBE_BIAS * _TUBE_BIAS)
    return math.sqrt(1.0 + x * x)


@dsp
def _shaped(kind, x0, x1):
    """One step of first-order antiderivative antialiasing; doubles, since it divides small differences."""
    d = x1 - x0
    if abs(d) < 1e-6:
        return _curve(kind, 0.5 * (x0 + x1))
    return (_integral(kind, x1) - _integral(kind, x0)) / d


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
    for n in range(BLOCK):
        memory[0, _PAST + n] = signal[n]
    for phase in range(OVERSAMPLING):
        for n in range(BLOCK):
            memory[1 + phase, _PAST + n] = np.float32(0.0)
        for k in range(_K):
            h = fir[0, phase, k]
            for n in range(BLOCK):
                memory[1 + phase, _PAST + n] += h * memory[0, _PAST + n - k]
        for n in range(BLOCK):
            memory[1 + phase, _PAST + n] *= gain0 + (gain1 - gain0) * np.float32(n) * step
    for phase in range(OVERSAMPLING):
        before = phase if phase > 0 else OVERSAMPLING
        lag = 0 if phase > 0 else 1
        for n in range(BLOCK):
            x0 = np.float64(memory[before, _PAST + n - lag])
            x1 = np.float64(memory[1 + phase, _PAST + n])
            memory[5 + phase, _PAST + n] = np.float32(_shaped(kind, x0, x1))
    makeup0 = np.float32(1.0) / np.float32(math.sqrt(gain0))
    makeup1 = np.float32(1.0) / np.float32(math.sqrt(gain1))
    for n in range(BLOCK):
        x = np.float32(n) * step
        wet = wet0 + (wet1 - wet0) * x
        signal[n] = (np.float32(1.0) - wet) * memory[0, _PAST + n - LATENCY]
    for phase in range(OVERSAMPLING):
        for k in range(_K):
            h = fir[1, phase, k]
            for n in range(BLOCK):
                x = np.float32(n) * step
                wet = (wet0 + (wet1 - wet0) * x) * (makeup0 + (makeup1 - makeup0) * x)
                signal[n] += wet * h * memory[5 + phase, _PAST + n - k]
