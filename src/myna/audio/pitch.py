"""Which note is played: pYIN, then a finer reading of the partials, with autocorrelation to fall back on.

Shapes: T samples. Units: Hz; MIDI notes as floats, A4 = 69 = 440 Hz.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import soxr

from myna.files import alone
from myna.units import hz_to_midi

__all__ = ["contour_hz", "estimate_note_midi", "settle_note"]

MIN_HZ, MAX_HZ = 27.5, 4200.0
ANALYSIS_RATE_HZ = 22_050
FRAME, HOP = 2048, 256
MIN_VOICED_SHARE = 0.25
MIN_CORRELATION = 0.6
SETTLE_CENTS = 15.0


def settle_note(note_midi: float) -> float:
    """Return a whole semitone where the estimate is within 15 cents of one, else round to 0.01.

    A struck or plucked note starts a few cents sharp and estimates err by as much; such a note was
    played on a key. Further off it was tuned that way, and a synth that takes fractional notes can match it.

    Example:
        >>> settle_note(60.12), settle_note(60.236)
        (60.0, 60.24)
    """
    nearest = float(round(note_midi))
    return nearest if abs(note_midi - nearest) * 100.0 <= SETTLE_CENTS else round(note_midi, 2)


def estimate_note_midi(mono: np.ndarray, sample_rate: int) -> float | None:
    """Estimate the one note in a sound.

    Args:
        mono: (T,) from the onset to the release; a second is plenty.
        sample_rate: Hz.

    Returns:
        MIDI note, 21 to 108, not rounded; None if the sound has no clear pitch.
    """
    signal = soxr.resample(mono.astype(np.float64), sample_rate, ANALYSIS_RATE_HZ, quality="HQ")
    coarse_hz = _pyin_hz(signal) if signal.size >= 2 * FRAME else None
    if coarse_hz is None:
        coarse_hz = _autocorrelation_hz(signal)
    if coarse_hz is None:
        return None
    return float(hz_to_midi(_refine_hz(signal, coarse_hz)))


def contour_hz(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pitch (F,) of a signal (T,) at `ANALYSIS_RATE_HZ` by pYIN, every `HOP` samples, and which frames have one."""
    _compile_tracker()
    return _tracked(signal)


@functools.cache
def _compile_tracker() -> None:
    """Have librosa compile what it keeps in a cache, some seconds the first time.

    Processes that each do so for the first time at once can spoil that cache for good: whoever then reads it crashes.
    """
    with alone("pitch-tracker"):
        _tracked(np.sin(np.arange(FRAME) * 0.1))


def _tracked(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import librosa  # slow to import, and only needed here

    f0_hz, voiced, _ = librosa.pyin(
        signal, fmin=MIN_HZ, fmax=MAX_HZ, sr=ANALYSIS_RATE_HZ, frame_length=FRAME, hop_length=HOP
    )
    return f0_hz, voiced


def _pyin_hz(signal: np.ndarray) -> float | None:
    """Return pYIN's median over the voiced frames, or None if too few are voiced."""
    f0_hz, voiced = contour_hz(signal)
    voiced &= np.isfinite(f0_hz)
    if voiced.mean() < MIN_VOICED_SHARE:
        return None
    return float(np.median(f0_hz[voiced]))


def _autocorrelation_hz(signal: np.ndarray) -> float | None:
    """Return the strongest normalised autocorrelation peak's frequency, or None if all are weak.

    For sounds too short or too rough for pYIN. Of peaks nearly as high as the best the shortest lag
    wins, or every multiple of the period would do.
    """
    size = signal.size
    low = int(ANALYSIS_RATE_HZ / MAX_HZ)
    high = min(math.ceil(ANALYSIS_RATE_HZ / MIN_HZ), size * 2 // 3)
    if high <= low + 2 or not np.any(signal):
        return None
    signal = signal - signal.mean()
    spectrum = np.abs(np.fft.rfft(signal, 2 * size)) ** 2
    products = np.fft.irfft(spectrum)[: high + 2]
    energy = np.concatenate([[0.0], np.cumsum(signal**2)])
    lags = np.arange(high + 2)
    scale = np.sqrt(energy[size - lags] * (energy[size] - energy[lags]))
    correlation = products / np.maximum(scale, 1e-12)
    inner = correlation[low + 1 : high + 1]
    is_peak = (inner >= correlation[low:high]) & (inner > correlation[low + 2 : high + 2])
    peaks = np.flatnonzero(is_peak & (inner > MIN_CORRELATION)) + low + 1
    if peaks.size == 0:
        return None
    lag = peaks[correlation[peaks] >= 0.95 * correlation[peaks].max()][0]
    return ANALYSIS_RATE_HZ / float(lag)


def _refine_hz(signal: np.ndarray, coarse_hz: float) -> float:
    """Sharpen an estimate by the loudest of the first four partials, each read off one long spectrum.

    pYIN's grid is 10 cents; a parabola through a spectral peak of a second of sound errs by well under
    one. A partial further than 40 cents from its place is somebody else's.
    """
    size = 4 * 2 ** math.ceil(math.log2(max(signal.size, FRAME)))
    bin_hz = ANALYSIS_RATE_HZ / size
    magnitude = np.abs(np.fft.rfft(signal * np.hanning(signal.size), size))
    coarse_hz *= _skipped_partials(magnitude, coarse_hz, bin_hz)
    found = [_partial(magnitude, coarse_hz, k, bin_hz) for k in range(1, 5)]
    found = [pair for pair in found if pair is not None]
    return max(found)[1] if found else coarse_hz


def _skipped_partials(magnitude: np.ndarray, coarse_hz: float, bin_hz: float) -> int:
    """Return m if only every m-th partial sounds, so that the note is m times higher; else 1.

    Above 2 kHz a period is under ten samples and a multiple of it often fits the grid better.
    """
    ranges = [_partial_range(coarse_hz, k, bin_hz) for k in range(1, 17)]
    power = np.array([magnitude[low:high].max(initial=0.0) ** 2 for low, high in ranges])
    for m in (5, 4, 3, 2):
        if power[m - 1 :: m].sum() > 0.999 * power.sum() and m * coarse_hz <= 1.03 * MAX_HZ:
            return m
    return 1


def _partial_range(coarse_hz: float, k: int, bin_hz: float) -> tuple[int, int]:
    """Return the bins within 40 cents of partial k, first and past-the-end."""
    width = 2.0 ** (40.0 / 1200.0)
    return int(k * coarse_hz / width / bin_hz), math.ceil(k * coarse_hz * width / bin_hz) + 1


def _partial(magnitude: np.ndarray, coarse_hz: float, k: int, bin_hz: float) -> tuple[float, float] | None:
    """Return (magnitude, frequency / k) of partial k, or None if there is no peak near its place."""
    low, high = _partial_range(coarse_hz, k, bin_hz)
    if low < 1 or high >= magnitude.size:
        return None
    peak = low + int(np.argmax(magnitude[low:high]))
    if peak in (low, high - 1):
        return None
    left, middle, right = np.log(np.maximum(magnitude[peak - 1 : peak + 2], 1e-300))
    offset = 0.5 * (left - right) / min(left - 2.0 * middle + right, -1e-12)
    return float(magnitude[peak]), (peak + float(np.clip(offset, -0.5, 0.5))) * bin_hz / k
