"""Presets: what is saved, how it is read, and how new ones are drawn."""

from __future__ import annotations

from myna.presets.codec import dumps, load_preset, loads, save_preset
from myna.presets.preset import CATEGORIES, FORMAT_VERSION, Preset

__all__ = ["CATEGORIES", "FORMAT_VERSION", "Preset", "dumps", "load_preset", "loads", "save_preset"]
