"""The metrics and the reward of SynthRL (Shin & Lee, IJCAI 2025), written from their definitions.

Shapes: C channels, T samples, F frames. At 22.05 kHz: other rates are resampled (soxr; the authors resample by FFT).
The prediction is divided by its peak, the target keeps its level, so these ignore how loud the prediction is. STFT and
mel are librosa's with a periodic Hann window of 1024, hop 256 and reflected edges, which is what the authors use.

Silence needs no rule of ours: magnitudes are at least 1e-4, so every value is finite. Beware that a silent
prediction has a spectral convergence of about 1, which many a wrong sound exceeds.
"""

from __future__ import annotations

import numpy as np
import soxr

from myna.evaluation.pairs import lengthened, middle, pair

__all__ = ["SAMPLE_RATE", "synthrl", "synthrl_reward"]

SAMPLE_RATE = 22_050
_WINDOW, _HOP = 1024, 256
_SMALLEST = 1e-4
_WORST_CONVERGENCE = 5.0
_PEAK_GUARD = 1e-5


def synthrl(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Compare a prediction with its target.

    Args:
        audio: the prediction, (C, T) or (T,); the middle counts.
        target: of the same shape, best at a peak of 1 as SynthRL stores its targets.
        sample_rate: Hz.

    Returns:
        `spectral_convergence` (Frobenius norm of the difference of magnitudes over the target's, 0 to 5),
        `log_magnitude_mae` (of log10), `mfcc13_mae` and `mfcc40_mae`; lower is better.

    Raises:
        UsageError: of different shapes, or not finite.
    """
    a, b = (_resampled(side, sample_rate) for side in pair(audio, target))
    a = a / max(np.abs(a + np.float32(_PEAK_GUARD)).max(), 1e-12)
    wave = np.maximum(_magnitude(a), _SMALLEST), np.maximum(_magnitude(b), _SMALLEST)
    convergence = float(np.linalg.norm(wave[0] - wave[1]) / np.linalg.norm(wave[1]))
    cepstra = np.abs(_mfcc(a) - _mfcc(b))
    return {
        "spectral_convergence": min(convergence, _WORST_CONVERGENCE),
        "log_magnitude_mae": float(np.mean(np.abs(np.log10(wave[0]) - np.log10(wave[1])))),
        "mfcc13_mae": float(cepstra[:13].mean()),
        "mfcc40_mae": float(cepstra.mean()),
    }


def synthrl_reward(values: dict[str, float]) -> float:
    """SynthRL's reward for values of `synthrl`, 0.2 to 10, higher is better.

    >>> synthrl_reward({"spectral_convergence": 0.0, "log_magnitude_mae": 0.0, "mfcc13_mae": 0.0})
    10.0
    """
    cost = 0.70 * values["spectral_convergence"] + 0.27 * values["log_magnitude_mae"] + 0.03 * values["mfcc13_mae"]
    return 1.0 / min(max(cost, 0.1), 5.0)


def _resampled(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    mono = middle(audio)
    if sample_rate != SAMPLE_RATE:
        mono = soxr.resample(mono, sample_rate, SAMPLE_RATE, quality="VHQ")
    # Reflected edges take half a window of sound.
    return lengthened(mono[None], _WINDOW)[0]


def _magnitude(mono: np.ndarray) -> np.ndarray:
    """(bins, F)."""
    import librosa

    return np.abs(librosa.stft(mono, n_fft=_WINDOW, hop_length=_HOP, pad_mode="reflect"))


def _mfcc(mono: np.ndarray) -> np.ndarray:
    """(40, F): of 128 mel bands, in dB at least 80 under the loudest."""
    import librosa

    return librosa.feature.mfcc(
        y=mono, sr=SAMPLE_RATE, n_mfcc=40, n_fft=_WINDOW, hop_length=_HOP, n_mels=128, pad_mode="reflect"
    )
