"""The way from any page to the preset library; without a library in this installation its buttons stay away."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

import streamlit as st

from myna.app.state import attempt, plain
from myna.presets import Preset

__all__ = ["has_library", "keep_button"]

LIBRARY = "myna.library"


def has_library() -> bool:
    """Whether there is a library to keep presets in."""
    return importlib.util.find_spec(LIBRARY) is not None


def keep_button(preset: Preset, key: str, origin: Mapping[str, Any] | None = None) -> None:
    """A button that keeps a preset in the library, with where it came from; nothing where there is no library."""
    if has_library():
        st.button(
            "Keep in library", key=key, icon=":material/bookmark_add:", on_click=attempt, args=(_keep, preset, origin)
        )


def _keep(preset: Preset, origin: Mapping[str, Any] | None) -> None:
    importlib.import_module(LIBRARY).keep_preset(preset, origin=dict(origin or {}))
    st.toast(f"Kept {plain(preset.name[:60])} in the library.", icon=":material/bookmark_added:")
