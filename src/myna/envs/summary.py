"""What an observation tells of a sound: a small log-mel image, cepstrum, envelope, centroid and loudness.

Shapes: … leading dimensions, D numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import torch

from myna.features import Features, pooled_mel, stretches
from myna.loss.reduce import mean_of

__all__ = ["MEANINGS", "SHAPES", "SIZE", "summarise"]

SHAPES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"mel": (12, 32), "mfcc": (20,), "envelope": (16,), "centroid": (12,), "loudness": (1,)}
)
"""The parts, in the order in which they lie side by side."""

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "mel": "log-mel image, time × bands",
        "mfcc": "cepstral coefficients, mean",
        "envelope": "level over time",
        "centroid": "spectral centroid over time",
        "loudness": "integrated loudness",
    }
)
"""What each part is, in words; before it is standardised the unit is dB, octaves or LUFS."""

SIZE = sum(math.prod(shape) for shape in SHAPES.values())
"""Numbers per sound, D."""


def summarise(features: Features) -> torch.Tensor:
    """The parts of SHAPES side by side, (…, D) float32, in dB, octaves above 30 Hz and LUFS.

    The bits of a sound do not depend on the batch.

    Args:
        features: of sounds (…), of one length or another: stretches are shares of the whole.
    """
    parts = {
        "mel": pooled_mel(features, *SHAPES["mel"]).flatten(-2),
        "mfcc": mean_of(features.mfcc.transpose(-1, -2), 1),
        "envelope": stretches(features.envelope_db, *SHAPES["envelope"]),
        "centroid": stretches(features.centroid_octaves, *SHAPES["centroid"]),
        "loudness": features.loudness_lufs[..., None],
    }
    return torch.cat([parts[name] for name in SHAPES], dim=-1)
