"""The way from any page to the preset library."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import streamlit as st

from myna.app.library_desk import the_library
from myna.app.state import attempt, plain
from myna.errors import printable
from myna.library import Lineage
from myna.presets import Preset

__all__ = ["LIBRARY", "has_library", "keep_button"]

LIBRARY = "myna.library"


def has_library() -> bool:
    """Whether there is a library to keep presets in; always, in this installation."""
    return True


def keep_button(preset: Preset, key: str, origin: Mapping[str, Any] | None = None) -> None:
    """A button that keeps a preset in the library, with where it came from.

    Args:
        preset: what is kept.
        key: of the button.
        origin: of a match its `match` (the target's name), `loss`, `agent` and `renders`; else it was made by hand.
    """
    st.button(
        "Keep in library", key=key, icon=":material/bookmark_add:", on_click=attempt, args=(_keep, preset, origin)
    )


def _keep(preset: Preset, origin: Mapping[str, Any] | None) -> None:
    the_library().add(preset, _lineage(origin or {}))
    st.toast(f"Kept {plain(preset.name[:60])} in the library.", icon=":material/bookmark_added:")


def _lineage(origin: Mapping[str, Any]) -> Lineage:
    if "match" not in origin:
        return Lineage()
    loss = origin.get("loss")
    return Lineage(
        "match",
        printable(PurePath(str(origin["match"])).name, 200),
        loss if loss is not None and math.isfinite(loss) else None,
        str(origin.get("agent", "")),
        origin.get("renders"),
    )
