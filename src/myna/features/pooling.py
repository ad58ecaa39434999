"""Small summaries of a sound: its first log-mel averaged over a few stretches of time and neighbouring bands.

Shapes: … leading dimensions, S stretches, D = stretches × bands.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

import torch

from myna.features.config import frame_sizes
from myna.features.container import Features

__all__ = ["frame_at", "pool", "pooled_mel", "stretches"]


def frame_at(time_s: float, sample_rate: int, window: int = 2048, overlap: int = 4) -> int:
    """The frame of a spectrogram (window in samples at 44.1 kHz) that is centred nearest to a time."""
    _, hop = frame_sizes(window, overlap, sample_rate)
    return round(time_s * sample_rate / hop)


def pool(features: Features, edges: Sequence[int], bands: int = 64) -> torch.Tensor:
    """Average the first log-mel (dB) over stretches of frames and neighbouring bands, (…, D) float32.

    Args:
        features: of sounds (…).
        edges: frames where the stretches begin and end, one more than stretches; a stretch past the end of the sound
            repeats its last frame.
        bands: that are left; divides the bands there are.
    """
    mel = features.mels[0]
    mel = _mean_of_last(mel.unflatten(-1, (bands, -1)))
    lengths, order = _by_length(tuple(edges), mel.shape[-2], mel.device)
    parts = [mel.index_select(-2, frames.flatten()).unflatten(-2, frames.shape).mean(-2) for frames in lengths]
    return torch.cat(parts, -2).index_select(-2, order).flatten(-2)


def stretches(values: torch.Tensor, count: int) -> torch.Tensor:
    """Means over equal stretches of the last dimension, (…, count); few values are read more than once."""
    edges = tuple(round(i * values.shape[-1] / count) for i in range(count + 1))
    lengths, order = _by_length(edges, values.shape[-1], values.device)
    parts = [values.index_select(-1, place.flatten()).unflatten(-1, place.shape) for place in lengths]
    return torch.cat([part.sum(-1) / part.shape[-1] for part in parts], -1).index_select(-1, order)


@functools.lru_cache(256)
def _by_length(edges: tuple[int, ...], count: int, device: torch.device) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Where stretches of `count` frames are read: those of each length together (n, length), and their order.

    Lengths are few, and a call for each spares one for every stretch. One past the end repeats the last frame.
    """
    last = count - 1
    spans = [range(min(a, last), min(max(b, a + 1), last + 1)) for a, b in itertools.pairwise(edges)]
    lengths = sorted({len(span) for span in spans})
    rows = [[row for row, span in enumerate(spans) if len(span) == length] for length in lengths]
    places = [torch.tensor([list(spans[row]) for row in own], device=device) for own in rows]
    return places, torch.tensor([row for own in rows for row in own], device=device).argsort()


def _mean_of_last(values: torch.Tensor) -> torch.Tensor:
    """Mean over a last dimension of few numbers, one after the other: a third of the time of torch's, the same bits."""
    return functools.reduce(torch.add, values.unbind(-1)) / values.shape[-1]


def pooled_mel(features: Features, stretches: int = 12, bands: int = 32) -> torch.Tensor:
    """The first log-mel as a small image, (…, S, bands) in dB: equal stretches of the whole sound."""
    frames = features.mels[0].shape[-2]
    edges = [round(i * frames / stretches) for i in range(stretches + 1)]
    return pool(features, edges, bands).unflatten(-1, (stretches, bands))
