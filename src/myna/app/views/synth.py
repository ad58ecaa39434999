"""The Synth page: play a preset by hand, and turn every knob of it."""

from __future__ import annotations

import secrets

import streamlit as st

from myna.app import draw
from myna.app.cards import RACKS, in_columns, module_card, modules_in
from myna.app.keys import Keys, keyboard
from myna.app.panel import Panel, first_preset
from myna.app.sound import SAMPLE_RATE, level_of, listen, player
from myna.app.state import held, take_preset, tell_trouble
from myna.app.toolbar import roll, toolbar

COLUMNS = 3


def show() -> None:
    """Draw the page."""
    panel = held("synth.panel", lambda: Panel(first_preset(), seed=secrets.randbelow(2**31)))
    keys = held("synth.keys", Keys)
    sent = take_preset()
    if sent is not None:
        panel.load(sent)
    toolbar(panel)
    tell_trouble()
    _stage(panel, keys)
    _racks(panel, keys)


def _stage(panel: Panel, keys: Keys) -> None:
    """What is heard: waveform, spectrogram, player, level, keyboard."""
    probe = keys.probe
    with st.spinner("Warming up the synth; the very first time this takes half a minute."):
        audio = listen(panel.preset, probe)
    with st.container(key="stage"):
        wave, spectrum, play = st.columns((1.1, 1.1, 1.3), gap="small")
    with wave:
        st.html(draw.waveform(audio, SAMPLE_RATE, probe.gate_s))
    with spectrum:
        st.html(draw.spectrogram(audio, SAMPLE_RATE))
    with play, st.container(border=True):
        player(audio, autoplay=keys.autoplay, name=panel.preset.name, take=keys.take)
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(width="stretch"):
                st.html(draw.meter(level_of(audio)))
            keys.autoplay = st.toggle("Autoplay", keys.autoplay, key="synth.autoplay", help="Hear every change at once")
        keyboard(keys)


def _racks(panel: Panel, keys: Keys) -> None:
    """The modules, one rack at a time."""
    rack = st.segmented_control(
        "Rack", tuple(RACKS), default=next(iter(RACKS)), required=True, key="rack", label_visibility="collapsed",
        width="stretch", bind="query-params",
    )  # fmt: skip
    probe = keys.probe
    shelves = in_columns(panel, modules_in(panel.table, rack or next(iter(RACKS))), COLUMNS)
    for column, modules in zip(st.columns(COLUMNS, gap="small"), shelves, strict=True):
        with column:
            for module in modules:
                module_card(panel, module, probe.gate_s, probe.total_s, lambda name: roll(panel, [name]))


show()
