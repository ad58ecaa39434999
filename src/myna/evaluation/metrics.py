"""The field's metrics, as Hayes et al. 2025 define them (arXiv 2506.07199), apart from the loss so that nothing is tuned on them.

Shapes: C channels, T samples; 44.1 kHz for comparable values. Lower is better but for `rms_cosine`. The first three ignore level.
A silent side has no defined value: the metric is then the worst that the definition allows (`SILENT`).
"""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["level_error_db", "metrics", "mss", "rms_cosine", "sot", "wmfcc"]

SILENT = {"mss": 80.0, "wmfcc": float("nan"), "sot": 1.0, "rms_cosine": 0.0}
_MSS = ((0.010, 0.005, 32), (0.025, 0.010, 64), (0.100, 0.050, 128))


def metrics(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> dict[str, float]:
    """All of them for two sounds (C, T) of one length; NaN becomes the rule for silence."""
    a, b = np.asarray(audio, np.float32), np.asarray(target, np.float32)
    values = {"level_error_db": level_error_db(a, b)}
    if not a.any() or not b.any():
        return {
            **{k: v for k, v in SILENT.items() if k != "wmfcc"},
            "wmfcc": wmfcc(a, b, sample_rate),
            **values,
        }
    return {
        "mss": mss(a, b, sample_rate),
        "wmfcc": wmfcc(a, b, sample_rate),
        "sot": sot(a, b, sample_rate),
        "rms_cosine": rms_cosine(a, b, sample_rate),
        **values,
    }


def _mono(audio: np.ndarray) -> np.ndarray:
    return audio.mean(axis=0) if audio.ndim == 2 else audio


def mss(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Mean over three scales of the mean absolute dB difference of log-mel, each side relative to its own maximum."""
    import librosa

    def log_mel(x: np.ndarray, window_s: float, hop_s: float, bands: int) -> np.ndarray:
        window, hop = int(window_s * sample_rate), int(hop_s * sample_rate)
        mel = librosa.feature.melspectrogram(
            y=x, sr=sample_rate, n_fft=window, hop_length=hop, n_mels=bands, window="hann", power=2.0
        )
        return librosa.power_to_db(mel, ref=np.max)

    a, b = _mono(audio), _mono(target)
    return float(np.mean([np.mean(np.abs(log_mel(a, *scale) - log_mel(b, *scale))) for scale in _MSS]))


def wmfcc(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Dynamic time warping over 20 MFCC, mean absolute difference per frame pair, symmetric2, over N + M."""
    import librosa

    def coefficients(x: np.ndarray) -> np.ndarray:
        mfcc = librosa.feature.mfcc(
            y=x,
            sr=sample_rate,
            n_mfcc=20,
            n_fft=int(0.05 * sample_rate),
            hop_length=int(0.01 * sample_rate),
            n_mels=128,
        )
        return mfcc.reshape(-1, mfcc.shape[-1]).T

    a, b = coefficients(np.atleast_2d(audio)), coefficients(np.atleast_2d(target))
    cost = np.mean(np.abs(a[:, None] - b[None]), axis=2)
    return float(_warp(cost.astype(np.float64)) / (len(a) + len(b)))


@numba.njit
def _warp(cost: np.ndarray) -> float:
    """Least cumulated cost with steps (1,1) weighing twice, (1,0) and (0,1) once (Sakoe & Chiba 1978, symmetric2)."""
    n, m = cost.shape
    total = np.full((n, m), np.inf)
    total[0, 0] = cost[0, 0]
    for i in range(n):
        for j in range(m):
            if i > 0:
                total[i, j] = min(total[i, j], total[i - 1, j] + cost[i, j])
            if j > 0:
                total[i, j] = min(total[i, j], total[i, j - 1] + cost[i, j])
            if i > 0 and j > 0:
                total[i, j] = min(total[i, j], total[i - 1, j - 1] + 2.0 * cost[i, j])
    return total[n - 1, m - 1]


def sot(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Spectral optimal transport: 1-Wasserstein between normalised magnitude frames on linear frequency in [0, 1]."""
    import librosa

    def share(x: np.ndarray) -> np.ndarray:
        window, hop = int(0.05 * sample_rate), int(0.02 * sample_rate)
        magnitude = np.abs(librosa.stft(x, n_fft=window, hop_length=hop, win_length=window))
        return np.cumsum(magnitude / np.maximum(magnitude.sum(axis=0, keepdims=True), 1e-6), axis=0)

    a, b = share(_mono(audio)), share(_mono(target))
    return float(np.mean(np.sum(np.abs(a - b), axis=0) / a.shape[0]))


def rms_cosine(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Cosine of the RMS envelopes, frames of 50 ms every 25 ms; higher is better."""
    import librosa

    size, hop = int(0.05 * sample_rate), int(0.025 * sample_rate)
    a, b = (librosa.feature.rms(y=_mono(x), frame_length=size, hop_length=hop)[0] for x in (audio, target))
    return float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))


def level_error_db(audio: np.ndarray, target: np.ndarray) -> float:
    """RMS level of the audio minus the target's, in dB, each at least -120 dBFS."""
    a, b = (10 * np.log10(np.mean(np.square(x, dtype=np.float64)) + 1e-12) for x in (audio, target))
    return float(a - b)
