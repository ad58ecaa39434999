"""The field's metrics as Hayes et al. 2025 define them (arXiv 2506.07199); nothing is tuned on them.

Shapes: C channels, T samples; 44.1 kHz for values that compare with published ones. Lower is better, but for
`rms_cosine`.
`mss`, `sot` and `rms_cosine` ignore level, so `level_error_db` stands beside them. Where one side is silent these three
have no defined value and take the worst that the definition allows (`SILENT`); two silent sides are equal.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["SILENT", "level_error_db", "metrics", "mss", "rms_cosine", "sot", "wmfcc"]

SILENT = {"mss": 80.0, "sot": 1.0, "rms_cosine": 0.0}
_EQUAL = {"mss": 0.0, "sot": 0.0, "rms_cosine": 1.0}
_MSS = ((0.010, 0.005, 32), (0.025, 0.010, 64), (0.100, 0.050, 128))
_LONGEST_WINDOW_S = 0.1
_FLOOR_DB = -120.0


def metrics(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> dict[str, float]:
    """All of them for two sounds (C, T) of one length; every value is finite."""
    a, b = (_long_enough(np.asarray(x, np.float32), sample_rate) for x in (audio, target))
    silent = [not x.any() for x in (a, b)]
    if any(silent):
        values = dict(_EQUAL if all(silent) else SILENT)
    else:
        values = {
            "mss": mss(a, b, sample_rate),
            "sot": sot(a, b, sample_rate),
            "rms_cosine": rms_cosine(a, b, sample_rate),
        }
    values["wmfcc"] = wmfcc(a, b, sample_rate)
    values["level_error_db"] = level_error_db(audio, target)
    return {name: values[name] for name in ("mss", "wmfcc", "sot", "rms_cosine", "level_error_db")}


def _long_enough(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Zeros at the end of a sound that is shorter than the longest window."""
    missing = max(0, int(_LONGEST_WINDOW_S * sample_rate) - audio.shape[-1])
    return np.pad(audio, [(0, 0)] * (audio.ndim - 1) + [(0, missing)])


def _mono(audio: np.ndarray) -> np.ndarray:
    return audio.mean(axis=0) if audio.ndim == 2 else audio


def mss(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Multi-scale spectral distance in dB: mean absolute difference of log-mel, over three scales.

    Each side is taken relative to its own maximum and cut 80 dB under it.

    Args:
        audio: (C, T) or (T,), at least 100 ms and not silent.
        target: of the same shape.
        sample_rate: Hz.
    """
    sides = (_log_mels(_mono(audio), sample_rate), _log_mels(_mono(target), sample_rate))
    return float(np.mean([np.mean(np.abs(a - b)) for a, b in zip(*sides, strict=True)]))


def _log_mels(mono: np.ndarray, sample_rate: int) -> Iterator[np.ndarray]:
    import librosa

    for window_s, hop_s, bands in _MSS:
        window, hop = int(window_s * sample_rate), int(hop_s * sample_rate)
        mel = librosa.feature.melspectrogram(
            y=mono, sr=sample_rate, n_fft=window, hop_length=hop, n_mels=bands, window="hann", power=2.0
        )
        yield librosa.power_to_db(mel, ref=np.max)


def wmfcc(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Warped MFCC distance: mean absolute difference of 20 coefficients along the best path, over N + M frames.

    The path is that of dynamic time warping with diagonal steps counted twice (symmetric2, Sakoe & Chiba 1978).

    Args:
        audio: (C, T), at least 50 ms; channels are stacked.
        target: (C, any T).
        sample_rate: Hz.
    """
    import librosa

    a, b = _mfcc(np.atleast_2d(audio), sample_rate), _mfcc(np.atleast_2d(target), sample_rate)
    cost = np.mean(np.abs(a[:, :, None] - b[:, None]), axis=0)
    total = librosa.sequence.dtw(C=cost, weights_mul=np.array([2.0, 1.0, 1.0]), backtrack=False)
    return float(total[-1, -1] / sum(cost.shape))


def _mfcc(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """(C * 20, frames)."""
    import librosa

    mfcc = librosa.feature.mfcc(
        y=audio,
        sr=sample_rate,
        n_mfcc=20,
        n_fft=int(0.05 * sample_rate),
        hop_length=int(0.01 * sample_rate),
        n_mels=128,
    )
    return mfcc.reshape(-1, mfcc.shape[-1])


def sot(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Spectral optimal transport: 1-Wasserstein between magnitude frames of sum 1 on linear frequency in [0, 1].

    Args:
        audio: (C, T) or (T,), at least 50 ms and not silent.
        target: of the same shape.
        sample_rate: Hz.
    """
    a, b = _cumulated(_mono(audio), sample_rate), _cumulated(_mono(target), sample_rate)
    return float(np.mean(np.sum(np.abs(a - b), axis=0) / a.shape[0]))


def _cumulated(mono: np.ndarray, sample_rate: int) -> np.ndarray:
    import librosa

    window, hop = int(0.05 * sample_rate), int(0.02 * sample_rate)
    magnitude = np.abs(librosa.stft(mono, n_fft=window, hop_length=hop, win_length=window))
    return np.cumsum(magnitude / np.maximum(magnitude.sum(axis=0, keepdims=True), 1e-6), axis=0)


def rms_cosine(audio: np.ndarray, target: np.ndarray, sample_rate: int) -> float:
    """Cosine of the RMS envelopes, frames of 50 ms every 25 ms: 1 is the same shape, whatever the level.

    Args:
        audio: (C, T) or (T,), not silent.
        target: of the same shape.
        sample_rate: Hz.
    """
    import librosa

    size, hop = int(0.05 * sample_rate), int(0.025 * sample_rate)
    a, b = (librosa.feature.rms(y=_mono(x), frame_length=size, hop_length=hop)[0] for x in (audio, target))
    return float(np.dot(a, b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-20))


def level_error_db(audio: np.ndarray, target: np.ndarray) -> float:
    """RMS level of the audio minus the target's, in dB, each at least -120 dBFS."""
    smallest = 10.0 ** (_FLOOR_DB / 10)
    powers = [float(np.mean(np.square(x, dtype=np.float64))) for x in (audio, target)]
    return float(10 * np.log10(max(powers[0], smallest) / max(powers[1], smallest)))
