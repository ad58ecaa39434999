"""The rows of the Library page: choose, star, hear, open; below the open one stands its card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from myna.app.knobs import show
from myna.app.library_card import card
from myna.app.library_desk import asked, picked, set_address, the_library
from myna.app.library_player import play, strip
from myna.app.library_undo import changing
from myna.app.state import attempt, plain
from myna.errors import MynaError
from myna.library import Entry
from myna.library.bulk import favour
from myna.library.query import Row

__all__ = ["as_row", "present", "rows"]

_TAGS = 4


def rows(found: Sequence[Row], group: str = "") -> None:
    """Draw rows, one below the other, and the player and the card of those that play and are open."""
    playing, opened = asked("play"), asked("open")
    for place, row in enumerate(found):
        is_open = row.id == opened
        with st.container(key=f"{'open' if is_open else 'row'}-{group}{place}", gap="small"):
            _row(row, row.id == playing, is_open)
            if row.id in (playing, opened):
                _below(row, row.id == playing, is_open)


def _row(row: Row, plays: bool, is_open: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        name = row.name[:80]
        show(f"pick.{row.id}", row.id in picked().ids)
        st.checkbox(
            f"Choose {plain(name)}", key=f"pick.{row.id}", label_visibility="collapsed", on_change=picked().toggle,
            args=(row.id,),
        )  # fmt: skip
        st.button(
            ":orange[★]" if row.favourite else "☆", key=f"star.{row.id}",
            type="tertiary", on_click=attempt, args=(_star, row),
        )  # fmt: skip
        st.button(
            ":material/stop:" if plays else ":material/play_arrow:", key=f"play.{row.id}", on_click=play,
            args=(row.id,),
        )  # fmt: skip
        st.button(_label(row), key=f"show.{row.id}", type="tertiary", width="stretch", on_click=_open,
                  args=("" if is_open else row.id,))  # fmt: skip


def _label(row: Row) -> str:
    """Name, and what else tells it apart, in Markdown."""
    parts = [row.category, *row.tags[:_TAGS], *([row.author] if row.author else [])]
    about = " · ".join(plain(part[:40]) for part in parts)
    stars = f" :orange[{'★' * row.rating}]" if row.rating else ""
    source = f" :blue-badge[{_came_from(row)}]" if row.source == "match" else ""
    distance = "" if row.distance_db is None else f" :green-badge[{row.distance_db:.1f} dB away]"
    return f"**{plain(row.name[:80]) or 'Untitled'}**{stars}{distance}{source} :gray[{about}]"


def _came_from(row: Row) -> str:
    loss = "" if row.loss is None else f", loss {row.loss:.2f}"
    return f"match of {plain(row.origin[:24])}{plain(loss)}" if row.origin else f"match{plain(loss)}"


def _star(row: Row) -> None:
    says = "{count} no favourite any more." if row.favourite else "{count} made a favourite."
    changing([row.id], says, lambda library, ids: favour(library, ids, not row.favourite))


def _open(entry_id: str) -> None:
    set_address(open=entry_id)


def _below(row: Row, plays: bool, is_open: bool) -> None:
    try:
        entry = the_library().get(row.id)
    except MynaError as error:
        st.error(plain(str(error)))
        return
    if plays:
        strip(entry.preset)
    if is_open:
        card(entry)


def as_row(entry: Entry, distance_db: float | None = None) -> Row:
    """An entry as a row shows it."""
    preset, lineage = entry.preset, entry.lineage
    return Row(
        entry.id, preset.name, preset.author, preset.category, preset.tags, entry.favourite, entry.rating,
        entry.created_utc, lineage.source, lineage.origin, lineage.loss, distance_db,
    )  # fmt: skip


def present(ids: Iterable[str]) -> list[Row]:
    """Rows of entries that are still there, in the order given."""
    found = []
    for entry_id in ids:
        try:
            found.append(as_row(the_library().get(entry_id)))
        except MynaError:  # removed meanwhile, or for another synth
            continue
    return found
