"""The ears' inner loops on the CPU: channels, frames, what is read from their spectra, how far magnitudes lie apart.

torch would go over the same memory a dozen times, one small operation after the other. Here each frame is read once,
and all that follows from it is made while it is in the cache.

Shapes: T samples, E envelope frames, R frames with those beyond either end, F frames, M mel bands, C bins.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from myna import compiled
from myna.compiled import compile_cached, dsp, load_kernel

__all__ = ["channels", "compile_kernel", "frames", "listen", "magnitudes_apart", "sounding", "transform"]

_LOG_FRAMES = 30
"""Ratios under one logarithm: each is at most 1e10, and float64 holds 1e308."""
_LOG_POWERS = 25  # the same of powers, 1e-10 to 1e12
_TINY = 1e-20
_FLATNESS_FLOOR = np.float32(1e-10)  # power; librosa's amin


@dsp
def _add(one, other, sign, out):
    """Half the sum, or with a sign of -1 half the difference."""
    for i in range(out.size):
        out[i] = np.float32(0.5) * (one[i] + sign * other[i])


@dsp
def _copy(values, out):
    for i in range(out.size):
        out[i] = values[i]


@dsp
def _mean_square(values, count):
    total = np.float32(0.0)
    for i in range(values.size):
        total += values[i] * values[i]
    return total / count


@dsp
def _mean(values):
    total = 0.0
    for i in range(values.size):
        total += values[i]
    return total / values.size


def _channels(audio, frame, parts, power):
    """Middle and side, and the mean square of their frames.

    Args:
        audio: (1 or 2, T).
        frame: samples; the last one is filled with zeros.
        parts: (1 or 2, T), made here.
        power: (1 or 2, E), made here.

    Returns:
        The magnitude of their mean values, summed.
    """
    if audio.shape[0] == 1:
        _copy(audio[0], parts[0])
    else:
        _add(audio[0], audio[1], np.float32(1.0), parts[0])
        _add(audio[0], audio[1], np.float32(-1.0), parts[1])
    dc = 0.0
    for c in range(parts.shape[0]):
        dc += abs(_mean(parts[c]))
        for e in range(power.shape[1]):
            power[c, e] = _mean_square(parts[c, e * frame : min((e + 1) * frame, parts.shape[1])], np.float32(frame))
    return dc


def _sounding(audio):
    """Of audio (1 or 2, T) the samples before the silence at its end."""
    for t in range(audio.shape[1] - 1, -1, -1):
        for c in range(audio.shape[0]):
            if audio[c, t] != 0.0:
                return t + 1
    return 0


@dsp
def _product(one, other, out):
    for i in range(out.size):
        out[i] = one[i] * other[i]


@dsp
def _silence(out):
    for i in range(out.size):
        out[i] = 0.0


def _frames(audio, shape, hop, left, out):
    """Frames (R, window) of audio (T,) times a window's shape; the first begins `left` samples before the sound."""
    for r in range(out.shape[0]):
        first = r * hop - left
        begin = min(max(-first, 0), shape.size)
        end = max(min(audio.size - first, shape.size), begin)
        _silence(out[r, :begin])
        _product(audio[first + begin : first + end], shape[begin:end], out[r, begin:end])
        _silence(out[r, end:])


@dsp
def _power(spectrum, power):
    for k in range(power.size):
        power[k] = spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1]


@dsp
def _dot(values, weights):
    total = np.float32(0.0)
    for k in range(values.size):
        total += values[k] * weights[k]
    return total


@dsp
def _sum(values):
    total = np.float32(0.0)
    for k in range(values.size):
        total += values[k]
    return total


@dsp
def _roots(power, out):
    for k in range(power.size):
        out[k] = math.sqrt(power[k])


@dsp
def _bands(power, firsts, widths, weights, out):
    for m in range(out.size):
        total = np.float32(0.0)
        for j in range(widths[m]):
            total += weights[m, j] * power[firsts[m] + j]
        out[m] = total


@dsp
def _flatness(power, products):
    """Geometric over arithmetic mean; few logarithms, each of a product of many powers."""
    lanes = power.size // _LOG_POWERS
    total, mean = 0.0, 0.0
    for k in range(lanes):
        products[k] = 1.0
    for part in range(_LOG_POWERS):
        for k in range(lanes):
            products[k] *= max(power[part * lanes + k], _FLATNESS_FLOOR)
    for k in range(lanes):
        total += math.log(products[k])
    for k in range(lanes * _LOG_POWERS, power.size):
        total += math.log(max(power[k], _FLATNESS_FLOOR))
    for k in range(power.size):
        mean += max(power[k], _FLATNESS_FLOOR)
    return math.exp(total / power.size) / (mean / power.size)


def _listen(
    spectrum, first, firsts, widths, weights, curve, hz, octaves, floor,
    power, products, bands, magnitudes, energy, centroid, flatness, centre,
):  # fmt: skip
    """What is read from spectra (R, 2 C), real and imaginary parts in turn.

    Args:
        spectrum: see above.
        first: which frame the first one is; `energy` alone is read from those before 0 and after the last.
        firsts, widths, weights: of the mel bands: (M,), (M,), (M, widest).
        curve: (C,) weights of the energy, or empty.
        hz: (C,) frequencies for the centroid, or empty, for neither centroid nor flatness.
        octaves: of the first bands, for the centre of their power, or empty.
        floor: power that is added to theirs, so that silence sits at 0.
        power, products: (C,) scratch.
        bands: (F, M) power, made here, as all that follows.
        magnitudes: (F, C); (1, C) where they are needed for the centroid alone, (0, C) where they are not.
        energy: (R,).
        centroid, flatness, centre: (F,).
    """
    for r in range(spectrum.shape[0]):
        _power(spectrum[r], power)
        if curve.size:
            energy[r] = _dot(power, curve)
        f = first + r
        if 0 <= f < bands.shape[0]:
            _bands(power, firsts, widths, weights, bands[f])
            roots = magnitudes[min(f, magnitudes.shape[0] - 1)]
            if magnitudes.shape[0]:
                _roots(power, roots)
            if hz.size:
                centroid[f] = _dot(roots, hz) / max(_sum(roots), _TINY)
                flatness[f] = _flatness(power, products)
            if octaves.size:
                main = bands[f, : octaves.size]
                centre[f] = _dot(main, octaves) / (_sum(main) + floor)


@dsp
def _add_times(values, factor, out):
    for j in range(out.size):
        out[j] += factor * values[j]


def _transform(rows, matrix, out):
    """Rows (F, M) times a matrix (M, J), row by row, into out (F, J)."""
    for f in range(rows.shape[0]):
        _silence(out[f])
        for m in range(rows.shape[1]):
            _add_times(matrix[m], rows[f, m], out[f])


@dsp
def _missed(one, other):
    total = np.float32(0.0)
    for k in range(one.size):
        total += (one[k] - other[k]) * (one[k] - other[k])
    return total


@dsp
def _gather_ratios(one, other, floor, products):
    for k in range(one.size):
        a, b = max(one[k], floor), max(other[k], floor)
        products[k] *= max(a, b) / min(a, b)


@dsp
def _sum_of_logs(products):
    total = 0.0
    for k in range(products.size):
        total += math.log(products[k])
        products[k] = 1.0
    return total


def _apart(one, other, floor, products, out):
    """How far magnitudes (F, C) lie apart: the sum of squared differences, and of absolute ones of their logarithms.

    Args:
        one, other: magnitudes.
        floor: what lies below it is as loud.
        products: (C,) float64 scratch.
        out: (2,) float64.
    """
    missed, logs = 0.0, 0.0
    for k in range(products.size):
        products[k] = 1.0
    for f in range(one.shape[0]):
        missed += _missed(one[f], other[f])
        _gather_ratios(one[f], other[f], floor, products)
        if (f + 1) % _LOG_FRAMES == 0:
            logs += _sum_of_logs(products)
    out[0] = missed
    out[1] = logs + _sum_of_logs(products)


def _types(*arguments: Any) -> tuple[Any, ...]:
    """Of arguments: a scalar type, or (kind, dimensions) of a whole array (C order) that may be written to."""
    return tuple(
        numba.types.Array(numba.from_dtype(np.dtype(one[0])), one[1], "C") if isinstance(one, tuple) else one
        for one in arguments
    )


_SINGLE, _DOUBLE, _COUNT = np.float32, np.float64, np.int64
_SIGNATURES: dict[Callable[..., Any], tuple[Any, ...]] = {
    _frames: _types((_SINGLE, 1), (_SINGLE, 1), numba.int64, numba.int64, (_SINGLE, 2)),
    _sounding: _types((_SINGLE, 2)),
    _channels: _types((_SINGLE, 2), numba.int64, (_SINGLE, 2), (_SINGLE, 2)),
    _listen: _types(
        (_SINGLE, 2), numba.int64, (_COUNT, 1), (_COUNT, 1), (_SINGLE, 2),
        (_SINGLE, 1), (_SINGLE, 1), (_SINGLE, 1), numba.float32,
        (_SINGLE, 1), (_DOUBLE, 1), (_SINGLE, 2), (_SINGLE, 2),
        (_SINGLE, 1), (_SINGLE, 1), (_SINGLE, 1), (_SINGLE, 1),
    ),
    _transform: _types((_SINGLE, 2), (_SINGLE, 2), (_SINGLE, 2)),
    _apart: _types((_SINGLE, 2), (_SINGLE, 2), numba.float32, (_DOUBLE, 1), (_DOUBLE, 1)),
}  # fmt: skip


def compile_kernel(folder: str) -> None:
    """Compile all of them into numba's cache in a folder: what `load_kernel` runs in a process of its own."""
    for function, signature in _SIGNATURES.items():
        compile_cached(function, Path(folder)).compile(signature)


@functools.cache
def _loaded(function: Callable[..., Any]) -> Any:
    return load_kernel(function, _SIGNATURES[function], compiled.source_hash([Path(__file__), Path(compiled.__file__)]))


def channels(*arguments: Any) -> float:
    """See `_channels`."""
    return _loaded(_channels)(*arguments)


def sounding(*arguments: Any) -> int:
    """See `_sounding`."""
    return _loaded(_sounding)(*arguments)


def frames(*arguments: Any) -> None:
    """See `_frames`."""
    _loaded(_frames)(*arguments)


def listen(*arguments: Any) -> None:
    """See `_listen`."""
    _loaded(_listen)(*arguments)


def transform(*arguments: Any) -> None:
    """See `_transform`."""
    _loaded(_transform)(*arguments)


def magnitudes_apart(*arguments: Any) -> None:
    """See `_apart`."""
    _loaded(_apart)(*arguments)
