"""What the ear-model sees."""

from __future__ import annotations

from myna.features.extractor import FLOOR_DB, Features, analyse
from myna.features.pooling import frame_at, pool

__all__ = ["FLOOR_DB", "Features", "analyse", "frame_at", "pool"]
