"""What the ear-model sees."""

from __future__ import annotations

from myna.features.extractor import Features, analyse

__all__ = ["Features", "analyse"]
