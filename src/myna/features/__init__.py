"""What the ear-model sees."""

from __future__ import annotations

from myna.features.cache import FeatureCache
from myna.features.config import CONFIGS, FLOOR_DB, FULL, TRAINING, FeatureConfig, frame_sizes
from myna.features.container import Features
from myna.features.extractor import analyse, analyse_each
from myna.features.pooling import frame_at, pool, pooled_mel, stretches
from myna.features.threads import each_item, lasting_thread, one_core

__all__ = [
    "CONFIGS",
    "FLOOR_DB",
    "FULL",
    "TRAINING",
    "FeatureCache",
    "FeatureConfig",
    "Features",
    "analyse",
    "analyse_each",
    "each_item",
    "frame_at",
    "frame_sizes",
    "lasting_thread",
    "one_core",
    "pool",
    "pooled_mel",
    "stretches",
]
