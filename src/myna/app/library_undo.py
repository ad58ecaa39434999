"""One step back in the library: presets as they were before a change, or before they were deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import streamlit as st

from myna.app.library_desk import the_library
from myna.app.state import attempt, plain
from myna.errors import UsageError
from myna.library import Entry, Library

__all__ = ["MOST", "changing", "offer_undo"]

MOST = 200
"""Presets that a step back holds; a change of more is for good."""
_UNDO = "library.undo"


@dataclass(frozen=True)
class Step:
    """What was done, in words, to which presets, as they were before; none where there were too many."""

    says: str
    before: tuple[Entry, ...]
    again: bool = False


def changing(ids: Iterable[str], says: str, change: Callable[[Library, list[str]], object]) -> None:
    """Change presets, and remember how they were.

    Args:
        ids: whole ids; those that are gone are left out.
        says: what is done, as `{count} presets deleted`.
        change: does it.

    Raises:
        MynaError: it cannot be done; nothing is remembered then.
    """
    library, chosen = the_library(), list(ids)
    before = tuple(_present(library, chosen)) if len(chosen) <= MOST else ()
    change(library, chosen)
    count = len(before) or len(chosen)
    st.session_state[_UNDO] = Step(says.format(count=f"{count:,} preset" + "s" * (count != 1)), before)


def _present(library: Library, ids: list[str]) -> Iterable[Entry]:
    for entry_id in ids:
        try:
            yield library.get(entry_id)
        except UsageError:  # another session removed it
            continue


def offer_undo() -> None:
    """A line that says what was done last, with a way back."""
    step = st.session_state.get(_UNDO)
    if step is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="undo-line"):
        st.markdown(f":gray[{plain(step.says)}]")
        if step.before:
            st.button("Undo", key="undo.go", icon=":material/undo:", type="tertiary", on_click=attempt, args=(_back,))
        st.button(":material/close:", key="undo.close", type="tertiary", help="All right", on_click=_forget)


def _back() -> None:
    step = st.session_state.pop(_UNDO)
    library = the_library()
    for entry in step.before:
        told = {"favourite": entry.favourite, "rating": entry.rating, "notes": entry.notes}
        try:
            library.update(entry.id, entry.preset, **told)
        except UsageError:  # it was deleted: it comes back under another id
            library.update(library.add(entry.preset, entry.lineage).id, **told)
    st.session_state[_UNDO] = Step("Undone.", ())


def _forget() -> None:
    st.session_state.pop(_UNDO, None)
