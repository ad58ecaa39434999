"""What the Library page works with: the library of this user, what it sounds like, and the page's address.

The address holds what is looked for, so that a reload, a bookmark and the way back find it again. Widgets write their
own part of it; the rest is here.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import streamlit as st

from myna.app.jobs import Jobs
from myna.app.sound import renderer
from myna.library import SOURCES, Library, default_path, open_library
from myna.library.query import SORTS, Filters
from myna.library.sounds import Sounds
from myna.presets import CATEGORIES

__all__ = [
    "PER_PAGE",
    "SOURCE_WORDS",
    "asked",
    "errands",
    "filters",
    "first_page",
    "forget_filters",
    "picked",
    "set_address",
    "sort",
    "the_library",
    "the_sounds",
]

PER_PAGE = 50
SOURCE_WORDS = {"match": "Matches", "import": "Imports", "factory": "Factory", "synth": "Made by hand"}
SORT_WORDS = {
    "name": "Name", "newest": "Newest", "oldest": "Oldest", "changed": "Last changed", "rating": "Rating",
    "relevance": "Best fit",
}  # fmt: skip
FILTERS = ("category", "tags", "source", "stars", "fav")
"""Keys of widgets, and names in the address."""
_PICKED = "library.picked"


def the_library() -> Library:
    """This user's library.

    Raises:
        MynaError: it cannot be opened.
    """
    return _opened(str(default_path()))


@functools.lru_cache(maxsize=4)
def _opened(path: str) -> Library:
    return open_library(path)


def the_sounds() -> Sounds:
    """What the presets of this user's library sound like."""
    return _sounds(str(default_path()))


@functools.lru_cache(maxsize=4)
def _sounds(path: str) -> Sounds:
    library = _opened(path)
    return Sounds(library, renderer(library.table.synth))


@functools.cache
def errands() -> Jobs:
    """Short work in the background, beside the long searches of `the_jobs`: imports need not wait for them."""
    return Jobs()


def asked(name: str) -> str:
    """A part of the address that no widget writes: `open`, `play`, `like`, `view`; empty where it is not there."""
    return st.query_params.get(name, "")[:64]


def set_address(**parts: str) -> None:
    """Write such parts; an empty one goes."""
    for name, value in parts.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)


def filters() -> Filters:
    """What the widgets ask for.

    Raises:
        UsageError: half a surrogate pair among the characters.
    """
    state = st.session_state
    return Filters(
        words=str(state.get("q") or "")[:200],
        category=state.get("category") if state.get("category") in CATEGORIES else None,
        all_tags=tuple(state.get("tags") or ()),
        favourite=True if state.get("fav") else None,
        min_rating=int(state.get("stars") or 0),
        source=state.get("source") if state.get("source") in SOURCES else None,
    )


def sort() -> str:
    """The order that is asked for."""
    found = st.session_state.get("sort", "name")
    return found if found in SORTS else "name"


def forget_filters() -> None:
    """Let everything be shown again; for the callback of a button."""
    blank = {"q": "", "tags": [], "stars": 0, "fav": False}
    for name in ("q", *FILTERS):
        if name in st.session_state:
            st.session_state[name] = blank.get(name)
    first_page()


def first_page() -> None:
    """Turn to the first page: what is looked for has changed."""
    if "p" in st.session_state:
        st.session_state["p"] = 1


@dataclass
class Picked:
    """Ids of the entries that a session has chosen, in the order of choosing."""

    ids: dict[str, None]

    def toggle(self, entry_id: str) -> None:
        """Choose one, or no longer."""
        if entry_id in self.ids:
            del self.ids[entry_id]
        else:
            self.ids[entry_id] = None


def picked() -> Picked:
    """The session's choice."""
    return st.session_state.setdefault(_PICKED, Picked({}))
