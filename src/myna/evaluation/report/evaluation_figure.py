"""The main figure of an evaluation as files: quality against renders by kind of sound, and under each who is best.

The same numbers, colours and axes as on the page.
"""

from __future__ import annotations

import io
from typing import Any

from myna.evaluation.report.evaluation_board import Board, Panel
from myna.evaluation.report.evaluation_colours import HUES, Look, looks
from myna.evaluation.report.evaluation_curves import Scale, scale_of
from myna.evaluation.report.evaluation_verdict import Verdict, verdicts
from myna.evaluation.summary import Standing

__all__ = ["draw_figure"]

PANEL_INCHES, HEIGHT_INCHES = 4.4, 4.6
INK, QUIET, LINE = "#1b1d24", "#646b7a", "#e2ded5"
SALT = {"svg.hashsalt": "myna", "svg.fonttype": "path"}
LABEL_POINTS = 9.5
"""Least distance of two labels, in points."""


def draw_figure(board: Board) -> tuple[bytes, bytes]:
    """As SVG and as PNG, the same bytes for the same board."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = len(board.kinds)
    with mpl.rc_context(SALT):
        figure = Figure(figsize=(PANEL_INCHES * count + 0.5, HEIGHT_INCHES), dpi=160, facecolor="white")
        FigureCanvasAgg(figure)
        figure.subplots_adjust(
            left=0.6 / (PANEL_INCHES * count),
            right=1 - 1.2 / (PANEL_INCHES * count),
            top=0.89,
            bottom=0.31,
            wspace=0.48,
        )
        scale = scale_of(board)
        for place, panel in enumerate(board.kinds):
            axes = figure.add_subplot(1, count, place + 1)
            _draw_panel(axes, panel, board, scale)
            if place == 0:
                axes.set_ylabel("median loss  (0 = identical, 1 = two random presets)", fontsize=8, color=QUIET)
        return _saved(figure, "svg"), _saved(figure, "png")


def _saved(figure: Any, kind: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return buffer.getvalue()


def _draw_panel(axes: Any, panel: Panel, board: Board, scale: Scale) -> None:
    _style(axes, panel, board, scale)
    look, ends = looks(board.agents), {}
    for agent in board.agents:
        own = [panel.of[agent, mark] for mark in panel.renders if (agent, mark) in panel.of]
        if own:
            _draw_agent(axes, own, look[agent], scale)
            ends[agent] = own[-1].median
    _label(axes, ends, look, scale)
    if panel.floor is not None and panel.floor.median >= scale.low:
        axes.axhline(panel.floor.median, color=QUIET, linewidth=0.8, linestyle=":")
        axes.text(scale.first, panel.floor.median, "noise floor", fontsize=7, color=QUIET, va="bottom")
    for row, one in enumerate(verdicts(panel, board.asked_renders, board.baseline)):
        _write(axes, one, row, look)


def _style(axes: Any, panel: Panel, board: Board, scale: Scale) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(scale.first / 1.15, scale.last * 1.15)
    axes.set_ylim(scale.low, scale.high)
    axes.set_xticks(board.renders, [f"{mark:,}" for mark in board.renders])
    steps = [step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2) if scale.low <= step <= scale.high]
    axes.set_yticks(steps, [f"{step:g}" for step in steps])
    axes.minorticks_off()
    axes.grid(color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=QUIET, labelsize=8, length=0)
    axes.set_xlabel("renders", fontsize=8, color=QUIET)
    sounds = f"{panel.targets} sound{'s' if panel.targets != 1 else ''}"
    axes.set_title(f"{panel.title} · {sounds}", fontsize=10.5, fontweight="bold", color=INK, loc="left")
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_agent(axes: Any, own: list[Standing], look: Look, scale: Scale) -> None:
    marks, medians = [one.renders for one in own], [one.median for one in own]
    low, high = ([max(value, scale.low) for value in side] for side in ([o.low for o in own], [o.high for o in own]))
    colour = HUES[look.hue]
    axes.fill_between(marks, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.plot(
        marks,
        medians,
        color=colour,
        linewidth=1.8 if look.solid else 1.2,
        linestyle="-" if look.solid else (0, (4, 2)),
        marker="o",
        markersize=3.2,
    )
    axes.plot([marks[-1], scale.last * 1.15], [medians[-1]] * 2, color=colour, linewidth=0.7, linestyle=":", alpha=0.7)


def _label(axes: Any, ends: dict[str, float], look: dict[str, Look] | Any, scale: Scale) -> None:
    """Names at the right edge, as near to their lines' ends as they can be without touching."""
    height_points = axes.get_position().height * HEIGHT_INCHES * 72
    gap = LABEL_POINTS / height_points
    order = sorted(ends, key=lambda agent: ends[agent])
    places: dict[str, float] = {}
    lowest = 0.0
    for agent in order:
        places[agent] = max(_share(ends[agent], scale), lowest)
        lowest = places[agent] + gap
    highest = 1.0
    for agent in reversed(order):
        places[agent] = min(places[agent], highest)
        highest = places[agent] - gap
    for agent, share in places.items():
        axes.annotate(
            agent,
            (1.0, _share(ends[agent], scale)),
            (1.03, share),
            xycoords="axes fraction",
            fontsize=8,
            color=HUES[look[agent].hue],
            fontweight="bold" if look[agent].solid else "normal",
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": HUES[look[agent].hue],
                "linewidth": 0.5,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )


def _share(loss: float, scale: Scale) -> float:
    """Height of a loss on the axis, in [0, 1]."""
    top, bottom = scale.y(scale.high), scale.y(scale.low)
    return (bottom - scale.y(loss)) / (bottom - top)


def _write(axes: Any, one: Verdict, row: int, look: Any) -> None:
    """A line of the verdict under a panel."""
    y = -0.26 - 0.085 * row
    axes.text(0.0, y, f"{one.renders:,}:", transform=axes.transAxes, fontsize=8.5, color=QUIET, ha="left")
    name = axes.text(
        0.16, y, one.best.agent, transform=axes.transAxes, fontsize=8.5, color=HUES[look[one.best.agent].hue]
    )
    name.set_fontweight("bold")
    axes.text(0.64, y, one.short, transform=axes.transAxes, fontsize=8.5, color=INK, ha="left")
