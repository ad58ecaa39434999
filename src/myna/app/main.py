"""The entry that Streamlit runs: the look of the app and its pages. Start it with `myna app`."""

from __future__ import annotations

import streamlit as st

from myna.app.state import PAGES, PageEntry, remember_pages
from myna.app.style import dress, icon


def page(entry: PageEntry, *, default: bool = False, hidden: bool = False) -> st.Page:
    """A page for the menu; the default one is served at "/" alone, so it is there again, hidden, under its name."""
    return st.Page(
        entry.path, title=entry.title, icon=entry.icon, default=default, url_path="" if default else entry.name,
        visibility="hidden" if hidden else "visible",
    )  # fmt: skip


st.set_page_config("myna", icon(), layout="wide")
dress()
shown = [page(entry, default=not place) for place, entry in enumerate(PAGES)]
remember_pages(shown)
st.navigation([*shown, page(PAGES[0], hidden=True)], position="top").run()
