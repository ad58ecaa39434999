"""The first perceptual loss: per item, scaled so that 1 is the median random pair, and level is heard.

Each term is divided by its median over random pairs of the musical prior (`scales.json`, made by
`python -m myna.loss.calibrate`); the weights sum to 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from myna.errors import UsageError
from myna.features import Features

__all__ = ["WEIGHTS", "LossBreakdown", "PerceptualLoss", "above_side_floor", "frame_weight", "raw_terms", "scales"]

# Log-mel L1 agrees best with listeners (mean Spearman .473 over 21 studies), so it carries most of the weight.
WEIGHTS = {
    "mel_2048": 0.25,
    "mel_1024": 0.2,
    "mel_256": 0.13,
    "transport": 0.15,
    "envelope": 0.12,
    "centroid": 0.05,
    "level": 0.05,
    "stereo": 0.05,
}
# A side signal below this is not heard beside its middle.
_SIDE_FLOOR_DB = -60.0


@dataclass(frozen=True)
class LossBreakdown:
    """The loss and its parts: `total` (B,), and `terms` name → scaled, weighted (B,) that add up to it."""

    total: np.ndarray
    terms: Mapping[str, np.ndarray]


@cache
def scales() -> dict[str, float]:
    """Each term's median over random pairs, such that the whole loss has the median 1 too."""
    return json.loads((Path(__file__).parent / "scales.json").read_text())["scales"]


class PerceptualLoss:
    """Distance of B sounds to a target, or pairwise to B targets.

    Example:
        >>> # loss(analyse(candidates, 44100), analyse(target[None], 44100)).total  → (B,)
    """

    def __init__(self, weights: Mapping[str, float] = WEIGHTS) -> None:
        """Weights by term; terms left out are not computed into the total."""
        unknown = set(weights) - set(WEIGHTS)
        if unknown:
            raise UsageError(f"There is no loss term '{min(unknown)}'; choose from {', '.join(WEIGHTS)}.")
        self.weights = dict(weights)

    def __call__(self, features: Features, target: Features) -> LossBreakdown:
        """Compare; `target` has one item or as many as `features`. Frames must agree (same length of audio)."""
        raw = raw_terms(features, target)
        by_median = scales()
        terms = {name: w * raw[name] / by_median[name] for name, w in self.weights.items()}
        # Added one by one: numpy's sum over the terms would round differently for one sound and for several.
        return LossBreakdown(np.asarray(sum(terms.values())), terms)


def raw_terms(features: Features, target: Features) -> dict[str, np.ndarray]:
    """Unscaled terms, each (B,) float64.

    mel_*, envelope, level: mean absolute dB, of the middle. stereo: the same of the side's envelope.
    centroid: octaves, frames weighted by the louder of the two.
    transport: 1-Wasserstein distance between the mel distributions of each frame, in parts of the whole range: it grows
    with the size of a pitch error, where bin-wise distances saturate.
    """
    if features.mels[0].shape[1:] != target.mels[0].shape[1:]:
        raise UsageError("Only sounds of equal length can be compared.")
    names = ("mel_2048", "mel_1024", "mel_256")
    terms: dict[str, np.ndarray] = {
        name: _mean(np.abs(a - b)) for name, a, b in zip(names, features.mels, target.mels, strict=True)
    }
    terms["envelope"] = _mean(np.abs(features.envelope - target.envelope))
    terms["level"] = np.abs(features.level - target.level).astype(np.float64)
    side = above_side_floor(features.side) - above_side_floor(target.side)
    terms["stereo"] = _mean(np.abs(side))
    weight = frame_weight(features, target)
    terms["centroid"] = _sum(weight * np.abs(features.centroid - target.centroid))
    distance = np.abs(_distribution(features) - _distribution(target)).mean(axis=2)
    terms["transport"] = _sum(weight * distance)
    return terms


def _sum(values: np.ndarray) -> np.ndarray:
    """Sum of each item, (B,) float64. Row by row and in one type: a cast on the way would mix items in its buffer."""
    return values.reshape(len(values), -1).sum(axis=1).astype(np.float64)


def _mean(values: np.ndarray) -> np.ndarray:
    return _sum(values) / (values.size // len(values))


def above_side_floor(side_db: np.ndarray) -> np.ndarray:
    """A side envelope without what is not heard beside its middle."""
    return np.maximum(side_db, np.float32(_SIDE_FLOOR_DB))


def frame_weight(features: Features, target: Features) -> np.ndarray:
    """How much each frame matters, (B, F): its level over the floor, louder side, summing to 1."""
    loud = np.maximum(features.mels[0].max(axis=2), target.mels[0].max(axis=2)) + 81.0
    return loud / loud.sum(axis=1, keepdims=True)


def _distribution(features: Features) -> np.ndarray:
    """Cumulative share of amplitude over mel bands, (B, F, M); a silent frame is spread evenly."""
    amplitude = np.exp((features.mels[0] + 80.0) * np.float32(np.log(10) / 20)) - np.float32(0.999)
    return np.cumsum(amplitude, axis=2) / amplitude.sum(axis=2, keepdims=True)
