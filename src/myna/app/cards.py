"""The modules of a panel as cards: a screen with its drawing, its switch, lock and dice, and its knobs.

Where a module goes follows from its name, so a new module needs nothing here.

A *table module* is one whose knobs come numbered (`matrix.source_1`, …): it is shown as a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from myna.app import draw
from myna.app.knobs import BUTTONS, knob, show
from myna.app.panel import Panel
from myna.evaluation.report.knobs import in_words, module_title
from myna.params import Parameter, ParameterTable

__all__ = ["RACKS", "edited_rows", "in_columns", "module_card", "modules_in", "numbered"]

RACKS: dict[str, tuple[str, ...]] = {
    "Oscillators": ("osc", "sub", "noise"),
    "Filter & envelopes": ("filter", "env"),
    "LFOs & matrix": ("lfo", "matrix"),
    "Effects & output": (),
}
"""The racks of the panel and the beginnings of the modules in them; the last one takes what fits nowhere else."""
ABREAST = 3
"""Knobs in a row of a card."""
_NUMBERED = re.compile(r"(.+)_(\d+)")


def modules_in(table: ParameterTable, rack: str) -> list[str]:
    """The modules of a rack, in the table's order."""
    known = {start for starts in RACKS.values() for start in starts}
    wanted = RACKS[rack]
    start_of = {module: module.partition("_")[0] for module in table.modules}
    return [m for m in table.modules if start_of[m] in wanted or (not wanted and start_of[m] not in known)]


def in_columns(panel: Panel, modules: list[str], columns: int) -> list[list[str]]:
    """Modules in columns of about one height: each goes to the shortest so far, the first one where they are alike."""
    shelves: list[list[str]] = [[] for _ in range(columns)]
    heights = [0] * columns
    for module in modules:
        place = heights.index(min(heights))
        shelves[place].append(module)
        heights[place] += _height(panel, module)
    return shelves


def _height(panel: Panel, module: str) -> int:
    """About how many rows of knobs a card is high."""
    knobs = [p for p in panel.table.parameters if p.module == module]
    return 4 + len(knobs) // ABREAST if panel.values.get(f"{module}.on", True) else 1


def module_card(panel: Panel, module: str, gate_s: float, total_s: float, roll: Callable[[str], None]) -> None:
    """Draw one module.

    Args:
        panel: whose.
        module: its name.
        gate_s: seconds that the key is held, for the drawings.
        total_s: seconds of the whole sound.
        roll: called with the module's name when a person asks for it to be drawn anew.
    """
    knobs = [p for p in panel.table.parameters if p.module == module]
    switch = next((p for p in knobs if p.name == f"{module}.on" and p.kind == "boolean"), None)
    on = switch is None or bool(panel.values[switch.name])
    with st.container(border=True, key=f"card-{module}{'' if on else '-off'}"):
        _head(panel, module, switch, roll)
        picture = draw.module_screen(panel.values, module, gate_s, total_s) if on else None
        if picture:
            st.html(picture)
        rows = numbered(panel.table, module)
        if rows:
            _table(panel, module, rows)
        elif on:
            _grid(panel, [p for p in knobs if p is not switch])


def _head(panel: Panel, module: str, switch: Parameter | None, roll: Callable[[str], None]) -> None:
    title = module_title(module)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"head-{module}"):
        if switch is None:
            st.markdown(f"**{title}**", width="stretch")
        else:
            with st.container(width="stretch"):
                _switch(panel, switch, title)
        locked = module in panel.locked
        icon = ":material/lock:" if locked else ":material/lock_open:"
        words = "Randomising may change it" if locked else "Keep it as it is when randomising"
        st.button(icon, key=f"lock.{module}", help=words, type="tertiary", on_click=_lock, args=(panel, module))
        st.button(
            ":material/casino:", key=f"roll.{module}", help=f"Draw {title} anew", type="tertiary",
            disabled=locked, on_click=roll, args=(module,),
        )  # fmt: skip


def _switch(panel: Panel, switch: Parameter, title: str) -> None:
    key = f"knob.{switch.name}"
    show(key, bool(panel.values[switch.name]))
    st.toggle(f"**{title}**", key=key, on_change=lambda: panel.turn({switch.name: st.session_state[key]}))


def _lock(panel: Panel, module: str) -> None:
    panel.locked ^= {module}


def _grid(panel: Panel, knobs: list[Parameter]) -> None:
    """Choices first, buttons one by one and lists two by two; then the other knobs three by three."""
    buttons = [p for p in knobs if p.kind == "categorical" and len(p.choices) <= BUTTONS]
    lists = [p for p in knobs if p.kind == "categorical" and len(p.choices) > BUTTONS]
    others = [p for p in knobs if p.kind != "categorical"]
    for some, abreast in ((buttons, 1), (lists, min(2, len(lists))), (others, ABREAST)):
        for start in range(0, len(some), max(abreast, 1)):
            columns = st.columns(abreast, gap="small", wrap=False)
            for column, parameter in zip(columns, some[start : start + abreast], strict=False):
                with column:
                    knob(parameter, panel.values[parameter.name], panel.turn)


def numbered(table: ParameterTable, module: str) -> dict[str, list[Parameter]]:
    """The columns of a table module, in order: name → its knob in each row; empty for any other module."""
    columns: dict[str, list[Parameter]] = {}
    for parameter in (p for p in table.parameters if p.module == module):
        match = _NUMBERED.fullmatch(parameter.name.partition(".")[2])
        if match is None:
            return {}
        columns.setdefault(match.group(1), []).append(parameter)
    return columns


def _table(panel: Panel, module: str, columns: dict[str, list[Parameter]]) -> None:
    """A table module as an editor; what somebody else changed in it begins a new one."""
    shown = {name: [panel.values[p.name] for p in knobs] for name, knobs in columns.items()}
    state = st.session_state.setdefault(f"table.{module}", {"base": shown, "turn": 0})
    key = f"table.{module}.{state['turn']}"
    edits = st.session_state.get(key, {}).get("edited_rows", {})
    if edited_rows(columns, state["base"], edits) != shown:
        state["base"], state["turn"] = shown, state["turn"] + 1
        key = f"table.{module}.{state['turn']}"
    st.data_editor(
        pd.DataFrame(state["base"]),
        key=key,
        hide_index=True,
        num_rows="fixed",
        row_height=30,
        column_config={name: _column(name, knobs[0]) for name, knobs in columns.items()},
        on_change=_edited,
        args=(panel, columns, state["base"], key),
    )


def _column(name: str, parameter: Parameter) -> Any:
    title = in_words(name).capitalize()
    if parameter.kind == "categorical":
        return st.column_config.SelectboxColumn(title, options=parameter.choices, required=True, help=parameter.help)
    return st.column_config.NumberColumn(
        title, min_value=parameter.low, max_value=parameter.high, step=0.001, format="%+.3f", required=True,
        help=parameter.help,
    )  # fmt: skip


def edited_rows(
    columns: dict[str, list[Parameter]], base: dict[str, list[Any]], edits: dict[int, dict[str, Any]]
) -> dict[str, list[Any]]:
    """A table after a person's edits ({row: {column: value}}); a cell that was emptied keeps what it had."""
    rows = {name: list(cells) for name, cells in base.items()}
    for row, cells in edits.items():
        for name, value in cells.items():
            if name in rows and value is not None:
                rows[name][int(row)] = float(value) if columns[name][0].kind == "continuous" else value
    return rows


def _edited(panel: Panel, columns: dict[str, list[Parameter]], base: dict[str, list[Any]], key: str) -> None:
    rows = edited_rows(columns, base, st.session_state[key]["edited_rows"])
    panel.turn({p.name: value for name, cells in rows.items() for p, value in zip(columns[name], cells, strict=True)})
