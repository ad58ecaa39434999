"""How far two sounds are apart."""

from __future__ import annotations

from myna.loss.best import BestSoFar
from myna.loss.config import CONFIGS, FULL_LOSS, TRAINING_LOSS, LossConfig
from myna.loss.heard import Heard
from myna.loss.perceptual import BROKEN, LossBreakdown, PerceptualLoss
from myna.loss.residuals import residuals
from myna.loss.score import score

__all__ = [
    "BROKEN",
    "CONFIGS",
    "FULL_LOSS",
    "TRAINING_LOSS",
    "BestSoFar",
    "Heard",
    "LossBreakdown",
    "LossConfig",
    "PerceptualLoss",
    "residuals",
    "score",
]
