"""The Library page: find, hear, judge and exchange presets."""

from __future__ import annotations

import streamlit as st

from myna.app.library_alike import alike, alike_line, all_heard, duplicates, sound_upload
from myna.app.library_bulk import bulk_bar
from myna.app.library_desk import (
    PER_PAGE,
    asked,
    filters,
    first_page,
    forget_filters,
    set_address,
    sort,
    the_library,
)
from myna.app.library_exchange import factory_button, follow_import, uploads
from myna.app.library_find import search_line
from myna.app.library_player import note_picker
from myna.app.library_routes import follow
from myna.app.library_rows import rows
from myna.app.library_undo import offer_undo
from myna.app.state import go, plain, tell_trouble
from myna.app.style import dress
from myna.errors import MynaError
from myna.library.query import Filters, Page, find

TWINS = "twins"


def show() -> None:
    """Draw the page."""
    dress("browse.css")
    follow()
    try:
        if not find(the_library(), limit=0).total:
            _teach()
        else:
            _browse()
    except MynaError as error:
        st.error(plain(str(error)), icon=":material/error:")
        if asked("like") or asked("view"):
            st.button("Back to all presets", key="library.back", on_click=set_address, kwargs={"like": "", "view": ""})


def _teach() -> None:
    """An empty library says what it is for."""
    tell_trouble()
    follow_import()
    offer_undo()
    with st.container(border=True, key="library-teach"):
        st.markdown("### Your presets live here")
        st.markdown(
            "Keep what you match and what you make; find it by name, by tag, or **by what it sounds like**."
            " Star it, rate it, hear it at any note, and take it out as a zip file."
        )
        with st.container(horizontal=True, gap="small"):
            factory_button("primary")
            st.button("Match a sound", key="teach.match", icon=":material/hearing:", on_click=_go, args=("match",))
        uploads()
    _turn()


def _go(page: str) -> None:
    st.session_state["library.go"] = page


def _turn() -> None:
    page = st.session_state.pop("library.go", None)
    if page is not None:
        go(page)


def _browse() -> None:
    twins = asked("view") == TWINS
    if twins:
        _twins_head()
    else:
        search_line()
    tell_trouble()
    follow_import()
    offer_undo()
    if twins:
        duplicates()
        return
    _tools()
    likeness = alike_line()
    if likeness and not all_heard():
        return
    _list(likeness, filters())


def _tools() -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="library-tools"):
        note_picker()
        with st.popover("Like a sound", icon=":material/graphic_eq:"):
            st.caption("Drop in a sound: the presets that are nearest to it come first.")
            sound_upload()
        with st.popover("Import", icon=":material/input:"):
            factory_button()
            uploads()
        st.button(
            "Duplicates", key="twins.open", icon=":material/content_copy:", on_click=set_address,
            kwargs={"view": TWINS, "like": ""},
        )  # fmt: skip


def _twins_head() -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Duplicates**", width="stretch")
        note_picker()
        st.button("All presets", key="twins.close", icon=":material/arrow_back:", on_click=set_address,
                  kwargs={"view": ""})  # fmt: skip


def _list(likeness: bool, wanted: Filters) -> None:
    page = max(1, int(st.session_state.get("p") or 1))
    found = _found(likeness, wanted, page)
    pages = max(1, -(-found.total // PER_PAGE))
    if page > pages:  # an address from a time when there were more
        page, found = 1, _found(likeness, wanted, 1)
        first_page()
    bulk_bar(found.rows, None if likeness else wanted, found.total)
    if not found.rows:
        st.info("Nothing fits. Fewer words or filters find more.", icon=":material/search_off:")
        st.button("Show all", key="library.all", on_click=forget_filters)
    rows(found.rows)
    if pages > 1:
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.pagination(pages, key="p", bind="query-params")


def _found(likeness: bool, wanted: Filters, page: int) -> Page:
    if likeness:
        return alike(wanted, page)
    return find(the_library(), wanted, sort(), (page - 1) * PER_PAGE, PER_PAGE)


show()
