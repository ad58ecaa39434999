"""Rendered presets to look into: which of them sound like a target?"""

from __future__ import annotations

from myna.retrieval.bank import Bank, load_bank, pooled

__all__ = ["Bank", "load_bank", "pooled"]
