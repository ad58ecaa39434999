"""The Match page before a search: the sound, what was understood of it, and how to search."""

from __future__ import annotations

import streamlit as st

from myna.app import draw
from myna.app.guard import AUDIO_TYPES, MAX_UPLOAD_MB
from myna.app.jobs import the_jobs
from myna.app.match_session import Bytes, Draft, begin, draft, take_sound
from myna.app.panel import Panel
from myna.app.sound import example_sound, level_of, player
from myna.app.speed import in_words, seconds_for
from myna.app.state import plain
from myna.audio.target import Target
from myna.evaluation.report.knobs import module_title
from myna.presets import Preset
from myna.presets.factory import load_factory
from myna.render import find_preset
from myna.synth.registry import SYNTHS, synth_table
from myna.units import note_name

__all__ = ["BUDGETS", "setup"]

BUDGETS = (16, 32, 64, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 4000, 5000)
USUAL_BUDGET = 700
METHODS = {
    "auto": "Auto: SAC policy, then descent",
    "retrieval": "Retrieval, the nearest known preset",
    "retrieval+cma-es": "Retrieval, then CMA-ES",
    "cma-es": "CMA-ES from nowhere",
    "cat-cma-es": "CMA-ES that also picks choices",
    "regression": "Regression, one guess",
    "regression+cma-es": "Regression, then CMA-ES",
    "regression+descent": "Regression, then descent",
    "cloning": "Cloned policy",
    "cloning+cma-es": "Cloned policy, then CMA-ES",
    "sac": "SAC policy",
    "sac+bank": "SAC policy from several starts",
    "sac+proxy": "SAC policy and proxy planner by turns",
    "policy+cma-es": "SAC policy, then CMA-ES",
    "proxy": "Proxy planner",
    "proxy+cma-es": "Proxy planner, then CMA-ES",
    "proxy+descent": "Proxy planner, then descent",
    "random": "Random search, to compare with",
    "mean-preset": "The mean preset, to compare with",
}
"""The agents in words; written down here, as to import them loads what only a search needs."""
NONE = "nothing"
RECORD_HZ = 44_100


def setup() -> None:
    """Draw the settings, and start a match when asked to."""
    current = draft()
    left, right = st.columns((1, 1), gap="medium")
    with left, st.container(border=True, key="match-sound"):
        st.markdown("**1 · Your sound**")
        _sources(current)
    with right, st.container(border=True, key="match-search"):
        if current.sound is None:
            _teach()
        else:
            st.markdown("**2 · The search**")
            _search(current, current.understood())


def _teach() -> None:
    st.markdown("**How it works**")
    st.markdown(
        "1. Give one note of any sound: a bass, a bell, a voice.\n"
        "2. myna hears its pitch and length, and turns the knobs of its synth until it sounds alike.\n"
        "3. Take the preset: play it, tweak it, download it."
    )
    st.caption("Best with a single dry note of up to 4 s. The first note in the file counts.")


def _sources(current: Draft) -> None:
    source = st.segmented_control(
        "Source", ("Upload", "Record", "Example"), default="Upload", required=True, key="match.source",
        label_visibility="collapsed", width="stretch",
    )  # fmt: skip
    if source == "Record":
        _taken(st.audio_input("Record one note", sample_rate=RECORD_HZ, key="match.record"))
    elif source == "Example":
        names = tuple(preset.name for preset in load_factory(synth_table("serum-lite")))
        st.selectbox("Let a factory preset play", names, key="match.example")
        st.button("Take this sound", key="match.take", on_click=_take_example)
    else:
        _taken(
            st.file_uploader(
                f"WAV, FLAC, OGG, AIFF or MP3, up to {MAX_UPLOAD_MB} MB",
                AUDIO_TYPES,
                key="match.upload",
                max_upload_size=MAX_UPLOAD_MB,
            )
        )
    if current.sound is not None:
        _understood(current)


def _taken(upload: object) -> None:
    """Take a new upload in, once; it stays when the widget is gone."""
    mark = getattr(upload, "file_id", None)
    if upload is not None and st.session_state.get("match.taken") != mark:
        st.session_state["match.taken"] = mark
        take_sound(upload)
        st.rerun()


def _take_example() -> None:
    preset = find_preset(st.session_state["match.example"])
    take_sound(Bytes(preset.name, example_sound(preset)))


def _understood(current: Draft) -> None:
    """What was heard, to be listened to and corrected."""
    target, heard = current.understood(), current.understood(as_heard=True)
    st.html(draw.waveform(target.audio, target.sample_rate, target.gate_s, label=f"{target.total_s:.2f} s"))
    player(target.audio, target.sample_rate, name=target.name)
    st.html(draw.meter(level_of(target.audio, target.sample_rate)))
    pitch = note_name(heard.note_midi) if heard.voiced else "no clear pitch"
    st.markdown(f"**{plain(target.name)}** · heard {pitch}, held {heard.gate_s:.2f} s")
    for warning in target.warnings:
        st.caption(plain(warning))
    note, gate = st.columns(2, gap="small")
    with note:
        key = f"match.note.{current.took}"
        shown = note_name(target.note_midi)
        st.number_input(
            f"Note · {shown}", 0.0, 127.0, float(target.note_midi), 1.0, format="%.2f", key=key, on_change=_correct,
            args=(current, "note", key), help="MIDI note; 60 is middle C",
        )  # fmt: skip
    with gate:
        key = f"match.gate.{current.took}"
        st.slider(
            "Held", 0.01, max(0.02, round(target.total_s, 2)), round(target.gate_s, 2), 0.01, format="%.2f s", key=key,
            on_change=_correct, args=(current, "gate_s", key), help="How long the key is held",
        )  # fmt: skip


def _correct(current: Draft, name: str, key: str) -> None:
    setattr(current, name, float(st.session_state[key]))


def _search(current: Draft, target: Target) -> None:
    synth_column, agent_column = st.columns(2, gap="small")
    synth = synth_column.selectbox("Synth", tuple(SYNTHS), key="match.synth")
    agent = agent_column.selectbox("Method", tuple(METHODS), format_func=METHODS.__getitem__, key="match.agent")
    budget = st.select_slider("Renders it may spend", BUDGETS, USUAL_BUDGET, key="match.budget")
    _time(budget, target)
    _start(current, synth)
    the_jobs().warm("match")
    if st.button("Match", key="match.go", type="primary", icon=":material/graphic_eq:", width="stretch"):
        request = {
            "name": target.name,
            "note": current.note,
            "gate": current.gate_s,
            "synth": synth,
            "agent": agent,
            "budget": budget,
            "top": TOP,
            "lock": list(current.lock) if current.start else [],
        }
        begin(current.data, request, current.start)
        st.rerun()


TOP = 5
"""The best and four others that differ to the ear."""


def _time(budget: int, target: Target) -> None:
    """How long it will take; asked again and again until the speed is known."""
    again_s = 2.0 if seconds_for(budget, target.total_s) is None else None
    st.fragment(_tell_time, run_every=again_s)(budget, target)


def _tell_time(budget: int, target: Target) -> None:
    seconds = seconds_for(budget, target.total_s)
    st.caption("Measuring how fast this machine is …" if seconds is None else f"Takes about {in_words(seconds)} here.")


def _start(current: Draft, synth: str) -> None:
    """A preset to start from, and what to keep of it."""
    with st.expander("Start from a preset, and keep parts of it", expanded=current.start is not None):
        presets = _starts(current, synth)
        here = list(presets).index(current.start.name) if current.start and current.start.name in presets else 0
        chosen = st.selectbox("Start from", tuple(presets), here, key=f"match.start.{current.took}")
        current.start = presets[chosen] if chosen else None
        modules = synth_table(synth).modules
        lock = st.multiselect(
            "Keep", modules, format_func=module_title, key="match.lock", disabled=current.start is None,
            placeholder="modules that stay as they are",
        )  # fmt: skip
        current.lock = tuple(lock)


def _starts(current: Draft, synth: str) -> dict[str, Preset | None]:
    """Presets to start from, by name: the draft's own, the one on the Synth page, the factory's."""
    found: dict[str, Preset | None] = {NONE: None}
    if current.start is not None:
        found[current.start.name] = current.start
    panel = st.session_state.get("synth.panel")
    if isinstance(panel, Panel) and panel.preset.synth == synth:
        found[f"{panel.preset.name} (on the Synth page)"] = panel.preset
    return found | {preset.name: preset for preset in load_factory(synth_table(synth))}
