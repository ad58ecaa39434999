"""The preset library: thousands of presets in one SQLite file, with search, tags, neighbours, import and export."""

from __future__ import annotations

from myna.library.entry import SOURCES, Entry, Lineage
from myna.library.store import Library, default_path, open_library

__all__ = ["SOURCES", "Entry", "Library", "Lineage", "default_path", "open_library"]
