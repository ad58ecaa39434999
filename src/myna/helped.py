"""The verb that tells what a match did to the knobs, and what each move was worth.

Shapes: M modules, P parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from myna.envs.history import edits, sentences
from myna.features import FULL, analyse
from myna.loss import PerceptualLoss
from myna.matching import MatchResult
from myna.presets.mix import with_modules
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["what_helped"]

TOO_LITTLE = 0.001
"""A loss that a person would not hear the difference of."""


def what_helped(result: MatchResult, renderer: Renderer | None = None, most: int = 6) -> list[str]:
    """What was moved on the way from the first preset heard to the best one, in words, the greatest help first.

    Each module's moves are undone by themselves and the rest is heard again: what the loss gains by that is what they
    were worth. These renders, one for each module that moved, come after the search and are not part of its budget.

    Args:
        result: of a match.
        renderer: one to use again; else a new one.
        most: sentences wanted at most.

    Returns:
        Sentences such as `opened filter.cutoff_hz by 1.3 octaves (800 Hz → 1.97 kHz): loss −0.12`.
    """
    if result.first_u is None or not np.isfinite(result.loss):
        return []
    renderer = renderer or Renderer(result.settings.synth, sample_rate=result.target.sample_rate)
    table = renderer.table
    best, first = table.snap(result.preset_u), table.snap(result.first_u)
    moved = [module for module in table.modules if np.abs((best - first)[table.mask([module])]).max() > 0.0]
    if not moved:
        return []
    undone = np.array([with_modules(table, best, first, [module]) for module in moved])
    losses = _losses(result, renderer, undone)
    told = []
    for loss, u in sorted(zip(losses.tolist(), undone, strict=True), key=lambda pair: -pair[0])[:most]:
        if loss - result.loss > TOO_LITTLE:
            told += sentences(table, edits(table, np.array([u, best]), [loss, result.loss]))
    return told


def _losses(result: MatchResult, renderer: Renderer, u: np.ndarray) -> np.ndarray:
    """Losses (M,) of presets (M, P) against the match's target."""
    target = result.target
    audio: Any = renderer.render(u, [Probe(target.note_midi, target.velocity, target.gate_s, target.total_s)])[:, 0]
    goal: Any = np.zeros(audio.shape[1:], np.float32)
    length = min(goal.shape[1], target.audio.shape[1])
    goal[:, :length] = target.audio[:, :length]
    heard, wanted = (analyse(sounds, renderer.sample_rate, FULL) for sounds in (audio, goal[None]))
    loss = PerceptualLoss()
    return np.array([float(loss(heard[i : i + 1], wanted).total[0]) for i in range(len(u))])
