"""Analyse and compare in one go, chunk by chunk: the magnitudes of a large batch never exist at once.

Shapes: B sounds, C channels, T samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from myna.errors import UsageError
from myna.features import Features, analyse, analyse_each, each_item
from myna.loss.apart import item_apart
from myna.loss.heard import Heard
from myna.loss.perceptual import LossBreakdown, PerceptualLoss, as_heard

__all__ = ["score"]

_CHUNK_S = 64.0
"""Seconds of sound at once: fewer pay for torch's calls, more for memory."""


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

    Raises:
        UsageError: audio of another shape, or a target that cannot be compared with it.
    """
    if len(audio.shape) != 3 or 0 in audio.shape:
        raise UsageError(f"Audio must have the shape (B, C, T) with samples; got {tuple(audio.shape)}.")
    loss = loss or PerceptualLoss()
    goal = as_heard(target)
    if goal.features.shape not in ((), (1,), (len(audio),)):
        raise UsageError(f"There must be one target or as many as the {len(audio)} sounds; got {len(goal.features)}.")
    most = max(1, int(_CHUNK_S * sample_rate / audio.shape[-1]))
    size = min(most, -(-len(audio) // max(1, threads)))

    def compare(chunk: int) -> tuple[LossBreakdown, Features]:
        part = slice(chunk * size, (chunk + 1) * size)
        wanted = _goal_of(goal, part)
        heard = _heard(audio[part], sample_rate, wanted)
        return loss(heard, wanted), heard.features

    parts = each_item(compare, -(-len(audio) // size), threads)
    if len(parts) == 1:
        return parts[0]
    return LossBreakdown.cat(part for part, _ in parts), Features.cat([features for _, features in parts])


def _heard(audio: Any, sample_rate: int, goal: Heard) -> Heard:
    """Sounds (n, C, T) as the loss wants them: magnitudes are compared where they are made, and forgotten."""
    config, wanted = goal.features.config, goal.features.magnitudes
    if not config.magnitudes or goal.features.device.type != "cpu":
        return Heard(analyse(audio, sample_rate, config, on_bad="mark"))
    goals = [magnitudes.reshape(-1, *magnitudes.shape[-2:]).numpy() for magnitudes in wanted]
    apart = np.empty((len(audio), len(goals), 2), np.float32)

    def compare(i: int, found: Sequence[np.ndarray]) -> None:
        for w, (one, others) in enumerate(zip(found, goals, strict=True)):
            apart[i, w] = item_apart(one, others[i if len(others) > 1 else 0])

    features = analyse_each(audio, sample_rate, config, compare)
    return Heard(features, torch.from_numpy(apart))


def _goal_of(goal: Heard, part: slice) -> Heard:
    """The target of a chunk: the one for all, or each candidate's own."""
    shape = goal.features.shape
    whole = not shape or shape[0] == 1 or (part.start == 0 and part.stop >= shape[0])
    return goal if whole else goal.map(lambda tensor: tensor[part])
