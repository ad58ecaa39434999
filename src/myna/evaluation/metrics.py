"""The door to the field's metrics; nothing is tuned on them, and the loss shares no code with them.

Shapes: C channels, T samples. Families: `hayes` (arXiv 2506.07199), `level`, `lsd`, `synthrl` (IJCAI 2025) and `f0`.
Lower is better but for `rms_cosine`; every value is finite, each family has its rule for silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from myna.errors import UsageError, printable
from myna.evaluation.hayes import SILENT, hayes, mss, rms_cosine, sot, wmfcc
from myna.evaluation.pairs import middle, pair
from myna.evaluation.pitch_error import UNHEARD_CENTS, f0_error
from myna.evaluation.synthrl import synthrl, synthrl_reward

__all__ = [
    "DEFAULT",
    "FAMILIES",
    "SILENT",
    "UNHEARD_CENTS",
    "f0_error",
    "level_error_db",
    "lsd",
    "metrics",
    "mss",
    "rms_cosine",
    "sot",
    "synthrl",
    "synthrl_reward",
    "wmfcc",
]

_FLOOR_DB = -120.0
_LSD_WINDOW_S, _LSD_FLOOR_DB = 2048 / 44_100, -80.0


def metrics(
    audio: np.ndarray, target: np.ndarray, sample_rate: int, families: Iterable[str] | None = None
) -> dict[str, float]:
    """Measure how far a sound is from its target.

    Args:
        audio: (C, T) or (T,).
        target: of the same shape.
        sample_rate: Hz.
        families: names from `FAMILIES`; `DEFAULT` if absent, which leaves out the slow one, `f0`.

    Returns:
        Metric → value, finite.

    Raises:
        UsageError: an unknown family, sounds of different shapes, or not finite.
    """
    names = DEFAULT if families is None else tuple(families)
    for name in names:
        if name not in FAMILIES:
            raise UsageError(f"There is no family of metrics '{printable(name)}'; choose from {', '.join(FAMILIES)}.")
    return {key: value for name in names for key, value in FAMILIES[name](audio, target, sample_rate).items()}


def level_error_db(audio: np.ndarray, target: np.ndarray) -> float:
    """RMS level of the audio minus the target's, in dB, each at least -120 dBFS; so silence is -120 dBFS.

    Args:
        audio: (C, T) or (T,); all channels count.
        target: of the same shape.

    Raises:
        UsageError: of different shapes, or not finite.
    """
    smallest = 10.0 ** (_FLOOR_DB / 10)
    powers = [float(np.mean(np.square(side, dtype=np.float64))) for side in pair(audio, target)]
    return float(10 * np.log10(max(powers[0], smallest) / max(powers[1], smallest)))


def lsd(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Log-spectral distance in dB, from 0 to about 80: RMS over bins of the dB difference, mean over frames.

    After Gray & Markel 1976. Hann window of 46 ms (2048 at 44.1 kHz), a quarter of it as hop. A full-scale sine is
    0 dB; all under -80 dB counts as -80, so that silence has a value and the noise floor of a file does not decide.

    Args:
        audio: (C, T) or (T,); the middle counts.
        target: of the same shape.
        sample_rate: Hz.

    Raises:
        UsageError: of different shapes, or not finite.
    """
    import librosa

    window = 2 * round(_LSD_WINDOW_S * sample_rate / 2)
    levels = []
    for side in pair(audio, target, window):
        magnitude = np.abs(librosa.stft(middle(side), n_fft=window, hop_length=window // 4)) * (4 / window)
        levels.append(20 * np.log10(np.maximum(magnitude, 10 ** (_LSD_FLOOR_DB / 20))))
    return float(np.mean(np.sqrt(np.mean((levels[0] - levels[1]) ** 2, axis=0))))


Family = Callable[[np.ndarray, np.ndarray, int], dict[str, float]]

FAMILIES: dict[str, Family] = {
    "hayes": hayes,
    "level": lambda audio, target, sample_rate: {"level_error_db": level_error_db(audio, target)},
    "lsd": lambda audio, target, sample_rate: {"lsd": lsd(audio, target, sample_rate)},
    "synthrl": synthrl,
    "f0": f0_error,
}
"""A new family is one function and one line here."""
DEFAULT = ("hayes", "level")
"""What a match reports."""
