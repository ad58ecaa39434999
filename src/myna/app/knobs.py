"""The widget of a knob, made from its `Parameter` alone: a new parameter needs nothing here.

Switches are toggles, choices are buttons or a list, whole numbers a slider, and the rest a slider over what a person
reads (`1.2 kHz`, `35 ms`), spaced along the knob's curve. The panel holds the values; the widgets show them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from myna.evaluation.report.knobs import in_words, knob_name
from myna.params import Parameter

__all__ = ["BUTTONS", "knob", "positions", "show"]

STEPS = 200
"""Positions of a continuous knob, ends and middle included; fewer where two read alike."""
BUTTONS = 4
"""Choices that are shown as buttons; more are a list."""
Turned = Callable[[dict[str, Any]], None]


def knob(parameter: Parameter, value: Any, turned: Turned, *, disabled: bool = False) -> None:
    """Draw one knob.

    Args:
        parameter: which.
        value: as a preset writes it.
        turned: called with {name: value} when a person turns it.
        disabled: shown, but not to be turned.
    """
    key = f"knob.{parameter.name}"
    show(key, _shown(parameter, value))
    rest: dict[str, Any] = {
        "key": key,
        "help": parameter.help or None,
        "on_change": _turned,
        "args": (parameter, key, turned),
        "disabled": disabled,
    }
    label = knob_name(parameter.name).capitalize()
    if parameter.kind == "boolean":
        st.toggle(label, **rest)
    elif parameter.kind == "categorical" and len(parameter.choices) <= BUTTONS:
        st.segmented_control(label, parameter.choices, format_func=in_words, required=True, **rest)
    elif parameter.kind == "categorical":
        st.selectbox(label, parameter.choices, format_func=in_words, **rest)
    elif parameter.kind == "integer":
        st.slider(label, int(parameter.low), int(parameter.high), **rest)
    else:
        st.select_slider(label, tuple(positions(parameter)), **rest)


def show(key: str, value: Any) -> None:
    """Let a widget that is drawn next show a value; one that shows it already is left alone."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


@functools.cache
def positions(parameter: Parameter) -> dict[str, float]:
    """What a continuous knob can be set to by hand: as a person reads it → its value, in order."""
    values = parameter.decode(np.linspace(0.0, 1.0, STEPS + 1))
    found: dict[str, float] = {}
    for value in values.tolist():
        found.setdefault(parameter.describe(value), value)
    return found


@functools.cache
def _places(parameter: Parameter) -> tuple[tuple[str, ...], np.ndarray]:
    """The texts of `positions`, and the u of each."""
    found = positions(parameter)
    return tuple(found), parameter.encode(np.array(list(found.values())))


def _shown(parameter: Parameter, value: Any) -> Any:
    """A value as its widget shows it: of a continuous knob, the nearest position."""
    if parameter.kind != "continuous":
        return value
    texts, u = _places(parameter)
    return texts[int(np.abs(u - float(parameter.encode(value))).argmin())]


def _turned(parameter: Parameter, key: str, turned: Turned) -> None:
    shown = st.session_state[key]
    turned({parameter.name: positions(parameter)[shown] if parameter.kind == "continuous" else shown})
