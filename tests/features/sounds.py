"""Sounds that the tests of features share, and what they are compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch

from myna.features import FeatureConfig, Features

RATE = 44_100
RECORDINGS = sorted((Path(__file__).parents[2] / "examples" / "targets").glob("*.flac"))
SMALL = FeatureConfig(windows=(512, 128), mels=((512, 32), (128, 16)), mfcc=12, magnitudes=True)


def recording(path: Path, seconds: float | None = None) -> np.ndarray:
    """(C, T) float32 at 44.1 kHz, at most so long."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == RATE
    return samples[: None if seconds is None else round(seconds * rate)].T.copy()


def sine(hz: float, rms: float = 0.1, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    """(1, 1, T)."""
    t = np.arange(round(seconds * rate)) / rate
    return (np.sqrt(2) * rms * np.sin(2 * np.pi * hz * t)).astype(np.float32)[None, None]


def noise(count: int, channels: int = 2, samples: int = 20_011, seed: int = 1) -> np.ndarray:
    """(B, C, T) with an RMS of 0.1."""
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal((count, channels, samples))).astype(np.float32)


def synthetic() -> dict[str, np.ndarray]:
    """Half-second mono sounds (T,) by name."""
    t = np.arange(RATE // 2) / RATE
    return {
        "sine": sine(440.0)[0, 0],
        "noise": noise(1, 1, RATE // 2)[0, 0],
        "sweep": (0.5 * np.sin(2 * np.pi * (100 * t + 8000 * t**2))).astype(np.float32),
        "impulse": np.eye(1, RATE // 2, 9_000, dtype=np.float32)[0],
        "saw": (0.3 * (2 * (110 * t % 1) - 1)).astype(np.float32),
    }


def same_bits(a: Features, b: Features) -> bool:
    """Whether both hold the same, bit by bit."""
    x, y = a.tensors(), b.tensors()
    return x.keys() == y.keys() and all(torch.equal(x[name], y[name]) for name in x)
