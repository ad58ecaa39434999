"""The line above a comparison: what A and B are, where they come from, and whether they are equally loud."""

from __future__ import annotations

from typing import Any

import streamlit as st

from myna.app.guard import AUDIO_TYPES, MAX_UPLOAD_MB
from myna.app.matches import finished_matches, match_sounds
from myna.app.pair import Pair, Sound, played, uploaded, uploaded_preset
from myna.app.panel import Panel
from myna.app.state import attempt, plain
from myna.presets import Preset
from myna.presets.factory import load_factory
from myna.presets.search import search
from myna.render import find_preset
from myna.synth.base import Probe
from myna.synth.registry import synth_table
from myna.units import note_name

__all__ = ["pair_setup", "take_example"]

SOURCES = ("Sound file", "Preset", "Match")
NOTES = (24, 36, 48, 60, 72, 84)
GATE_S, TOTAL_S, VELOCITY = 0.8, 1.5, 100
SYNTH = "serum-lite"
EXAMPLE = ("Silver Flute", "Andean Pipes")


def pair_setup(pair: Pair) -> None:
    """Draw the line."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="pair"):
        _chooser(pair, "a")
        st.button(
            ":material/swap_horiz:", key="pair.swap", help="Exchange A and B", type="tertiary", on_click=pair.swap,
            disabled=pair.a is None and pair.b is None,
        )  # fmt: skip
        _chooser(pair, "b")
        st.toggle(
            "Equal loudness", pair.equal, key="pair.equal", on_change=_set_equal, args=(pair,),
            help="Both at one loudness (ITU-R BS.1770), or each at its own level",
        )  # fmt: skip


def _set_equal(pair: Pair) -> None:
    pair.equal = bool(st.session_state["pair.equal"])


def _chooser(pair: Pair, side: str) -> None:
    sound: Sound | None = getattr(pair, side)
    title = "choose a sound" if sound is None else plain(sound.name[:40])
    colour = "blue" if side == "a" else "orange"
    with st.popover(f":{colour}[**{side.upper()}**] {title}", width="stretch", key=f"choose-{side}"):
        source = st.segmented_control(
            "From", SOURCES, default=SOURCES[0], required=True, key=f"{side}.source", label_visibility="collapsed",
            width="stretch",
        )  # fmt: skip
        {"Sound file": _files, "Preset": _presets, "Match": _matches}[source or SOURCES[0]](pair, side)


def _files(pair: Pair, side: str) -> None:
    file = st.file_uploader(
        f"WAV, FLAC, OGG, AIFF or MP3, up to {MAX_UPLOAD_MB} MB", AUDIO_TYPES, key=f"{side}.file",
        max_upload_size=MAX_UPLOAD_MB,
    )  # fmt: skip
    if _is_new(file, f"{side}.file"):
        attempt(lambda: pair.put(side, uploaded(file)))
        st.rerun()


def _is_new(file: Any, key: str) -> bool:
    """Whether an upload has not been taken in yet."""
    mark, taken = getattr(file, "file_id", None), f"{key}.taken"
    if file is None or st.session_state.get(taken) == mark:
        return False
    st.session_state[taken] = mark
    return True


def _presets(pair: Pair, side: str) -> None:
    note = st.select_slider("Note", NOTES, 48, format_func=note_name, key=f"{side}.note")
    probe = Probe(note, VELOCITY, GATE_S, TOTAL_S)
    words = st.text_input("Find", key=f"{side}.words", placeholder="warm pad, bass, bell …")
    names = _known(words or "")
    chosen = st.selectbox(f"Presets ({len(names)})", tuple(names), key=f"{side}.preset", index=None)
    preset = names.get(chosen or "")
    if st.button(
        "Take this", key=f"{side}.take", disabled=preset is None, type="primary", width="stretch"
    ) and preset:  # fmt: skip
        attempt(lambda: pair.put(side, played(preset, probe)))
        st.rerun()
    file = st.file_uploader("Or a preset file", ["json"], key=f"{side}.json", max_upload_size=1)
    if _is_new(file, f"{side}.json"):
        attempt(lambda: pair.put(side, uploaded_preset(file, synth_table(SYNTH), probe)))
        st.rerun()


def _known(words: str) -> dict[str, Preset]:
    """The preset on the Synth page, and those of the factory."""
    panel = st.session_state.get("synth.panel")
    here = {f"{panel.preset.name} (on the Synth page)": panel.preset} if isinstance(panel, Panel) else {}
    return here | {preset.name: preset for preset in search(load_factory(synth_table(SYNTH)), words=words)}


def _matches(pair: Pair, side: str) -> None:
    jobs = finished_matches()
    if not jobs:
        st.caption("Match a sound first: its target, its match and the alternatives then stand here.")
        return
    sounds: dict[str, Sound] = {}
    attempt(lambda: [sounds.update(match_sounds(job)) for job in jobs])
    chosen = st.selectbox("From this session's matches", tuple(sounds), key=f"{side}.match", index=None)
    sound = sounds.get(chosen or "")
    if st.button(
        "Take this", key=f"{side}.found", disabled=sound is None, type="primary", width="stretch"
    ) and sound:  # fmt: skip
        pair.put(side, sound)
        st.rerun()


def take_example(pair: Pair) -> None:
    """Let the pair be two presets of the factory."""
    probe = Probe(48, VELOCITY, GATE_S, TOTAL_S)
    pair.a, pair.b = (played(find_preset(name), probe) for name in EXAMPLE)
