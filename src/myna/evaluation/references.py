"""What a perfect answer would score on a suite of presets: the upper bound, and the floor under what can be heard.

Reference lines have agents' places in a table, but no agent is behind them: they know the target's preset.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from myna.evaluation.suites import load_suite
from myna.evaluation.suites.frozen import FrozenSet
from myna.features import FULL, analyse
from myna.loss import score
from myna.seeding import generator
from myna.synth.renderer import Renderer

__all__ = ["NOISE_FLOOR", "TRUE_PRESET", "references"]

TRUE_PRESET = "true-preset"
"""The target's own preset, rendered as agents' are."""
NOISE_FLOOR = "noise-floor"
"""The same with other noise and other random phases: nothing can be told apart better than that."""


@cache
def references(suite: str) -> tuple[tuple[str, int, str, float], ...]:
    """(label, index, target, scaled loss) of both for each target of a suite; empty where no preset is known."""
    targets = load_suite(suite)
    if not isinstance(targets, FrozenSet):
        return ()
    renderer, found = Renderer(), []
    presets = targets.u(renderer.table)
    for index, one in enumerate(targets.targets):
        target = analyse(targets.target(index, renderer).audio[None], renderer.sample_rate, FULL)
        seeds = generator(0, "references", suite, index).integers(1, 2**63, 1)
        for label, own in ((TRUE_PRESET, None), (NOISE_FLOOR, seeds)):
            audio: np.ndarray = renderer.render(presets[index : index + 1], one.probe, own)[:, 0]
            breakdown, _ = score(audio, renderer.sample_rate, target)
            found.append((label, index, one.name, round(float(breakdown.total[0]), 6)))
    return tuple(found)
