"""Analyse and compare in one go, chunk by chunk: the magnitudes of a large batch never exist at once.

Shapes: B sounds, C channels, T samples.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from myna.features import Features, analyse
from myna.loss.heard import Heard
from myna.loss.perceptual import LossBreakdown, PerceptualLoss, as_heard

__all__ = ["score"]

_CHUNK = 4  # spectra of so few stay in the processor's cache


def score(
    audio: Any,
    sample_rate: int,
    target: Features | Heard,
    loss: PerceptualLoss | None = None,
    threads: int = 1,
) -> tuple[LossBreakdown, Features]:
    """Compare a batch of sounds with a target.

    Args:
        audio: (B, C, T) tensor or array. A sound with NaN or infinity costs BROKEN and stops nobody else.
        sample_rate: Hz.
        target: features of one item, or of B; their config is used. Pass a `Heard` to derive once for many calls.
        loss: `PerceptualLoss()` unless given.
        threads: that share the work; the bits do not depend on them.

    Returns:
        The breakdown (B,), and the features (B,) without magnitudes.
    """
    loss = loss or PerceptualLoss()
    goal = as_heard(target)
    config = goal.features.config

    def compare(start: int) -> tuple[LossBreakdown, Features]:
        part = slice(start, start + _CHUNK)
        features = analyse(audio[part], sample_rate, config, on_bad="mark")
        return loss(features, _goal_of(goal, part, len(audio))), features.lean()

    starts = range(0, len(audio), _CHUNK)
    if threads > 1 and len(starts) > 1:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(compare, starts))
    else:
        parts = [compare(start) for start in starts]
    return LossBreakdown.cat(part for part, _ in parts), Features.cat([features for _, features in parts])


def _goal_of(goal: Heard, part: slice, count: int) -> Heard:
    """The target of a chunk: the one for all, or each candidate's own."""
    shape = goal.features.level_db.shape
    return goal if not shape or shape[0] == 1 else Heard(goal.features[part])
