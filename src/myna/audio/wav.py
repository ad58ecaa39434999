"""WAV files out: exact, repeatable bytes, written whole or not at all.

Shapes: C channels, T samples. Units: samples are full scale = 1, rates in Hz.
"""

from __future__ import annotations

import os
import struct
from typing import Literal

import numpy as np

from myna.errors import BadAudioError, UsageError
from myna.files import write_atomic

__all__ = ["MAX_CHANNELS", "encode_wav", "write_wav"]

MAX_CHANNELS = 8


def encode_wav(samples: np.ndarray, sample_rate: int, subtype: Literal["PCM_16", "FLOAT"] = "PCM_16") -> bytes:
    """Encode samples as a WAV file in memory, at the level they have (nothing is normalised).

    Written by hand because libsndfile stamps the time of day into float files and truncates where it
    should round: the same samples give the same bytes, and a 16-bit file that is read and written again
    is unchanged. PCM clips at full scale; FLOAT keeps every value.

    Args:
        samples: (C, T) or (T,), finite, full scale = 1, 1 to 8 channels.
        sample_rate: Hz.
        subtype: `PCM_16` or `FLOAT` (32 bits).

    Raises:
        BadAudioError: the samples are not finite or have another shape.
        UsageError: unknown subtype.

    Example:
        >>> encode_wav(np.array([0.5, -1.0]), 44_100)[-4:].hex()
        '00400080'
    """
    samples = np.atleast_2d(np.asarray(samples))
    if samples.ndim != 2 or not 1 <= samples.shape[0] <= MAX_CHANNELS:
        raise BadAudioError(f"Samples of shape {samples.shape} cannot be written: give (channels, samples).")
    if not np.isfinite(samples).all():
        raise BadAudioError("Samples that are not numbers (NaN or infinity) cannot be written: render again.")
    if subtype == "PCM_16":
        data = np.clip(np.rint(samples.T * 32768.0), -32768, 32767).astype("<i2").tobytes()
        return _wav_header(1, 16, samples.shape, sample_rate, b"") + data
    if subtype == "FLOAT":
        fact = b"fact" + struct.pack("<II", 4, samples.shape[1])
        return _wav_header(3, 32, samples.shape, sample_rate, fact) + samples.T.astype("<f4").tobytes()
    raise UsageError(f"The WAV subtype {subtype!r} is not known: use PCM_16 or FLOAT.")


def _wav_header(tag: int, bits: int, shape: tuple[int, ...], sample_rate: int, extra: bytes) -> bytes:
    """Return everything before the samples: RIFF, fmt, extra chunks and the data chunk's head."""
    channels, frames = shape
    frame_bytes = channels * bits // 8
    layout = struct.pack("<HHIIHH", tag, channels, sample_rate, sample_rate * frame_bytes, frame_bytes, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout + extra
    data_bytes = frames * frame_bytes
    if data_bytes > 2**32 - 1024:
        raise BadAudioError("A WAV file cannot hold more than 4 GiB: write less sound.")
    return b"RIFF" + struct.pack("<I", len(body) + 8 + data_bytes) + body + b"data" + struct.pack("<I", data_bytes)


def write_wav(
    path: str | os.PathLike[str],
    samples: np.ndarray,
    sample_rate: int,
    subtype: Literal["PCM_16", "FLOAT"] = "PCM_16",
) -> None:
    """Write a WAV file atomically: see `encode_wav` for the arguments and what is refused."""
    write_atomic(path, encode_wav(samples, sample_rate, subtype))
