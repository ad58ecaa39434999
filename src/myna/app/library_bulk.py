"""What can be done with the presets that were chosen in the library, all at once."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from myna.app.library_desk import picked, the_library
from myna.app.library_routes import to_export
from myna.app.library_undo import MOST, changing
from myna.app.state import attempt, plain
from myna.library.bulk import favour, rate, tag
from myna.library.exporting import zip_bytes
from myna.library.query import Filters, Row, counted_tags, find_ids

__all__ = ["bulk_bar"]

MOST_PACKED, MOST_PLAYED = 10_000, 500


def bulk_bar(found: Sequence[Row], filters: Filters | None, total: int) -> None:
    """Draw the line above the rows: how many are chosen, and what to do with them.

    Args:
        found: the rows of this page.
        filters: what they were found by; None where they cannot be chosen all at once.
        total: how many there are on all pages.
    """
    chosen = list(picked().ids)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="bulk"):
        _choose(found, filters, total, len(chosen))
        if chosen:
            _act(chosen)


def _choose(found: Sequence[Row], filters: Filters | None, total: int, count: int) -> None:
    on_page = [row.id for row in found]
    whole = all(entry_id in picked().ids for entry_id in on_page)
    label = f"**{count:,} chosen**" if count else f"{total:,} preset{'s' * (total != 1)}"
    st.markdown(label, width="content")
    st.button(
        "Clear" if whole and count else "Choose page", key="bulk.page", type="tertiary",
        on_click=_drop if whole and count else _add, args=(None if whole and count else on_page,),
    )  # fmt: skip
    if filters is not None and whole and count and total > len(on_page) and count < total:
        st.button(f"Choose all {total:,}", key="bulk.all", type="tertiary", on_click=attempt, args=(_add_all, filters))


def _add(ids: Sequence[str]) -> None:
    picked().ids |= dict.fromkeys(ids)


def _drop(_: object = None) -> None:
    picked().ids.clear()


def _add_all(filters: Filters) -> None:
    _add(find_ids(the_library(), filters))


def _act(chosen: list[str]) -> None:
    st.button(":orange[★]", key="bulk.star", type="tertiary", help="Favourites", on_click=attempt,
              args=(_favour, chosen, True))  # fmt: skip
    st.button("☆", key="bulk.unstar", type="tertiary", help="No favourites any more",
              on_click=attempt, args=(_favour, chosen, False))  # fmt: skip
    with st.popover("Rate", icon=":material/grade:"):
        st.feedback("stars", key="bulk.rating", on_change=attempt, args=(_rate, chosen))
    with st.popover("Tag", icon=":material/sell:"):
        _tag(chosen)
    with st.popover("Export", icon=":material/folder_zip:"):
        _pack(chosen)
    with st.popover("Delete", icon=":material/delete:"):
        _delete(chosen)


def _favour(chosen: list[str], favourite: bool) -> None:
    says = "{count} made favourites." if favourite else "{count} no favourites any more."
    changing(chosen, says, lambda library, ids: favour(library, ids, favourite))


def _rate(chosen: list[str]) -> None:
    stars = st.session_state["bulk.rating"]
    changing(chosen, "{count} rated.", lambda library, ids: rate(library, ids, 0 if stars is None else stars + 1))


def _tag(chosen: list[str]) -> None:
    known = [name for name, _ in counted_tags(the_library())[:400]]
    st.multiselect("Add", known, key="bulk.add", accept_new_options=True, placeholder="choose, or type a new one")
    st.multiselect("Take away", known, key="bulk.remove", placeholder="tags that go")
    st.button("Tag them", key="bulk.tag", type="primary", on_click=attempt, args=(_retag, chosen))


def _retag(chosen: list[str]) -> None:
    add, remove = st.session_state["bulk.add"], st.session_state["bulk.remove"]
    if add or remove:
        changing(chosen, "{count} tagged.", lambda library, ids: tag(library, ids, add, remove))
        st.session_state["bulk.add"], st.session_state["bulk.remove"] = [], []


def _pack(chosen: list[str]) -> None:
    """A zip file, made when it is asked for: it may be large."""
    st.caption("One preset file each, as any myna reads them.")
    st.download_button(
        f"{len(chosen):,} preset{'s' * (len(chosen) != 1)} as .zip", lambda: zip_bytes(the_library(), chosen),
        "presets.zip", "application/zip", key="bulk.zip", type="primary", icon=":material/download:",
        on_click="ignore", disabled=len(chosen) > MOST_PACKED,
    )  # fmt: skip
    st.button(
        "As sounds, on the Export page", key="bulk.audio", icon=":material/audio_file:", on_click=attempt,
        args=(_as_sounds, chosen), disabled=len(chosen) > MOST_PLAYED,
    )  # fmt: skip
    if len(chosen) > MOST_PACKED:
        st.caption(f"At most {MOST_PACKED:,} at once: choose fewer.")


def _as_sounds(chosen: list[str]) -> None:
    to_export([the_library().get(entry_id).preset for entry_id in chosen])


def _delete(chosen: list[str]) -> None:
    many = len(chosen) > MOST
    st.caption(plain("This cannot be undone." if many else "You can undo this."))
    sure = st.checkbox("I am sure", key="bulk.sure") if many else True
    st.button(f"Delete {len(chosen):,}", key="bulk.delete", type="primary", disabled=not sure, on_click=attempt,
              args=(_remove, chosen))  # fmt: skip


def _remove(chosen: list[str]) -> None:
    changing(chosen, "{count} deleted.", lambda library, ids: library.remove(ids))
    _drop()
