"""The ways from a preset in the library to the other pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from myna.app.basket import basket
from myna.app.library_desk import first_page, set_address
from myna.app.library_player import current_probe
from myna.app.match_session import draft, forget
from myna.app.pair import pair, played
from myna.app.state import go, open_in_synth
from myna.library import Entry
from myna.presets import Preset

__all__ = ["follow", "routes", "to_export"]

_WAY = "library.way"


def routes(entry: Entry) -> None:
    """Draw the ways."""
    with st.container(horizontal=True, gap="small"):
        _way("Play in Synth", ":material/piano:", "synth", entry, "primary")
        _way("Match from it", ":material/hearing:", "match", entry, help="Begin a search from this preset")
        st.button(
            "Sounds like this", key="entry.like", icon=":material/graphic_eq:", on_click=_like, args=(entry.id,),
            help="The presets in the library that are nearest to the ear",
        )  # fmt: skip
        _way("As A", ":material/compare_arrows:", "compare-a", entry, help="Send to Compare as sound A")
        _way("As B", ":material/compare_arrows:", "compare-b", entry, help="Send to Compare as sound B")


def _way(label: str, icon: str, way: str, entry: Entry, kind: Any = "secondary", help: str | None = None) -> None:
    st.button(label, key=f"entry.{way}", icon=icon, type=kind, on_click=_set, args=(way, entry.preset), help=help)


def _set(way: str, preset: Preset) -> None:
    st.session_state[_WAY] = (way, preset)


def _like(entry_id: str) -> None:
    set_address(like=entry_id, open="", view="")
    first_page()


def follow() -> None:
    """Turn to the page that a button asked for; a callback cannot."""
    way, preset = st.session_state.pop(_WAY, (None, None))
    if way is not None:
        _TURN[way](preset)


def to_export(presets: Sequence[Preset]) -> None:
    """Put presets in the basket of the Export page, and turn there; for the callback of a button."""
    basket().add(presets)
    st.session_state[_WAY] = ("export", None)


def _match(preset: Preset) -> None:
    draft().start = preset
    draft().took += 1  # so that the fields of an earlier start are not shown for this one
    forget()
    go("match")


def _compare(side: str) -> Callable[[Preset], None]:
    def turn(preset: Preset) -> None:
        pair().put(side, played(preset, current_probe()))
        go("compare")

    return turn


_TURN: dict[str, Callable[[Any], None]] = {
    "synth": open_in_synth,
    "match": _match,
    "compare-a": _compare("a"),
    "compare-b": _compare("b"),
    "export": lambda _: go("export"),
}
