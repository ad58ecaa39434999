"""The way of an episode through its presets as a picture: the loss, and the knobs that moved most, step by step.

Shapes: S steps, P parameters. Units: `u` in [0, 1] is a knob's position.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from myna.envs.callbacks import Trail
from myna.features.spectrogram import GROUND, QUIET, TEXT, png_of
from myna.params import ParameterTable

__all__ = ["draw_trajectory", "most_moved"]

KNOBS = 10
SAME_U = 1e-6
LINE, AIM, BEST = "#7cc4ff", "#ffb454", "#9be28c"
_LEFT, _WIDTH = 0.17, 0.46  # of the picture; what is right of it are words
_BESIDE, _AIMED = 1.02, 1.44  # where these begin, in widths of the charts


def most_moved(table: ParameterTable, u: np.ndarray, count: int = KNOBS) -> np.ndarray:
    """Columns of the knobs that travelled furthest, the furthest first; an option's change counts as all its range.

    Args:
        table: the synth's parameters.
        u: (S + 1, P) presets, step by step.
        count: at most so many; fewer where fewer moved.
    """
    steps = np.abs(np.diff(u, axis=0))
    way = np.where(table.categorical & (steps > SAME_U), 1.0, steps).sum(0)
    return np.argsort(-way, kind="stable")[: min(count, int((way > SAME_U).sum()))]


def draw_trajectory(trail: Trail, title: str = "") -> bytes:
    """Draw an episode as a PNG file, 900 pixels wide.

    On top the loss, its best step marked. Below a row for each of the knobs that moved most, from 0 to 1, the target's
    position dashed where it is known; beside it the values of start and best preset in words.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    trail = trail._replace(u=trail.table.snap(trail.u))
    knobs, best = most_moved(trail.table, trail.u), int(np.nan_to_num(trail.losses, nan=np.inf).argmin())
    inches = 1.75 + 0.42 * max(1, len(knobs))
    figure = Figure(figsize=(9.0, inches), dpi=100, facecolor=GROUND)
    FigureCanvasAgg(figure)
    top = figure.add_axes((_LEFT, 1.0 - 1.15 / inches, _WIDTH, 0.8 / inches), facecolor=GROUND)
    rows = figure.add_axes((_LEFT, 0.48 / inches, _WIDTH, 1.0 - 1.75 / inches), facecolor=GROUND)
    _draw_losses(top, trail.losses, best, title)
    _draw_knobs(rows, trail, knobs, best)
    for axes in (top, rows):
        _style(axes, len(trail.u) - 1, best)
    top.tick_params(labelbottom=False)
    return png_of(figure)


def _draw_losses(axes: Any, losses: np.ndarray, best: int, title: str) -> None:
    finite = np.where(np.isfinite(losses), losses, np.nan)
    start = finite[0] if np.isfinite(finite[0]) else 1.0
    limit = 1.15 * min(np.nanmax(finite, initial=1e-3), 2.0 * start)  # one bad guess may lie far above
    axes.plot(finite, color=LINE, linewidth=1.6)
    axes.plot([best], [finite[best]], "o", color=BEST, markersize=5)
    axes.set_ylim(0.0, limit)
    axes.set_ylabel("loss", color=QUIET, fontsize=8)
    axes.set_title(title.replace("$", r"\$"), color=TEXT, fontsize=10, loc="left")
    words = f"{losses[0]:.3f} → {losses[best]:.3f}" + (f" at step {best}" if best else ": the start was best")
    axes.text(_BESIDE, 0.5, words, color=TEXT, fontsize=8, va="center", transform=axes.transAxes)


def _draw_knobs(axes: Any, trail: Trail, knobs: np.ndarray, best: int) -> None:
    for row, column in enumerate(knobs.tolist()):
        way, foot = trail.u[:, column], len(knobs) - 1.0 - row
        axes.plot(foot + 0.12 + 0.76 * way, color=LINE, linewidth=1.4, drawstyle="steps-post")
        words = f"{_said(trail.table, column, way[0])} → {_said(trail.table, column, way[best])}"
        _write(axes, _BESIDE, foot + 0.5, words, TEXT)
        if trail.target_u is not None:
            aim = float(trail.target_u[column])
            axes.axhline(foot + 0.12 + 0.76 * aim, color=AIM, linewidth=1.0, linestyle=(0, (3, 3)))
            _write(axes, _AIMED, foot + 0.5, f"target {_said(trail.table, column, aim)}", AIM)
    names = [trail.table.parameters[column].name for column in knobs.tolist()]
    axes.set_yticks(np.arange(len(names))[::-1] + 0.5, names)
    axes.set_ylim(0.0, max(1, len(names)))
    axes.set_xlabel("step" if len(names) else "nothing moved", color=QUIET, fontsize=8)


def _write(axes: Any, x: float, y: float, words: str, colour: str) -> None:
    place = ("axes fraction", "data")
    axes.annotate(words, (x, y), xycoords=place, color=colour, fontsize=8, va="center", annotation_clip=False)


def _said(table: ParameterTable, column: int, u: float) -> str:
    parameter = table.parameters[column]
    return parameter.describe(float(parameter.decode(u))).replace("_", " ")


def _style(axes: Any, steps: int, best: int) -> None:
    axes.axvline(best, color=BEST, linewidth=0.8, alpha=0.6)
    axes.set_xlim(0.0, max(1, steps))
    axes.tick_params(colors=QUIET, labelsize=8, length=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.grid(axis="y", color=QUIET, alpha=0.18, linewidth=0.6)
