"""The Export page before it begins: what goes into the pack, how it is played, and what the files will be called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import streamlit as st

from myna.app.basket import Basket, begin_export, library_presets, weight
from myna.app.draw_pack import pack_wall, piano
from myna.app.guard import read_preset
from myna.app.jobs import Job
from myna.app.matches import finished_matches, match_presets
from myna.app.shelf import has_library
from myna.app.state import attempt, plain, url_job
from myna.errors import MynaError
from myna.exporting import FIELDS, ExportSettings, file_names
from myna.presets import Preset
from myna.presets.factory import load_factory
from myna.synth.registry import synth_table
from myna.units import note_name

__all__ = ["export_setup"]

SYNTH = "serum-lite"
NOTES = tuple(range(12, 109))
VELOCITIES = (30, 60, 80, 100, 127)
HOLDS_S = (0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0)
TAILS_S = (0.0, 0.2, 0.5, 0.7, 1.0, 2.0, 3.0)
FORMATS = {"wav": "WAV, 16 bits", "wav-float": "WAV, float", "flac": "FLAC"}
LEVELS = {"as-is": "As it is", "peak": "Peak −1 dB", "loudness": "−18 LUFS"}
SHOWN_NAMES = 5
MOST_FOUND = 200


def export_setup(basket: Basket) -> None:
    """Draw the settings, and start an export when asked to."""
    with st.container(key="stack-export"):
        left, right = st.columns((1.15, 1), gap="medium")
    with left, st.container(border=True, key="export-what"):
        _what(basket)
    with right, st.container(border=True, key="export-how"):
        settings = _how(basket)
    if settings is not None:
        _go(basket, settings)


# What


def _what(basket: Basket) -> None:
    sources: dict[str, Callable[[Basket], None]] = {"Factory": _factory, "Files": _files}
    sources |= {"Library": _library} if has_library() else {}
    sources |= {"Matches": _matches}
    st.markdown("**What goes in**")
    source = st.segmented_control(
        "From", tuple(sources), default="Factory", required=True, key="export.source", label_visibility="collapsed",
        width="stretch",
    )  # fmt: skip
    sources[source or "Factory"](basket)
    _chosen(basket)


def _factory(basket: Basket) -> None:
    factory = load_factory(synth_table(SYNTH))
    counts = Counter(preset.category for preset in factory)
    kinds = st.pills(
        "Kinds", tuple(counts), format_func=lambda kind: f"{kind} {counts[kind]}", selection_mode="multi",
        key="export.kinds", label_visibility="collapsed",
    )  # fmt: skip
    picked = st.multiselect(
        "Single presets", [preset.name for preset in factory], key="export.picked", label_visibility="collapsed",
        placeholder="or single presets, by name",
    )  # fmt: skip
    wanted = [preset for preset in factory if preset.category in (kinds or ()) or preset.name in picked]
    _put_in(basket, wanted, "export.add")


def _put_in(basket: Basket, presets: list[Preset], key: str) -> None:
    st.button(
        f"Put {len(presets)} in" if presets else "Put in", key=key, icon=":material/add:", disabled=not presets,
        on_click=basket.add, args=(presets,),
    )  # fmt: skip


def _files(basket: Basket) -> None:
    files = st.file_uploader(
        "Preset files", ["json"], accept_multiple_files=True, key="export.files", max_upload_size=1
    )
    taken: set[str] = st.session_state.setdefault("export.taken", set())
    fresh = [file for file in files or [] if file.file_id not in taken]
    for file in fresh:
        taken.add(file.file_id)
        try:
            basket.add([read_preset(file, synth_table(SYNTH))])
        except MynaError as error:
            st.error(plain(str(error)), icon=":material/error:")


def _library(basket: Basket) -> None:
    words = st.text_input("Find", key="export.library.words", placeholder="warm pad, bass, bell …")
    favourites = st.toggle("Favourites only", key="export.library.favourites")
    try:
        found = library_presets(words or "", favourites, MOST_FOUND)
    except MynaError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    _put_in(basket, found, "export.library.add")


def _matches(basket: Basket) -> None:
    jobs = finished_matches()
    if not jobs:
        st.caption("Match a sound first: the presets that were found then stand here.")
        return
    best_only = st.toggle("The best of each only", True, key="export.best")
    for place, job in enumerate(jobs):
        name = plain(str(job.request["name"])[:40])
        st.button(
            f"Put “{name}” in", key=f"export.match.{place}", icon=":material/add:", on_click=attempt,
            args=(_add_match, basket, job, best_only),
        )  # fmt: skip


def _add_match(basket: Basket, job: Job, best_only: bool) -> None:
    found = list(match_presets(job).values())
    basket.add(found[:1] if best_only else found)


def _chosen(basket: Basket) -> None:
    if not basket.presets:
        st.caption("The pack is empty. Put whole kinds in, single presets, your own files, or what a match found.")
        return
    names = list(basket.presets)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**In the pack · {len(names):,}**", width="stretch")
        with st.popover("Take out", icon=":material/remove:"):
            st.session_state["export.chosen"] = names
            st.multiselect(
                "What stays", names, key="export.chosen",
                on_change=lambda: basket.keep(st.session_state["export.chosen"]),
            )  # fmt: skip
        st.button("Empty", key="export.empty", icon=":material/delete:", on_click=basket.keep, args=((),))
    st.html(pack_wall(basket.presets))


# How


def _how(basket: Basket) -> ExportSettings | None:
    """The settings; None, and why in a sentence, where they cannot be."""
    st.markdown("**How it sounds**")
    screen = st.empty()
    notes = st.multiselect("Notes", NOTES, [60], format_func=note_name, key="export.notes")
    screen.html(piano(notes))
    velocities = st.pills("Velocities", VELOCITIES, default=[100], selection_mode="multi", key="export.velocities")
    hold, tail = st.columns(2, gap="small")
    gate_s = hold.select_slider("Key held", HOLDS_S, 0.8, format_func=_seconds, key="export.gate")
    tail_s = tail.select_slider("Tail", TAILS_S, 0.7, format_func=_seconds, key="export.tail")
    kind = _choice("Format", FORMATS, "export.format")
    level = _choice("Level", LEVELS, "export.level")
    pattern = st.text_input(
        "Names", "{name} {note}", key="export.pattern", max_chars=200,
        help="Of " + ", ".join(f"{{{field}}}" for field in FIELDS),
    )  # fmt: skip
    try:
        settings = ExportSettings(
            tuple(map(float, sorted(notes))), tuple(map(float, sorted(velocities or []))), gate_s, gate_s + tail_s,
            format=kind, level=level, pattern=pattern,
        )  # fmt: skip
        _preview(basket, settings)
    except MynaError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    return settings


def _choice(title: str, words: dict[str, str], key: str) -> str:
    first = next(iter(words))
    chosen = st.segmented_control(
        title, tuple(words), default=first, format_func=words.__getitem__, required=True, key=key, width="stretch"
    )
    return chosen or first


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s"


def _preview(basket: Basket, settings: ExportSettings) -> None:
    """The first names, as they will be on the disk."""
    presets = list(basket.presets.values()) or load_factory(synth_table(SYNTH))[:1]
    names = file_names(presets, settings, SHOWN_NAMES)
    files, _ = weight(len(presets), settings)
    rest = f"… and {files - len(names):,} more" if files > len(names) else ""
    st.code("\n".join([*names, *([rest] if rest else [])]), language=None)


def _go(basket: Basket, settings: ExportSettings) -> None:
    files, size = weight(len(basket.presets), settings)
    words = f"{files:,} {'sound' if files == 1 else 'sounds'} · {_size(size)}" if files else "Put something in first"
    with st.container(horizontal=True, vertical_alignment="center", key="export-go"):
        st.markdown(f"### {words}", width="stretch")
        if st.button("Export", key="export.go", type="primary", icon=":material/archive:", disabled=not files):
            attempt(lambda: url_job("export", started=begin_export(list(basket.presets.values()), settings).id))
            st.rerun()


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB"
