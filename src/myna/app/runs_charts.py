"""Charts of the Runs page: a figure of one or several runs over their steps, and losses of agents over renders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from myna.runs.log import Curve, thinned

if TYPE_CHECKING:
    from myna.runs.evaluations import Row

__all__ = ["COLOURS", "curve_chart", "loss_chart", "spark"]

COLOURS = ("#4da3ff", "#f0a13a", "#5fbf6b", "#b48cff", "#ff7a6b", "#3fc6c6", "#e06fb3", "#a8a24a", "#8b93a7", "#c97b4a",
           "#6f8cff", "#58c48f", "#d1566b")  # fmt: skip
"""Told apart on dark and on light; the first ones are the most distinct."""
HEIGHT = 210
_POINTS = 400


def curve_chart(title: str, curves: Mapping[str, Curve], *, key: str, log: bool = False, help: str = "") -> None:
    """Draw a figure's curves, one for each name.

    Args:
        title: what is above it.
        curves: name in the legend → points; one without points is not drawn.
        key: of the chart.
        log: whether the figure's axis is logarithmic; only what is above 0 is drawn then.
        help: what the figure is.
    """
    parts = []
    for name, curve in curves.items():
        shown = thinned(curve, _POINTS)
        parts.append(pd.DataFrame({"step": shown.steps, "value": shown.values, "curve": name}))
    points = pd.concat(parts, ignore_index=True)
    points = points.query("value > 0") if log else points
    _chart(title, points, list(curves), "step", "value", "curve", log, key, help=help)


def loss_chart(title: str, rows: Sequence[Row], *, key: str) -> None:
    """Draw the median loss of agents over renders, both logarithmic; what spends none is in the table alone."""
    moving = [row for row in rows if row.renders > 0 and row.median > 0.0]
    columns = {"renders": "renders", "loss": "median", "agent": "agent"}
    points = pd.DataFrame({name: [getattr(row, field) for row in moving] for name, field in columns.items()})
    names = list(dict.fromkeys(row.agent for row in moving))
    _chart(title, points, names, "renders", "loss", "agent", True, key, x_log=True, height=320)


def _chart(
    title: str, points: pd.DataFrame, names: list[str], x: str, y: str, colour: str, log: bool, key: str,
    x_log: bool = False, height: int = HEIGHT, help: str = "",
) -> None:  # fmt: skip
    import altair as alt

    scale = alt.Scale(domain=names, range=[COLOURS[i % len(COLOURS)] for i in range(len(names))])
    kinds: dict[bool, Any] = {True: alt.Scale(type="log", nice=False), False: alt.Scale(zero=False)}
    legend = (
        None if len(names) < 2 else alt.Legend(title=None, orient="top", labelLimit=160, columns=4, padding=0, offset=4)
    )
    hover = alt.selection_point(fields=[x], nearest=True, on="pointerover", empty=False, clear="pointerout")
    base = alt.Chart(points).encode(
        x=alt.X(f"{x}:Q", title=None, scale=alt.Scale(type="log", nice=False) if x_log else alt.Undefined,
                axis=alt.Axis(format="~s", tickCount=5, grid=False, labelFlush=True)),
        y=alt.Y(f"{y}:Q", title=None, scale=kinds[log], axis=alt.Axis(format=".6~g", tickCount=5)),
        color=alt.Color(f"{colour}:N", scale=scale, legend=legend),
    )  # fmt: skip
    tooltip = [
        alt.Tooltip(f"{colour}:N", title=""),
        alt.Tooltip(f"{x}:Q", format=",.0f"),
        alt.Tooltip(f"{y}:Q", format=".4~g"),
    ]
    lines = base.mark_line(strokeWidth=1.8, interpolate="linear", point=len(points) < 40)
    dots = base.mark_point(size=60, filled=True).encode(
        opacity=alt.condition(hover, alt.value(1), alt.value(0)), tooltip=tooltip
    ).add_params(hover)  # fmt: skip
    with st.container(border=True, key=f"chart-{key}"):
        if title:
            st.markdown(f"**{title}**", help=help or None)
        st.altair_chart((lines + dots).properties(height=height), key=f"altair.{key}")


def spark(curve: Curve | None, width: float = 120.0, height: float = 26.0) -> str:
    """A curve's shape as a small picture in HTML; empty without two points."""
    from myna.app.draw import screen

    if curve is None or len(curve.steps) < 2:
        return ""
    shown = thinned(curve, 60)
    low, high = float(shown.values.min()), float(shown.values.max())
    first, last = int(shown.steps[0]), int(shown.steps[-1])
    x = (shown.steps - first) / max(last - first, 1) * width
    y = height - 3.0 - (shown.values - low) / max(high - low, 1e-12) * (height - 6.0)
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
    return screen(f'<path class="trace" d="{path}"/>', width, height, kind="spark")
