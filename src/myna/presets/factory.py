"""The factory bank: presets designed by hand, shipped with the package."""

from __future__ import annotations

import functools
from pathlib import Path

from myna.params import ParameterTable
from myna.presets.codec import load_preset
from myna.presets.preset import Preset

__all__ = ["load_factory"]


@functools.cache
def load_factory(table: ParameterTable) -> tuple[Preset, ...]:
    """All factory presets of the table's synth, by file name."""
    return tuple(load_preset(path, table) for path in sorted(_folder().glob("*.json")))


def _folder() -> Path:
    return Path(__file__).parent / "factory"
