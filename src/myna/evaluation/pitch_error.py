"""How far the pitch of one sound is off another's, frame by frame (pYIN, Mauch & Dixon 2014).

Shapes: C channels, T samples, F frames. Units: cents (100 to a semitone), Hz.
"""

from __future__ import annotations

import numpy as np
import soxr

from myna.audio.pitch import ANALYSIS_RATE_HZ, FRAME, HOP, MAX_HZ, MIN_HZ, contour_hz
from myna.evaluation.pairs import lengthened, middle, pair, silent

__all__ = ["UNHEARD_CENTS", "f0_contour_hz", "f0_error"]

UNHEARD_CENTS = float(1200 * np.log2(MAX_HZ / MIN_HZ))
"""What a pitch costs that only one side has: the whole range that is searched, 27.5 to 4,200 Hz."""


def f0_error(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Compare two pitch contours; slow, as long as both sounds last together.

    Args:
        audio: (C, T) or (T,); the middle counts.
        target: of the same shape.
        sample_rate: Hz.

    Returns:
        `f0_error_cents`: mean absolute difference over the frames that both sides voice. Where there are none it is
        0 if neither side voices a frame, as two sounds without pitch agree, and else `UNHEARD_CENTS`.
        `voicing_error`: share of all frames that one side alone voices, 0 to 1.

    Raises:
        UsageError: of different shapes, or not finite.
    """
    a, b = (f0_contour_hz(middle(side), sample_rate) for side in pair(audio, target))
    voiced = np.isfinite(a), np.isfinite(b)
    both = voiced[0] & voiced[1]
    if both.any():
        error_cents = float(np.mean(np.abs(1200 * np.log2(a[both] / b[both]))))
    else:
        error_cents = UNHEARD_CENTS if (voiced[0] | voiced[1]).any() else 0.0
    return {"f0_error_cents": error_cents, "voicing_error": float(np.mean(voiced[0] != voiced[1]))}


def f0_contour_hz(mono: np.ndarray, sample_rate: int) -> np.ndarray:
    """Pitch every 256 samples at 22.05 kHz, (F,); NaN where a frame has none, as everywhere in silence.

    Args:
        mono: (T,).
        sample_rate: Hz.
    """
    signal = soxr.resample(mono.astype(np.float64), sample_rate, ANALYSIS_RATE_HZ, quality="HQ")
    signal = lengthened(signal[None], FRAME)[0]
    if silent(signal):
        return np.full(1 + len(signal) // HOP, np.nan)
    f0_hz, voiced = contour_hz(signal)
    return np.where(voiced, f0_hz, np.nan)
