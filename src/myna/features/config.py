"""What `analyse` measures: frozen configs, the two that have names, and how windows follow the sample rate."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

from scipy.fft import next_fast_len

from myna.errors import UsageError

__all__ = ["CONFIGS", "FLOOR_DB", "FULL", "TRAINING", "FeatureConfig", "frame_sizes"]

FLOOR_DB = -80.0
_REFERENCE_RATE = 44100
_SLOWEST_RATE, _FASTEST_RATE = 2_000, 768_000


@dataclass(frozen=True)
class FeatureConfig:
    """Which features, at which resolution.

    Attributes:
        windows: STFT windows in samples at 44.1 kHz (other rates scale the time); the first is the main one, which
            MFCC, centroid, flatness and loudness are read from.
        overlap: main windows that cover one sample, at least 3: the hop is window / overlap.
        detail_overlap: the same of the other windows, at least 2; None for `overlap`.
        mels: (window, bands) of each log-mel; the first is on the main window, and all windows are among `windows`.
        mfcc: coefficients kept.
        descriptors: "bins" reads centroid_hz and flatness from the bins of the main window, as librosa does; "bands"
            from its mel bands, which is faster and only roughly the same.
        magnitudes: keep the linear magnitudes of every window (the MR-STFT term needs them).
        envelope_s: length of an envelope's frame in seconds.
        momentary_steps: momentary blocks (400 ms each) that begin in 100 ms; 1 is the standard's.
        channels: "sum" listens to the middle of the channels, and to the side's envelope and loudness; "each" keeps the
            channels apart, as so many mono sounds.
        floor_db: no level is lower, in dBFS.
    """

    windows: tuple[int, ...] = (2048, 1024, 256)
    overlap: int = 4
    detail_overlap: int | None = None
    mels: tuple[tuple[int, int], ...] = ((2048, 128), (1024, 64), (256, 32))
    mfcc: int = 20
    descriptors: Literal["bins", "bands"] = "bins"
    magnitudes: bool = False
    envelope_s: float = 0.012
    momentary_steps: int = 1
    channels: Literal["sum", "each"] = "sum"
    floor_db: float = FLOOR_DB

    def __post_init__(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            UsageError: names the setting.
        """
        if not self.windows or len(set(self.windows)) < len(self.windows) or min(self.windows) < 16:
            raise UsageError(f"FeatureConfig.windows must be different lengths of 16 or more; got {self.windows}.")
        if not self.mels or self.mels[0][0] != self.windows[0] or not {w for w, _ in self.mels} <= set(self.windows):
            raise UsageError(f"FeatureConfig.mels must begin with the main window and use `windows`; got {self.mels}.")
        if min(bands for _, bands in self.mels) < 1 or not 1 <= self.mfcc <= self.mels[0][1]:
            raise UsageError("FeatureConfig needs a mel band or more, and no more mfcc than bands on the main window.")
        if not 3 <= self.overlap <= 16 or not 2 <= self._detail_overlap <= 16:
            raise UsageError("FeatureConfig.overlap must be 3 to 16, and detail_overlap 2 to 16.")
        if self.envelope_s <= 0 or not 1 <= self.momentary_steps <= 100 or not -200 <= self.floor_db < 0:
            raise UsageError("FeatureConfig needs envelope_s > 0, momentary_steps 1 to 100 and floor_db -200 to 0.")
        if self.channels not in ("sum", "each") or self.descriptors not in ("bins", "bands"):
            raise UsageError("FeatureConfig.channels must be 'sum' or 'each', and descriptors 'bins' or 'bands'.")

    @property
    def _detail_overlap(self) -> int:
        return self.overlap if self.detail_overlap is None else self.detail_overlap

    def envelope_samples(self, sample_rate: int) -> int:
        """Length of an envelope's frame in samples at a rate."""
        return max(1, round(self.envelope_s * sample_rate))

    def frames(self, window: int, sample_rate: int) -> tuple[int, int]:
        """Length and hop in samples at a rate of one of the windows; raises as `frame_sizes`."""
        overlap = self.overlap if window == self.windows[0] else self._detail_overlap
        return frame_sizes(window, overlap, sample_rate)


FULL = FeatureConfig(windows=(2048, 1024, 512, 256), magnitudes=True)
TRAINING = FeatureConfig(
    windows=(2048, 512), overlap=3, detail_overlap=2, mels=((2048, 128), (512, 48)), descriptors="bands"
)
CONFIGS = {"full": FULL, "training": TRAINING}


@functools.cache
def frame_sizes(window: int, overlap: int, sample_rate: int) -> tuple[int, int]:
    """Window and hop in samples at a rate; the window is even, and a length that the FFT is fast for.

    Raises:
        UsageError: no rate for audio.
    """
    if not _SLOWEST_RATE <= sample_rate <= _FASTEST_RATE:
        raise UsageError(f"The sample rate must be {_SLOWEST_RATE} to {_FASTEST_RATE} Hz; got {sample_rate}.")
    size = 2 * int(next_fast_len(max(1, round(window * sample_rate / _REFERENCE_RATE / 2))) or 1)
    return size, max(1, round(size / overlap))
