"""The four metrics of Hayes, Saitis and Fazekas 2025 (arXiv 2506.07199), as the authors' code computes them.

Shapes: C channels, T samples, F frames. At 44.1 kHz values compare with published ones; other rates keep the times.
Three of the four ignore level. Silence (a peak under -80 dBFS in what the metric hears) gives NaN or nonsense there;
here two silent sounds are equal and one alone is the worst that the definition allows (`SILENT`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from myna.errors import UsageError
from myna.evaluation.pairs import either_silent, middle, pair, sound

__all__ = ["SILENT", "hayes", "mss", "rms_cosine", "sot", "wmfcc"]

SILENT = {"mss": 80.0, "sot": 1.0, "rms_cosine": 0.0}
"""What a match of sound with silence scores; `wmfcc` needs no rule."""
_MSS = ((0.010, 0.005, 32), (0.025, 0.010, 64), (0.100, 0.050, 128))
_FRAME_S = 0.05


def hayes(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> dict[str, float]:
    """All four; see each."""
    return {
        "mss": mss(audio, target, sample_rate),
        "wmfcc": wmfcc(audio, target, sample_rate),
        "sot": sot(audio, target, sample_rate),
        "rms_cosine": rms_cosine(audio, target, sample_rate),
    }


def mss(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Multi-scale spectral distance in dB, 0 to 80: mean absolute difference of log-mel, over three scales.

    Each side is taken relative to its own maximum over all channels and cut 80 dB under it.

    Args:
        audio: (C, T) or (T,).
        target: of the same shape.
        sample_rate: Hz.

    Raises:
        UsageError: of different shapes, or not finite; likewise for the others.
    """
    a, b = pair(audio, target, int(_MSS[-1][0] * sample_rate))
    known = either_silent(a, b, 0.0, SILENT["mss"])
    if known is not None:
        return known
    sides = _log_mels(a, sample_rate), _log_mels(b, sample_rate)
    return float(np.mean([np.mean(np.abs(x - y)) for x, y in zip(*sides, strict=True)]))


def _log_mels(audio: np.ndarray, sample_rate: int) -> Iterator[np.ndarray]:
    """(C, M, F) for each scale."""
    import librosa

    for window_s, hop_s, bands in _MSS:
        window, hop = int(window_s * sample_rate), int(hop_s * sample_rate)
        mel = librosa.feature.melspectrogram(
            y=audio, sr=sample_rate, n_fft=window, hop_length=hop, n_mels=bands, window="hann", power=2.0
        )
        yield librosa.power_to_db(mel, ref=np.max)


def wmfcc(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Warped MFCC distance: mean absolute difference of 20 coefficients along the best path, over N + M frames.

    The path is that of dynamic time warping with diagonal steps counted twice (symmetric2, Sakoe & Chiba 1978).
    Hears level, in the first coefficient. Silence is -100 dB in every band.

    Args:
        audio: (C, T) or (T,); channels are stacked.
        target: likewise, of any length.
        sample_rate: Hz.
    """
    import librosa

    if np.shape(audio)[:-1] != np.shape(target)[:-1]:
        raise UsageError(f"wMFCC takes sounds of as many channels; got {np.shape(audio)} and {np.shape(target)}.")
    a, b = _mfcc(audio, sample_rate), _mfcc(target, sample_rate)
    cost = np.mean(np.abs(a[:, :, None] - b[:, None]), axis=0)
    total = librosa.sequence.dtw(C=cost, weights_mul=np.array([2.0, 1.0, 1.0]), backtrack=False)
    return float(total[-1, -1] / sum(cost.shape))


def _mfcc(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """(C * 20, F)."""
    import librosa

    window = int(_FRAME_S * sample_rate)
    hop = int(0.01 * sample_rate)
    mfcc = librosa.feature.mfcc(
        y=sound(audio, window), sr=sample_rate, n_mfcc=20, n_fft=window, hop_length=hop, n_mels=128
    )
    return mfcc.reshape(-1, mfcc.shape[-1])


def sot(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Spectral optimal transport, 0 to 1: 1-Wasserstein between magnitude frames of sum 1 on linear frequency.

    Args:
        audio: (C, T) or (T,); the middle counts.
        target: of the same shape.
        sample_rate: Hz; half of it is 1.
    """
    a, b = (middle(side) for side in pair(audio, target, int(_FRAME_S * sample_rate)))
    known = either_silent(a, b, 0.0, SILENT["sot"])
    if known is not None:
        return known
    a, b = _cumulated(a, sample_rate), _cumulated(b, sample_rate)
    return float(np.mean(np.sum(np.abs(a - b), axis=0) / a.shape[0]))


def _cumulated(mono: np.ndarray, sample_rate: int) -> np.ndarray:
    """(bins, F)."""
    import librosa

    window, hop = int(_FRAME_S * sample_rate), int(0.02 * sample_rate)
    magnitude = np.abs(librosa.stft(mono, n_fft=window, hop_length=hop, win_length=window))
    return np.cumsum(magnitude / np.maximum(magnitude.sum(axis=0, keepdims=True), 1e-6), axis=0)


def rms_cosine(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Cosine of the RMS envelopes, 0 to 1, frames of 50 ms every 25 ms: 1 is the same shape, whatever the level.

    Args:
        audio: (C, T) or (T,); the middle counts.
        target: of the same shape.
        sample_rate: Hz.
    """
    import librosa

    a, b = (middle(side) for side in pair(audio, target, int(_FRAME_S * sample_rate)))
    known = either_silent(a, b, 1.0, SILENT["rms_cosine"])
    if known is not None:
        return known
    size, hop = int(_FRAME_S * sample_rate), int(0.025 * sample_rate)
    a, b = (librosa.feature.rms(y=x, frame_length=size, hop_length=hop)[0] for x in (a, b))
    return float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))
