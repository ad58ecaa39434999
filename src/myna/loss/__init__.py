"""How far two sounds are apart."""

from __future__ import annotations

from myna.loss.perceptual import LossBreakdown, PerceptualLoss

__all__ = ["LossBreakdown", "PerceptualLoss"]
