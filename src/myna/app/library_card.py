"""The card of one preset in the library: look and listen, say what you think of it, take it elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from myna.app import draw
from myna.app.knobs import show
from myna.app.library_desk import asked, set_address, the_library
from myna.app.library_player import GATE_S, preset_audio, preset_wav
from myna.app.library_routes import routes
from myna.app.library_undo import changing
from myna.app.sound import SAMPLE_RATE, level_of
from myna.app.state import attempt, plain
from myna.app.toolbar import preset_file_name
from myna.errors import UsageError
from myna.library import Entry
from myna.library.entry import MAX_NOTES
from myna.library.query import counted_tags
from myna.presets import CATEGORIES, Preset, dumps

__all__ = ["card"]

_NAME, _AUTHOR, _TAG = 80, 80, 40
_SHOWN_TAGS = 400


def card(entry: Entry) -> None:
    """Draw it; what is changed in it is kept at once."""
    with st.container(border=True, key="card-entry"):
        _screens(entry.preset)
        routes(entry)
        with st.container(key="wide-entry"):
            left, right = st.columns((1, 1), gap="medium")
        with left:
            _about(entry)
        with right:
            _opinion(entry)
        _origin(entry)
        _take(entry)


def _screens(preset: Preset) -> None:
    audio = preset_audio(preset)
    left, right = st.columns(2, gap="small", wrap=False)
    left.html(draw.waveform(audio, SAMPLE_RATE, GATE_S))
    right.html(draw.spectrogram(audio, SAMPLE_RATE))
    st.html(draw.meter(level_of(audio)))


def _about(entry: Entry) -> None:
    """What the preset says of itself."""
    preset = entry.preset
    _field(st.text_input, entry, "name", preset.name[:_NAME], label="Name", max_chars=_NAME)
    author, category = st.columns(2, gap="small")
    with author:
        _field(st.text_input, entry, "author", preset.author[:_AUTHOR], label="Author", max_chars=_AUTHOR)
    with category:
        _field(st.selectbox, entry, "category", preset.category, label="Category", options=CATEGORIES)
    known = [tag for tag, _ in counted_tags(the_library())[:_SHOWN_TAGS]]
    options = list(dict.fromkeys([*preset.tags, *known]))
    _field(
        st.multiselect, entry, "tags", list(preset.tags), label="Tags", options=options, accept_new_options=True,
        placeholder="choose, or type a new one",
    )  # fmt: skip


def _field(widget: Callable[..., Any], entry: Entry, name: str, value: Any, **settings: Any) -> None:
    key = f"entry.{name}.{entry.id}"
    show(key, value)
    widget(**settings, key=key, on_change=attempt, args=(_rewrite, entry, name, key))


def _rewrite(entry: Entry, name: str, key: str) -> None:
    said = st.session_state[key]
    value = _tags(said) if name == "tags" else str(said or "").strip()
    preset = replace(entry.preset, **{name: value or ("Untitled" if name == "name" else value)})
    changing([entry.id], "{count} changed.", lambda library, ids: library.update(ids[0], preset))


def _tags(said: Sequence[str]) -> tuple[str, ...]:
    """Tags without those that another case of them stands for."""
    found = {tag.strip().casefold(): tag.strip() for tag in reversed(said) if tag.strip()}
    for tag in found.values():
        if len(tag) > _TAG:
            raise UsageError(f"A tag has at most {_TAG} characters: shorten it.")
    return tuple(reversed(found.values()))


def _opinion(entry: Entry) -> None:
    key = f"entry.rating.{entry.id}"
    show(key, entry.rating - 1 if entry.rating else None)
    st.feedback("stars", key=key, on_change=attempt, args=(_rate, entry, key))
    key = f"entry.notes.{entry.id}"
    show(key, entry.notes)
    st.text_area(
        "Notes", key=key, max_chars=MAX_NOTES, height=122, placeholder="where it fits, what to try next …",
        on_change=attempt, args=(_note, entry, key),
    )  # fmt: skip


def _rate(entry: Entry, key: str) -> None:
    stars = st.session_state[key]
    changing(
        [entry.id], "{count} rated.",
        lambda library, ids: library.update(ids[0], rating=0 if stars is None else int(stars) + 1),
    )  # fmt: skip


def _note(entry: Entry, key: str) -> None:
    changing([entry.id], "Notes kept.", lambda library, ids: library.update(ids[0], notes=st.session_state[key] or ""))


def _origin(entry: Entry) -> None:
    """Where it came from, with the way to its parent."""
    lineage, day = entry.lineage, entry.created_utc[:10]
    words = {
        "match": f"A match of “{plain(lineage.origin[:60])}”",
        "import": f"From the file “{plain(lineage.origin[:60])}”",
        "factory": "A factory preset",
        "synth": "Made by hand",
    }[lineage.source]
    more = [f"found by {plain(lineage.agent)}"] if lineage.agent else []
    more += [f"{lineage.renders:,} renders"] if lineage.renders is not None else []
    more += [f"loss {lineage.loss:.3f}"] if lineage.loss is not None else []
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":gray[{' · '.join([words, *more, f'kept on {plain(day)}'])}]", width="stretch")
        if lineage.parent:
            st.button("Its parent", key="entry.parent", type="tertiary", icon=":material/family_history:",
                      on_click=attempt, args=(_parent, lineage.parent))  # fmt: skip
    if entry.preset.description:
        st.caption(plain(entry.preset.description[:400]))


def _parent(parent: str) -> None:
    set_address(open=the_library().find_id(parent), like="", view="", play="")
    st.session_state["q"] = ""


def _take(entry: Entry) -> None:
    """Out of the library: as a file, or for good."""
    preset, stem = entry.preset, preset_file_name(entry.preset).removesuffix(".json")
    with st.container(horizontal=True, gap="small"):
        st.download_button("Preset", dumps(preset), f"{stem}.json", "application/json", key="entry.preset",
                           icon=":material/download:", on_click="ignore")  # fmt: skip
        st.download_button("WAV", preset_wav(preset), f"{stem}.wav", "audio/wav", key="entry.wav",
                           icon=":material/download:", on_click="ignore")  # fmt: skip
        st.button("Delete", key="entry.delete", icon=":material/delete:", on_click=attempt, args=(_delete, entry))


def _delete(entry: Entry) -> None:
    changing([entry.id], "{count} deleted.", lambda library, ids: library.remove(ids))
    set_address(open="", play="" if asked("play") == entry.id else asked("play"))
