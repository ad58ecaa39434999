"""The effects after the voice: chorus, delay, reverb and equaliser, stereo, a block at a time, in place.

(Distortion is `shaper.py`.) Delay lines are longer than a block, so each loop over a block is straight.
"""

from __future__ import annotations

import math

import numpy as np

from myna.compiled import dsp
from myna.synth.serum_lite.memory import BLOCK
from myna.synth.serum_lite.oscillator import sine_cycle

__all__ = [
    "REVERB_LINES",
    "chorus_block",
    "delay_block",
    "eq_block",
    "eq_design",
    "line_lengths",
    "reverb_block",
]

REVERB_LINES = 8
# Mutually incommensurate line lengths at size 0.5, in ms; diffusers shorter and fixed.
_LINE_MS = np.array([29.7, 37.1, 41.1, 43.7, 53.3, 59.9, 67.3, 73.1])
_DIFFUSER_MS = np.array([3.23, 8.61, 2.43, 6.29])
_DIFFUSION = np.float32(0.6)


def line_lengths(sample_rate: int) -> tuple[int, int, int]:
    """Sizes of the delay buffers in samples, powers of two: (chorus, delay and predelay, reverb line)."""
    return tuple(1 << math.ceil(math.log2(s * sample_rate + 4 * BLOCK)) for s in (0.022, 1.0, 0.15))  # type: ignore[return-value]


@dsp
def _flush(x):
    """Zero what would soon be a denormal."""
    return x if abs(x) > np.float32(1e-18) else np.float32(0.0)


@dsp
def _wrap(i, mask):
    """A place in a circular buffer; unsigned, which spares the loop a test for negative indices."""
    return np.uint32(np.uint32(i) & mask)


@dsp
def _fetch(line, start, scale, out):
    """Copy BLOCK samples from a place in a circular buffer, scaled; straight unless the buffer's end is in between."""
    size = np.int64(line.shape[0])
    first = start & (size - 1)
    if first + BLOCK <= size:
        part = line[first : first + BLOCK]
        for n in range(BLOCK):
            out[n] = scale * part[n]
        return
    mask = np.uint32(size - 1)
    for n in range(BLOCK):
        out[n] = scale * line[_wrap(start + n, mask)]


@dsp
def _place(line, at):
    """Where in a circular buffer the block that begins at `at` lies: never split, as `at` is a multiple of BLOCK."""
    return at & np.int64(line.shape[0] - 1)


@dsp
def chorus_block(left, right, lines, at, rate_hz, depth, feedback, mix0, mix1, sample_rate, wet, lags):
    """Two modulated delays, the sides a quarter cycle apart.

    Args:
        left, right: (BLOCK,) float32.
        lines: (2, power of two) float32.
        at: index of the block's first sample since the note began.
        depth: 0 to 1: 0 to 6 ms about a centre of 9 ms.
        mix0, mix1: dry to wet at the block's ends.
        wet: (BLOCK,) float32 scratch.
    """
    mask = np.int64(lines.shape[1] - 1)
    centre = np.float32(0.009 * sample_rate)
    swing = np.float32(0.006 * depth * sample_rate)
    shortest = np.float32(BLOCK + 2)
    step = np.float32(1.0 / BLOCK)
    for side in range(2):
        signal = left if side == 0 else right
        line = lines[side]
        start = at * rate_hz / sample_rate + 0.25 * side
        phase = np.float32(start - math.floor(start))
        per_sample = np.float32(rate_hz / sample_rate)
        for n in range(BLOCK):
            lags[n] = max(centre + swing * sine_cycle(phase + np.float32(n) * per_sample), shortest)
        for n in range(BLOCK):
            lag = lags[n]
            whole = np.int64(lag)
            f = lag - np.float32(whole)
            i = at + n - whole
            a = line[i & mask]
            b = line[(i - 1) & mask]
            wet[n] = a + f * (b - a)
        into = line[_place(line, at) :]
        for n in range(BLOCK):
            into[n] = _flush(signal[n] + feedback * wet[n])
        for n in range(BLOCK):
            mix = mix0 + (mix1 - mix0) * np.float32(n) * step
            signal[n] += mix * (wet[n] - signal[n])


@dsp
def delay_block(left, right, lines, at, lag, feedback, damp, ping_pong, mix0, mix1, state):
    """Echoes with a low-pass in the loop; ping-pong crosses the sides.

    Args:
        lines: (2, power of two) float32.
        lag: time between repeats in samples, at least BLOCK.
        damp: one-pole coefficient, 1 = open.
        state: (2,) float32 memory of the low-passes.
    """
    mask = np.uint32(lines.shape[1] - 1)
    step = np.float32(1.0 / BLOCK)
    lp0, lp1 = state[0], state[1]
    for n in range(BLOCK):
        i = _wrap(at + n - lag, mask)
        o = _wrap(at + n, mask)
        lp0 += damp * (lines[0, i] - lp0)
        lp1 += damp * (lines[1, i] - lp1)
        if ping_pong:
            lines[0, o] = _flush(np.float32(0.5) * (left[n] + right[n]) + feedback * lp1)
            lines[1, o] = _flush(feedback * lp0)
        else:
            lines[0, o] = _flush(left[n] + feedback * lp0)
            lines[1, o] = _flush(right[n] + feedback * lp1)
        mix = mix0 + (mix1 - mix0) * np.float32(n) * step
        left[n] += mix * lp0
        right[n] += mix * lp1
    state[0], state[1] = _flush(lp0), _flush(lp1)


@dsp
def _allpass(signal, line, at, lag, back):
    """Schroeder allpass diffuser of `lag` samples (at least a block), in place; `back` is scratch."""
    _fetch(line, at - lag, np.float32(1.0), back)
    into = line[_place(line, at) :]
    for n in range(BLOCK):
        signal[n] -= _DIFFUSION * back[n]
    for n in range(BLOCK):
        into[n] = _flush(signal[n])
    for n in range(BLOCK):
        signal[n] = back[n] + _DIFFUSION * signal[n]


@dsp
def _damp_lines(a, b, c, d, keep, state):
    """One-pole low-passes of four lines in one loop, so that the recurrences overlap."""
    y0, y1, y2, y3 = state[0], state[1], state[2], state[3]
    for n in range(BLOCK):
        y0 = keep * y0 + a[n]
        y1 = keep * y1 + b[n]
        y2 = keep * y2 + c[n]
        y3 = keep * y3 + d[n]
        a[n], b[n], c[n], d[n] = y0, y1, y2, y3
    state[0], state[1], state[2], state[3] = _flush(y0), _flush(y1), _flush(y2), _flush(y3)


@dsp
def reverb_block(left, right, lines, pre, at, size, decay_s, damp, predelay, mix0, mix1, sample_rate, state, work):
    """A feedback delay network of eight lines with a Householder matrix.

    Source: Jot & Chaigne (AES 1991): line gains give every frequency its decay time; the low-pass in each line
    shortens it for high ones.

    Args:
        lines: (REVERB_LINES + 4, power of two) float32: the network, then the diffusers.
        pre: (2, power of two) float32 predelay.
        size: 0 to 1 scales the lines by 0.4 to 1.6.
        damp: one-pole coefficient, 1 = open.
        predelay: samples.
        state: (REVERB_LINES,) float32.
        work: (REVERB_LINES + 3, BLOCK) float32 scratch.
    """
    step = np.float32(1.0 / BLOCK)
    one = np.float32(1.0)
    in_l, in_r, total = work[REVERB_LINES], work[REVERB_LINES + 1], work[REVERB_LINES + 2]
    start = _place(pre[0], at)
    pre_l, pre_r = pre[0, start:], pre[1, start:]
    for n in range(BLOCK):
        pre_l[n] = left[n]
        pre_r[n] = right[n]
    _fetch(pre[0], at - predelay, one, in_l)
    _fetch(pre[1], at - predelay, one, in_r)
    for d in range(2):
        lag_l = max(np.int64(_DIFFUSER_MS[d] * 0.001 * sample_rate), np.int64(BLOCK))
        lag_r = max(np.int64(_DIFFUSER_MS[2 + d] * 0.001 * sample_rate), np.int64(BLOCK))
        _allpass(in_l, lines[REVERB_LINES + d], at, lag_l, total)
        _allpass(in_r, lines[REVERB_LINES + 2 + d], at, lag_r, total)
    scale = 0.4 + 1.2 * size
    for n in range(BLOCK):
        total[n] = np.float32(0.0)
    keep = np.float32(1.0) - damp
    for j in range(REVERB_LINES):
        lag = max(np.int64(_LINE_MS[j] * 0.001 * scale * sample_rate), np.int64(BLOCK))
        gain = np.float32(math.exp(-6.907755 * lag / (sample_rate * decay_s)))
        _fetch(lines[j], at - lag, gain * damp, work[j])
    for j in range(0, REVERB_LINES, 4):
        _damp_lines(work[j], work[j + 1], work[j + 2], work[j + 3], keep, state[j : j + 4])
        for n in range(BLOCK):
            total[n] += (work[j, n] + work[j + 1, n]) + (work[j + 2, n] + work[j + 3, n])
    for j in range(REVERB_LINES):
        into = lines[j, _place(lines[j], at) :]
        source = work[REVERB_LINES + j % 2]
        back = work[j]
        for n in range(BLOCK):
            into[n] = _flush(back[n] - np.float32(0.25) * total[n] + source[n])
    for n in range(BLOCK):
        mix = mix0 + (mix1 - mix0) * np.float32(n) * step
        wet_l = work[0, n] + work[2, n] - work[4, n] - work[6, n]
        wet_r = work[1, n] - work[3, n] + work[5, n] - work[7, n]
        left[n] += mix * (np.float32(0.6) * wet_l - left[n])
        right[n] += mix * (np.float32(0.6) * wet_r - right[n])


@dsp
def eq_design(low_hz, low_db, mid_hz, mid_db, high_hz, high_db, sample_rate, out):
    """Biquads of low shelf, bell (Q 0.9) and high shelf into out (3, 5): b0 b1 b2 a1 a2.

    Source: Bristow-Johnson, Audio EQ Cookbook, shelf slope 1.
    """
    for band in range(3):
        hz = low_hz if band == 0 else (mid_hz if band == 1 else high_hz)
        db = low_db if band == 0 else (mid_db if band == 1 else high_db)
        a = 10.0 ** (db / 40.0)
        w = 2.0 * math.pi * min(hz, 0.45 * sample_rate) / sample_rate
        c = math.cos(w)
        if band == 1:
            alpha = math.sin(w) / 1.8
            b0, b1, b2 = 1.0 + alpha * a, -2.0 * c, 1.0 - alpha * a
            a0, a1, a2 = 1.0 + alpha / a, -2.0 * c, 1.0 - alpha / a
        else:
            s = 1.0 if band == 0 else -1.0
            r = 2.0 * math.sqrt(a) * math.sin(w) * 0.70710678
            b0 = a * ((a + 1.0) - s * (a - 1.0) * c + r)
            b1 = s * 2.0 * a * ((a - 1.0) - s * (a + 1.0) * c)
            b2 = a * ((a + 1.0) - s * (a - 1.0) * c - r)
            a0 = (a + 1.0) + s * (a - 1.0) * c + r
            a1 = -s * 2.0 * ((a - 1.0) + s * (a + 1.0) * c)
            a2 = (a + 1.0) + s * (a - 1.0) * c - r
        out[band, 0] = np.float32(b0 / a0)
        out[band, 1] = np.float32(b1 / a0)
        out[band, 2] = np.float32(b2 / a0)
        out[band, 3] = np.float32(a1 / a0)
        out[band, 4] = np.float32(a2 / a0)


@dsp
def eq_block(left, right, design, state):
    """Three biquads (transposed direct form II) over both channels.

    Args:
        design: (3, 5) from `eq_design`.
        state: (12,) float32.
    """
    b00, b01, b02, a01, a02 = design[0, 0], design[0, 1], design[0, 2], design[0, 3], design[0, 4]
    b10, b11, b12, a11, a12 = design[1, 0], design[1, 1], design[1, 2], design[1, 3], design[1, 4]
    b20, b21, b22, a21, a22 = design[2, 0], design[2, 1], design[2, 2], design[2, 3], design[2, 4]
    p1, p2, q1, q2, r1, r2 = state[0], state[1], state[2], state[3], state[4], state[5]
    s1, s2, t1, t2, u1, u2 = state[6], state[7], state[8], state[9], state[10], state[11]
    # One loop, so that the six recurrences overlap.
    for n in range(BLOCK):
        x = left[n]
        y = b00 * x + p1
        p1 = b01 * x - a01 * y + p2
        p2 = b02 * x - a02 * y
        z = b10 * y + q1
        q1 = b11 * y - a11 * z + q2
        q2 = b12 * y - a12 * z
        w = b20 * z + r1
        r1 = b21 * z - a21 * w + r2
        r2 = b22 * z - a22 * w
        left[n] = w
        x = right[n]
        y = b00 * x + s1
        s1 = b01 * x - a01 * y + s2
        s2 = b02 * x - a02 * y
        z = b10 * y + t1
        t1 = b11 * y - a11 * z + t2
        t2 = b12 * y - a12 * z
        w = b20 * z + u1
        u1 = b21 * z - a21 * w + u2
        u2 = b22 * z - a22 * w
        right[n] = w
    state[0], state[1], state[2], state[3] = _flush(p1), _flush(p2), _flush(q1), _flush(q2)
    state[4], state[5], state[6], state[7] = _flush(r1), _flush(r2), _flush(s1), _flush(s2)
    state[8], state[9], state[10], state[11] = _flush(t1), _flush(t2), _flush(u1), _flush(u2)
