"""Mel-frequency cepstral coefficients: an orthonormal DCT-II of a log-mel in dB, as librosa defines them."""

from __future__ import annotations

import functools

import torch
import torchaudio.functional as F  # noqa: N812

__all__ = ["cepstrum", "dct"]


def cepstrum(log_mel_db: torch.Tensor, count: int) -> torch.Tensor:
    """The first coefficients, (rows, count) in dB, of log-mel spectra (rows, M); the first is √M times their mean."""
    return log_mel_db @ dct(count, log_mel_db.shape[-1], log_mel_db.device)


@functools.lru_cache(64)
def dct(count: int, bands: int, device: torch.device) -> torch.Tensor:
    """The first rows of the transform, (bands, count) float32."""
    return F.create_dct(count, bands, norm="ortho").contiguous().to(device)
