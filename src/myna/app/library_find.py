"""The line in which presets are looked for: words, filters and order; the widgets write the address."""

from __future__ import annotations

import streamlit as st

from myna.app.library_desk import FILTERS, SORT_WORDS, SOURCE_WORDS, asked, first_page, forget_filters, the_library
from myna.library.query import counted_tags
from myna.presets import CATEGORIES

__all__ = ["search_line"]

_SHOWN_TAGS = 400
_STARS = (0, 1, 2, 3, 4, 5)
BOUND = {"bind": "query-params", "on_change": first_page}


def search_line() -> None:
    """Draw it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="library-find"):
        st.text_input(
            "Find", key="q", type="search", live="300ms", placeholder="warm pad, bass, bell …",
            label_visibility="collapsed", icon=":material/search:", **BOUND,
        )  # fmt: skip
        st.toggle(":orange[★]", key="fav", **BOUND)
        with st.popover(_title(), icon=":material/tune:"):
            _filters()
        if not asked("like"):
            st.selectbox(
                "Order", tuple(SORT_WORDS), format_func=SORT_WORDS.__getitem__, key="sort",
                label_visibility="collapsed", width=150, **BOUND,
            )  # fmt: skip


def _title() -> str:
    count = sum(bool(st.session_state.get(name)) for name in FILTERS if name != "fav")
    return f"Filters · {count}" if count else "Filters"


def _filters() -> None:
    st.selectbox("Category", CATEGORIES, index=None, key="category", placeholder="all", **BOUND)
    counts = dict(counted_tags(the_library())[:_SHOWN_TAGS])
    st.multiselect(
        "Tags", tuple(counts), format_func=lambda tag: f"{tag} ({counts.get(tag, 0):,})", key="tags",
        placeholder="all of these", **BOUND,
    )  # fmt: skip
    st.selectbox("From", tuple(SOURCE_WORDS), index=None, format_func=SOURCE_WORDS.__getitem__, key="source",
                 placeholder="anywhere", **BOUND)  # fmt: skip
    st.select_slider("Stars, at least", _STARS, key="stars", **BOUND)
    st.button("Clear", key="find.clear", type="tertiary", on_click=forget_filters)
