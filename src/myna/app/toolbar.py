"""The line above a panel: load, undo, randomise, morph, compare, save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from myna.app.guard import read_preset
from myna.app.panel import Panel, initial_preset
from myna.app.shelf import keep_button
from myna.app.sound import renderer
from myna.app.state import attempt, plain
from myna.errors import MynaError
from myna.evaluation.report.knobs import in_words, knob_name, module_title
from myna.files import safe_stems
from myna.presets import CATEGORIES, Preset, dumps
from myna.presets.factory import load_factory
from myna.presets.search import search
from myna.presets.styles import STYLES
from myna.render import randomise_preset

__all__ = ["preset_file_name", "roll", "toolbar"]

ANY = "any"
_NAME_LENGTH = 80


def toolbar(panel: Panel) -> None:
    """Draw the line for a panel, and do what it is asked to."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="toolbar"):
        _title(panel)
        with st.popover("Presets", icon=":material/library_music:"):
            _load(panel)
        st.button(
            ":material/undo:",
            key="undo",
            help="Undo",
            shortcut="Ctrl+Z",
            disabled=not panel.can_undo,
            on_click=panel.undo,
        )
        st.button(
            ":material/redo:",
            key="redo",
            help="Redo",
            shortcut="Ctrl+Y",
            disabled=not panel.can_redo,
            on_click=panel.redo,
        )
        with st.popover("Randomise", icon=":material/casino:"):
            _randomise(panel)
        with st.popover("Morph", icon=":material/blur_linear:"):
            _morph(panel)
        changed = len(panel.differences())
        with st.popover(f"Changes · {changed}" if changed else "Changes", icon=":material/difference:"):
            _differences(panel)
        with st.popover("Save", icon=":material/download:", type="primary"):
            _save(panel)


def _title(panel: Panel) -> None:
    edited = " :orange[•]" if panel.differences() else ""
    with st.container(width="stretch", key="preset-title"):
        st.markdown(f"### {plain(panel.preset.name[:_NAME_LENGTH])}{edited}")


def _load(panel: Panel) -> None:
    words = st.text_input("Find", key="load.words", placeholder="warm pad, bass, bell …")
    found = search(load_factory(panel.table), words=words or "")
    names = {preset.name: preset for preset in found}
    chosen = st.selectbox(f"Factory presets ({len(found)})", tuple(names), key="load.factory", index=None)
    left, right = st.columns(2)
    preset = names.get(chosen or "")
    if left.button("Load", key="load.go", disabled=preset is None, type="primary", width="stretch") and preset:
        panel.load(preset)
        st.rerun()
    right.button(
        "Init", key="load.init", on_click=lambda: panel.load(initial_preset(panel.preset.synth)), width="stretch"
    )
    upload = st.file_uploader("Or a preset file", ["json"], key="load.file", max_upload_size=1)
    if upload is not None and upload.file_id != st.session_state.get("load.taken"):
        st.session_state["load.taken"] = upload.file_id
        try:
            panel.load(read_preset(upload, panel.table))
        except MynaError as error:
            st.error(plain(str(error)))
        else:
            st.rerun()


def _randomise(panel: Panel) -> None:
    st.caption("Locked modules stay. The dice on a card draw that module alone.")
    categories = (ANY, *STYLES)
    category = st.selectbox("In the manner of", categories, format_func=in_words, key="randomise.category")
    modules = st.multiselect(
        "Only these modules", panel.table.modules, format_func=module_title, key="randomise.modules"
    )
    st.button(
        "Randomise", key="randomise.go", type="primary", icon=":material/casino:", shortcut="Alt+D",
        width="stretch", on_click=roll, args=(panel, modules, None if category == ANY else category),
    )  # fmt: skip


def roll(panel: Panel, modules: Sequence[str] = (), category: str | None = None) -> None:
    """Draw modules of a panel anew, all but the locked ones where none is named."""
    attempt(_roll, panel, modules, category)


def _roll(panel: Panel, modules: Sequence[str], category: str | None) -> None:
    panel.draws += 1
    seed = panel.seed + panel.draws
    drawn = randomise_preset(panel.preset, panel.open_modules(modules), seed, category, renderer(panel.preset.synth))
    panel.change(drawn)


def _morph(panel: Panel) -> None:
    names = {preset.name: preset for preset in load_factory(panel.table)}
    st.caption(f"From {plain(panel.loaded.name[:_NAME_LENGTH])}, as it was loaded, towards another preset.")
    chosen = st.selectbox("Towards", tuple(names), key="morph.other", index=None)
    st.slider(
        "How far", 0, 100, key="morph.amount", format="%d %%", disabled=chosen is None, on_change=_moved,
        args=(panel, names.get(chosen or "")),
    )  # fmt: skip


def _moved(panel: Panel, other: Preset | None) -> None:
    if other is not None:
        panel.change(panel.morphed(other, st.session_state["morph.amount"] / 100.0))


def _differences(panel: Panel) -> None:
    found = panel.differences()
    if not found:
        st.caption("As it was loaded. What you turn is listed here.")
        return
    st.dataframe(
        {
            "Knob": [f"{module_title(c.parameter.module)} · {knob_name(c.parameter.name)}" for c in found],
            "Loaded": [in_words(c.parameter.describe(c.before)) for c in found],
            "Now": [in_words(c.parameter.describe(c.after)) for c in found],
        },
        hide_index=True,
    )
    st.button("Back to the loaded preset", key="revert", on_click=panel.change, args=(panel.loaded,))


def _save(panel: Panel) -> None:
    name = st.text_input("Name", panel.preset.name[:_NAME_LENGTH], max_chars=_NAME_LENGTH, key="save.name")
    here = CATEGORIES.index(panel.preset.category)
    category = st.selectbox("Category", CATEGORIES, here, key="save.category")
    preset = replace(panel.preset, name=name.strip() or "Untitled", category=category or "other")
    st.download_button(
        "Download preset", dumps(preset), preset_file_name(preset), "application/json", key="save.download",
        type="primary", icon=":material/download:", width="stretch", on_click="ignore",
    )  # fmt: skip
    keep_button(preset, "save.keep")


def preset_file_name(preset: Preset) -> str:
    """A file name that any system takes."""
    return f"{safe_stems([preset.name])[0]}.json"
