"""The main figure of an evaluation as files: quality against renders by kind of sound, and under each who is best.

The same numbers, colours and axes as on the page.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from myna.evaluation.report.evaluation_board import Board, Panel
from myna.evaluation.report.evaluation_colours import HUES, Look, looks
from myna.evaluation.report.evaluation_curves import Scale, scale_of, spread
from myna.evaluation.report.evaluation_verdict import Verdict, verdicts
from myna.evaluation.summary import Standing

__all__ = ["draw_figure"]

PANEL_INCHES, LABEL_INCHES, MARGIN_INCHES = 3.1, 1.35, 0.65
PLOT_INCHES, TOP_INCHES, BOTTOM_INCHES = 3.1, 0.4, 0.55
ROW_INCHES, LABEL_GAP_INCHES = 0.23, 0.135
INK, QUIET, LINE = "#1b1d24", "#646b7a", "#e2ded5"
REPEATABLE = {"svg.hashsalt": "myna", "svg.fonttype": "path", "font.family": "DejaVu Sans"}


def draw_figure(board: Board) -> tuple[bytes, bytes]:
    """As SVG and as PNG, the same bytes for the same board."""
    import matplotlib as mpl

    with mpl.rc_context(REPEATABLE):
        figure = _figure(board)
        return _saved(figure, "svg", {"Date": None}), _saved(figure, "png", {"Software": None})


def _saved(figure: Any, kind: str, metadata: Mapping[str, None]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


def _figure(board: Board) -> Any:
    """A row of panels, each with its verdict under it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    step, rows = PANEL_INCHES + LABEL_INCHES + 0.45, len(board.asked_renders)
    foot = BOTTOM_INCHES + ROW_INCHES * rows + 0.12
    width, height = MARGIN_INCHES + step * len(board.kinds), foot + PLOT_INCHES + TOP_INCHES
    figure = Figure(figsize=(width, height), dpi=160, facecolor="white")
    FigureCanvasAgg(figure)
    scale = scale_of(board)
    for place, panel in enumerate(board.kinds):
        left = MARGIN_INCHES + place * step
        axes = figure.add_axes((left / width, foot / height, PANEL_INCHES / width, PLOT_INCHES / height))
        _draw_panel(axes, panel, board, scale)
        if place == 0:
            axes.set_ylabel("median loss (0 = identical, 1 = two random presets)", fontsize=8, color=QUIET)
    return figure


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
        axes.text(scale.first, panel.floor.median * 1.03, "noise floor", fontsize=7, color=QUIET, va="bottom")
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
    axes.set_xlabel("renders", fontsize=8, color=QUIET, labelpad=2)
    sounds = f"{panel.targets} sound{'s' if panel.targets != 1 else ''}"
    axes.set_title(f"{panel.title} ({sounds})", fontsize=10, fontweight="bold", color=INK, loc="left")
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_agent(axes: Any, own: Sequence[Standing], look: Look, scale: Scale) -> None:
    marks, medians, colour = [one.renders for one in own], [one.median for one in own], HUES[look.hue]
    low = [max(one.low, scale.low) for one in own]
    axes.fill_between(marks, low, [one.high for one in own], color=colour, alpha=0.1, linewidth=0)
    style, width = ("-", 1.8) if look.solid else ((0, (4, 2)), 1.2)
    axes.plot(marks, medians, color=colour, linewidth=width, linestyle=style, marker="o", markersize=3.2)
    axes.plot([marks[-1], scale.last * 1.15], [medians[-1]] * 2, color=colour, linewidth=0.7, linestyle=":")


def _label(axes: Any, ends: Mapping[str, float], look: Mapping[str, Look], scale: Scale) -> None:
    """Names at the right edge, with a line to where an agent ends."""
    heights = {agent: _height(loss, scale) for agent, loss in ends.items()}
    for agent, height in spread(heights, 0.0, 1.0, LABEL_GAP_INCHES / PLOT_INCHES).items():
        colour = HUES[look[agent].hue]
        axes.annotate(
            agent,
            (1.0, heights[agent]),
            (1.045, height),
            xycoords="axes fraction",
            fontsize=8,
            color=colour,
            fontweight="bold" if look[agent].solid else "normal",
            va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0},
        )


def _height(loss: float, scale: Scale) -> float:
    """Of a loss on the axis, in [0, 1]."""
    top, bottom = scale.y(scale.high), scale.y(scale.low)
    return (bottom - scale.y(loss)) / (bottom - top)


def _write(axes: Any, one: Verdict, row: int, look: Mapping[str, Look]) -> None:
    """A line of the verdict under a panel."""
    y = -(BOTTOM_INCHES + ROW_INCHES * row) / PLOT_INCHES
    words = (
        (0.1, f"{one.renders:,}", QUIET, "right", "normal"),
        (0.14, one.best.agent, HUES[look[one.best.agent].hue], "left", "bold"),
        (0.68, one.short, INK, "left", "normal"),
    )
    for x, text, colour, side, weight in words:
        axes.text(x, y, text, transform=axes.transAxes, fontsize=8, color=colour, ha=side, va="top", fontweight=weight)
