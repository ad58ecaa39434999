"""Two sounds to compare, checked once: what every metric begins with.

Shapes: C channels, T samples.
"""

from __future__ import annotations

import numpy as np

from myna.audio.files import SILENCE_PEAK
from myna.errors import UsageError

__all__ = ["either_silent", "lengthened", "middle", "pair", "silent", "sound"]


def sound(audio: np.ndarray, shortest: int = 1) -> np.ndarray:
    """One sound as float32 (C, T), zeros added at the end up to `shortest` samples.

    Args:
        audio: (C, T) or (T,).
        shortest: samples that the metric's longest window takes.

    Raises:
        UsageError: of another shape, without samples, or not finite.
    """
    samples = np.atleast_2d(np.asarray(audio, np.float32))
    if samples.ndim != 2 or samples.size == 0:
        raise UsageError(f"Metrics take sounds of shape (channels, samples); got {np.shape(audio)}.")
    if not np.isfinite(samples).all():
        raise UsageError("Metrics take finite sounds; this one holds NaN or infinity.")
    return lengthened(samples, shortest)


def pair(audio: np.ndarray, target: np.ndarray, shortest: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two sounds of one shape, each as `sound` gives it.

    Raises:
        UsageError: of different shapes, and as `sound`.
    """
    if np.shape(audio) != np.shape(target):
        raise UsageError(f"Metrics compare sounds of one shape; got {np.shape(audio)} and {np.shape(target)}.")
    return sound(audio, shortest), sound(target, shortest)


def lengthened(audio: np.ndarray, shortest: int) -> np.ndarray:
    """Zeros at the end of (C, T) where it is shorter."""
    return np.pad(audio, ((0, 0), (0, max(0, shortest - audio.shape[-1]))))


def middle(audio: np.ndarray) -> np.ndarray:
    """The mean of the channels, (T,)."""
    return audio.mean(axis=0)


def silent(audio: np.ndarray) -> bool:
    """Whether the peak is under -80 dBFS, as at the audio door."""
    return float(np.abs(audio).max(initial=0.0)) < SILENCE_PEAK


def either_silent(a: np.ndarray, b: np.ndarray, equal: float, worst: float) -> float | None:
    """The rule for silence: two silent sounds are equal, one alone is the worst match; None where both sound."""
    quiet = silent(a), silent(b)
    return equal if all(quiet) else worst if any(quiet) else None
