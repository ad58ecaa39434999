"""How far two sounds are apart."""

from __future__ import annotations

from myna.loss.perceptual import LossBreakdown, PerceptualLoss
from myna.loss.residuals import residuals

__all__ = ["LossBreakdown", "PerceptualLoss", "residuals"]
