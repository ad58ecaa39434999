"""What a session remembers: the pages, the panel that is played, which job the URL names.

Everything lives in Streamlit's session state, so no session sees another's. What outlives a session (jobs) is reached
by an unguessable id alone, which stands in the URL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

from myna.errors import MynaError, printable
from myna.presets import Preset

__all__ = [
    "PAGES",
    "PageEntry",
    "attempt",
    "go",
    "held",
    "open_in_synth",
    "plain",
    "remember_pages",
    "take_preset",
    "tell_trouble",
    "trouble",
    "url_job",
]

T = TypeVar("T")


@dataclass(frozen=True)
class PageEntry:
    """A page: its name in the URL, its title, its icon; the file is `views/<name>.py`.

    Not `pages/`: Streamlit would take that folder for pages of its own, and open them without `main.py`.
    """

    name: str
    title: str
    icon: str

    @property
    def path(self) -> str:
        """The page's file, from `main.py`."""
        return f"views/{self.name}.py"


PAGES: tuple[PageEntry, ...] = (
    PageEntry("synth", "Synth", ":material/piano:"),
    PageEntry("match", "Match", ":material/hearing:"),
    PageEntry("compare", "Compare", ":material/compare_arrows:"),
    PageEntry("library", "Library", ":material/library_music:"),
    PageEntry("runs", "Runs", ":material/monitoring:"),
    PageEntry("export", "Export", ":material/archive:"),
)
"""The pages in the order of the menu, the first one first; a new page is one file and one line here."""

_PAGES, _PRESET, _TROUBLE = "app.pages", "app.preset", "app.trouble"


def remember_pages(pages: Sequence[Any]) -> None:
    """Keep Streamlit's page objects for `go`."""
    st.session_state[_PAGES] = dict(zip((page.name for page in PAGES), pages, strict=True))


def go(name: str) -> None:
    """Turn to another page of PAGES; nothing after this call runs."""
    st.switch_page(st.session_state[_PAGES][name])


def held(name: str, make: Callable[[], T]) -> T:
    """The session's own object of that name, made when it is first asked for."""
    if name not in st.session_state:
        st.session_state[name] = make()
    return st.session_state[name]


def attempt(work: Callable[..., object], *arguments: Any) -> None:
    """Do something that a person asked for in a callback; a mistake is told on the page and changes nothing."""
    try:
        work(*arguments)
    except MynaError as error:
        trouble(error)


def trouble(error: object) -> None:
    """Keep one sentence for `tell_trouble`."""
    st.session_state[_TROUBLE] = str(error)


def tell_trouble() -> None:
    """Show what went wrong in a callback, once."""
    said = st.session_state.pop(_TROUBLE, None)
    if said:
        st.error(plain(said), icon=":material/error:")


def plain(text: str) -> str:
    """Text that Markdown leaves as it is; names come from files and strangers."""
    return "".join(f"\\{c}" if c in _MARKDOWN else c for c in printable(text, 400))


_MARKDOWN = set("\\`*_{}[]()<>#+-.!|$~:&^=")


def open_in_synth(preset: Preset) -> None:
    """Send a preset to the Synth page and turn there; any page may call this."""
    st.session_state[_PRESET] = preset
    go("synth")


def take_preset() -> Preset | None:
    """The preset that another page sent, once; for the Synth page."""
    return st.session_state.pop(_PRESET, None)


def url_job(page: str, started: str | None = None) -> str | None:
    """The job that a page follows: from its URL, or from the session after a visit to another page.

    Args:
        page: its name.
        started: the id of a job that has just begun, to be followed from now on; empty to follow none.
    """
    key = f"{page}.job"
    if started is not None:
        st.session_state[key] = started
        st.query_params.pop("job", None)
    found = st.query_params.get("job") or st.session_state.get(key) or None
    if found is not None:
        st.session_state[key] = st.query_params["job"] = found
    return found
