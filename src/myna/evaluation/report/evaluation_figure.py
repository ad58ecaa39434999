"""The main figure of an evaluation as files: quality against renders by kind of sound, and who is best.

The same numbers, colours and axes as on the page.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from myna.evaluation.report.evaluation_board import Board, Panel
from myna.evaluation.report.evaluation_colours import HUES, Look, looks
from myna.evaluation.report.evaluation_curves import Scale, scale_of, spread
from myna.evaluation.report.evaluation_verdict import Verdict, verdicts
from myna.evaluation.summary import Standing

__all__ = ["draw_figure"]

PLOT_INCHES = (3.1, 2.9)
LEFT_INCHES, RIGHT_INCHES, TOP_INCHES, BOTTOM_INCHES = 0.62, 1.45, 0.42, 0.5
ROW_INCHES, LABEL_GAP_INCHES = 0.2, 0.135
COLUMNS, LONGEST_NAMES = 2, 22
AT_ONCE = 3
"""Kinds of sound whose verdicts find room in one place; of more, two are told in each."""
INK, QUIET, LINE = "#1b1d24", "#646b7a", "#e2ded5"
REPEATABLE: dict[Any, Any] = {"svg.hashsalt": "myna", "svg.fonttype": "path", "font.family": "DejaVu Sans"}


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
    """Panels in two columns, and in the last places who is best."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kinds = board.kinds
    told = [kinds[:AT_ONCE]] if len(kinds) <= AT_ONCE else [kinds[i : i + 2] for i in range(0, len(kinds), 2)]
    places = len(kinds) + len(told)
    size = (COLUMNS * _cell_inches()[0], math.ceil(places / COLUMNS) * _cell_inches()[1])
    figure = Figure(figsize=size, dpi=160, facecolor="white")
    FigureCanvasAgg(figure)
    scale = scale_of(board)
    for place, panel in enumerate(kinds):
        _draw_panel(_axes(figure, place), panel, board, scale)
    for place, some in enumerate(told):
        _write_verdicts(_axes(figure, len(kinds) + place), board, some)
    return figure


def _cell_inches() -> tuple[float, float]:
    return LEFT_INCHES + PLOT_INCHES[0] + RIGHT_INCHES, TOP_INCHES + PLOT_INCHES[1] + BOTTOM_INCHES


def _axes(figure: Any, place: int) -> Any:
    """At a place of the grid, row by row from the top."""
    (width, height), (across, down) = figure.get_size_inches(), _cell_inches()
    left = place % COLUMNS * across + LEFT_INCHES
    bottom = height - (place // COLUMNS + 1) * down + BOTTOM_INCHES
    return figure.add_axes((left / width, bottom / height, PLOT_INCHES[0] / width, PLOT_INCHES[1] / height))


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


def _style(axes: Any, panel: Panel, board: Board, scale: Scale) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(scale.first / 1.15, scale.last * 1.15)
    axes.set_ylim(scale.low, scale.high)
    axes.set_xticks(board.renders, [_short(mark) for mark in board.renders])
    steps = [step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2) if scale.low <= step <= scale.high]
    axes.set_yticks(steps, [f"{step:g}" for step in steps])
    axes.minorticks_off()
    axes.grid(color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=QUIET, labelsize=8, length=0)
    axes.set_ylabel("median loss", fontsize=8, color=QUIET, labelpad=2)
    axes.set_xlabel("renders", fontsize=8, color=QUIET, labelpad=2)
    sounds = f"{panel.targets} sound{'s' if panel.targets != 1 else ''}"
    axes.set_title(f"{panel.title} ({sounds})", fontsize=10, fontweight="bold", color=INK, loc="left")
    for spine in axes.spines.values():
        spine.set_visible(False)


def _short(mark: int) -> str:
    """As it fits under an axis where 1,000 and 2,000 lie side by side."""
    return f"{mark // 1000}k" if mark and mark % 1000 == 0 else str(mark)


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
    for agent, height in spread(heights, 0.0, 1.0, LABEL_GAP_INCHES / PLOT_INCHES[1]).items():
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
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.5,
                "shrinkA": 0,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )


def _height(loss: float, scale: Scale) -> float:
    """Of a loss on the axis, in [0, 1]."""
    top, bottom = scale.y(scale.high), scale.y(scale.low)
    return (bottom - scale.y(loss)) / (bottom - top)


def _write_verdicts(axes: Any, board: Board, kinds: Sequence[Panel]) -> None:
    """A table in words: by kind of sound and renders who is best, and by how much."""
    axes.axis("off")
    axes.set_title("Who is best", fontsize=10, fontweight="bold", color=INK, loc="left")
    _write(axes, 0, ("renders", "agent (≈ level with it)", "median loss, ratio of losses"), (QUIET,) * 3, "normal")
    look, row = looks(board.agents), 1.0
    for panel in kinds:
        _write(axes, row, ("", panel.title, ""), (INK,) * 3)
        for one in verdicts(panel, board.asked_renders, board.baseline):
            row += 1.0
            colours = (QUIET, HUES[look[one.best.agent].hue], INK)
            _write(axes, row, (f"{one.renders:,}", _names(one), one.short), colours)
        row += 1.3
    note = "Loss: 0 = identical, 1 = two random presets. Bands and brackets: 95 % intervals."
    axes.text(0.0, -0.06, note, transform=axes.transAxes, fontsize=7.5, color=QUIET, va="top")


def _write(axes: Any, row: float, cells: Sequence[str], colours: Sequence[str], weight: str = "bold") -> None:
    y = 1.0 - ROW_INCHES * row / PLOT_INCHES[1]
    places = ((0.06, "right", "normal"), (0.1, "left", weight), (0.72, "left", "normal"))
    for text, colour, (x, side, heavy) in zip(cells, colours, places, strict=True):
        axes.text(x, y, text, transform=axes.transAxes, fontsize=8, color=colour, ha=side, va="top", fontweight=heavy)


def _names(one: Verdict) -> str:
    """The best agent and what is level with it, as far as there is room."""
    if not one.level:
        return one.best.agent
    names = f"{one.best.agent} ≈ {', '.join(one.level)}"
    return names if len(names) <= LONGEST_NAMES else f"{one.best.agent} ≈ {len(one.level)} more"
