"""What is played on a page: note, velocity, how long the key is held, and whether each change is heard at once."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from myna.app.knobs import show
from myna.synth.base import Probe
from myna.units import NOTES

__all__ = ["Keys", "keyboard"]

OCTAVES = range(0, 9)
GATES_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0)
TAIL_S = 0.7
"""What is heard after the key has gone up."""


@dataclass
class Keys:
    """A session's keyboard."""

    note: int = 60
    velocity: int = 100
    gate_s: float = 0.8
    autoplay: bool = True
    take: int = 0

    @property
    def probe(self) -> Probe:
        """The note as a synth plays it."""
        return Probe(self.note, self.velocity, self.gate_s, self.gate_s + TAIL_S)


def keyboard(keys: Keys) -> None:
    """Draw a keyboard of one octave, and what goes with it; it writes into `keys`."""
    with st.container(key="keyboard"):
        show("keys.note", NOTES[keys.note % 12])
        st.segmented_control(
            "Note", NOTES, key="keys.note", required=True, label_visibility="collapsed", on_change=_pressed,
            args=(keys,), width="stretch",
        )  # fmt: skip
    with st.container(key="keys"):
        octave, velocity, gate = st.columns(3, gap="small", wrap=False)
    with octave:
        show("keys.octave", min(max(keys.note // 12 - 1, OCTAVES[0]), OCTAVES[-1]))
        st.select_slider("Octave", OCTAVES, key="keys.octave", on_change=_pressed, args=(keys,))
    with velocity:
        show("keys.velocity", keys.velocity)
        st.slider("Velocity", 1, 127, key="keys.velocity", on_change=_set, args=(keys, "velocity"))
    with gate:
        show("keys.gate_s", min(GATES_S, key=lambda held_s: abs(held_s - keys.gate_s)))
        st.select_slider(
            "Hold", GATES_S, format_func=lambda held_s: f"{held_s:g} s", key="keys.gate_s", on_change=_set,
            args=(keys, "gate_s"),
        )  # fmt: skip


def _pressed(keys: Keys) -> None:
    keys.note = 12 * (st.session_state["keys.octave"] + 1) + NOTES.index(st.session_state["keys.note"])
    keys.take += 1


def _set(keys: Keys, name: str) -> None:
    setattr(keys, name, st.session_state[f"keys.{name}"])
