"""Short-time Fourier transform: power per frame and bin, calibrated so that a sine of RMS r has power r² at its bin.

Shapes: N sounds, T samples, F frames.
"""

from __future__ import annotations

import functools

import torch

__all__ = ["frame_count", "power_frames", "window_shape"]


def frame_count(samples: int, hop: int) -> int:
    """Frames of a sound: one at its first sample and one each hop, as far as there are samples."""
    return 1 + samples // hop


def power_frames(audio: torch.Tensor, window: int, hop: int, extra: int = 0, window_power: float = 1.0) -> torch.Tensor:
    """Power spectrogram, (N, F + 2 extra, window / 2 + 1), of frames centred at each hop over a zero-padded signal.

    Power is |STFT|² · 8 / window² with a periodic Hann window, one-sided: the magnitude that libraries which do not
    normalise (librosa, auraloss, scipy times the window's sum) return is its root times window / √8.

    Args:
        audio: (N, T) float32.
        window: samples, even.
        hop: samples.
        extra: frames before the first and after the last.
        window_power: that the Hann window is raised to.
    """
    samples = audio.shape[-1]
    left = window // 2 + extra * hop
    right = window + (frame_count(samples, hop) + 2 * extra - 1) * hop - samples - left
    frames = torch.nn.functional.pad(audio, (left, max(0, right))).unfold(-1, window, hop)
    spectrum = torch.fft.rfft(frames * window_shape(window, window_power, audio.device))
    # Squares in place and a sum of every other: abs() takes a root and costs six times as much.
    parts = torch.view_as_real(spectrum)
    parts.mul_(parts)
    return parts[..., 0] + parts[..., 1]


@functools.lru_cache(64)
def window_shape(window: int, power: float, device: torch.device) -> torch.Tensor:
    """A periodic Hann window raised to a power, (window,) float32, times √8 / window; see `power_frames`."""
    shape = torch.hann_window(window, dtype=torch.float64) ** power * (8**0.5 / window)
    return shape.to(device, torch.float32)
