"""Quality against renders as the geometry of an SVG: numbers in, coordinates out; the template draws them.

Both axes are logarithmic: a step down is a ratio, wherever it is. Units: SVG user units; losses are plain ratios.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from myna.evaluation.report.evaluation_board import Board, Panel
from myna.evaluation.report.evaluation_colours import Look, looks
from myna.evaluation.summary import Standing

__all__ = ["Chart", "Scale", "chart", "scale_of", "spread"]

WIDTH, HEIGHT = 360.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 36.0, 116.0, 10.0, 36.0
LABEL_GAP = 12.5
LOWEST, HIGHEST = 0.005, 4.0
"""Medians outside are drawn at the edge."""


@dataclass(frozen=True)
class Scale:
    """Axes that all charts of a page share, so that they can be compared: renders and losses, from and to."""

    first: int
    last: int
    low: float
    high: float

    def x(self, renders: float) -> float:
        """Of a number of renders; in the middle where there is only one."""
        span = math.log(self.last / self.first)
        share = math.log(renders / self.first) / span if span else 0.5
        return LEFT + 8.0 + share * (WIDTH - LEFT - RIGHT - 12.0)

    def y(self, loss: float) -> float:
        """Of a loss, kept inside."""
        inside = min(max(loss, self.low), self.high)
        share = math.log(inside / self.low) / math.log(self.high / self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


@dataclass(frozen=True)
class Dot:
    """A value: where it is, and what a reader is told of it."""

    x: float
    y: float
    renders: int
    says: str


@dataclass(frozen=True)
class Trace:
    """An agent: `line` and `band` (its interval) are SVG paths, `held` a level that it keeps to the label at `label_y`.

    `single` if it has one value only.
    """

    agent: str
    look: Look
    line: str
    band: str
    held: str
    dots: tuple[Dot, ...]
    label_y: float
    single: bool


@dataclass(frozen=True)
class Chart:
    """A picture of a panel; ticks are (position, label) pairs, `floor` is (position, what it says) or None."""

    title: str
    says: str
    traces: tuple[Trace, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    floor: tuple[float, str] | None
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def scale_of(board: Board) -> Scale:
    """One for all panels: all renders, and all medians."""
    medians = [one.median for panel in (*board.suites, *board.kinds) for one in panel.of.values()]
    low = min(max(min(medians, default=0.1) / 1.25, LOWEST), HIGHEST / 4)
    high = min(max(max(medians, default=1.0) * 1.15, 2 * low), HIGHEST)
    return Scale(min(board.renders, default=1), max(board.renders, default=1), low, high)


def chart(panel: Panel, board: Board, scale: Scale) -> Chart:
    """Of a suite or a kind of sounds."""
    agents = [agent for agent in board.agents if any(one == agent for one, _ in panel.of)]
    rows = {agent: [panel.of[agent, mark] for mark in panel.renders if (agent, mark) in panel.of] for agent in agents}
    ends = {agent: scale.y(own[-1].median) for agent, own in rows.items()}
    labels = spread(ends, TOP, HEIGHT - BOTTOM + 4.0, LABEL_GAP)
    look = looks(board.agents)
    traces = tuple(_trace(own, look[agent], labels[agent], scale) for agent, own in rows.items())
    return Chart(
        panel.title, _says(panel), traces, _x_ticks(board.renders, scale), _y_ticks(scale), _floor(panel, scale)
    )


def _trace(own: Sequence[Standing], look: Look, label_y: float, scale: Scale) -> Trace:
    spots = [(scale.x(one.renders), scale.y(one.median)) for one in own]
    upper = [(scale.x(one.renders), scale.y(one.high)) for one in own]
    lower = [(scale.x(one.renders), scale.y(one.low)) for one in reversed(own)]
    dots = tuple(Dot(x, y, one.renders, _value(one)) for (x, y), one in zip(spots, own, strict=True))
    edge = WIDTH - RIGHT
    held = f"M{_at(spots[-1])}H{edge:.1f}L{edge + 8:.1f} {label_y:.1f}"
    return Trace(own[0].agent, look, _path(spots), f"{_path(upper + lower)}Z", held, dots, label_y, len(own) == 1)


def _value(one: Standing) -> str:
    return f"{one.median:.3f} ({one.low:.3f} to {one.high:.3f})"


def _path(spots: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(map(_at, spots))


def _at(spot: tuple[float, float]) -> str:
    return f"{spot[0]:.1f} {spot[1]:.1f}"


def spread(wanted: Mapping[str, float], low: float, high: float, gap: float) -> dict[str, float]:
    """Places for labels near where they should be, at least `gap` apart, from low to high as far as there is room.

    >>> spread({"a": 1.0, "b": 1.5, "c": 9.5}, 0.0, 9.0, 1.0)
    {'a': 1.0, 'b': 2.0, 'c': 9.0}
    """
    order = sorted(wanted, key=lambda name: wanted[name])
    found: dict[str, float] = {}
    for name in order:
        found[name] = max(wanted[name], low)
        low = found[name] + gap
    for name in reversed(order):
        found[name] = min(found[name], high)
        high = found[name] - gap
    return found


def _x_ticks(renders: Sequence[int], scale: Scale) -> tuple[tuple[float, str], ...]:
    """The numbers that were run, but for those that would touch the one before."""
    kept: list[int] = []
    for mark in renders:
        if not kept or scale.x(mark) - scale.x(kept[-1]) > 18.0:
            kept.append(mark)
    return tuple((scale.x(mark), f"{mark:,}") for mark in kept)


def _y_ticks(scale: Scale) -> tuple[tuple[float, str], ...]:
    steps = [factor * 10.0**power for power in range(-3, 1) for factor in (1, 2, 5)]
    return tuple((scale.y(step), f"{step:g}") for step in steps if scale.low <= step <= scale.high)


def _floor(panel: Panel, scale: Scale) -> tuple[float, str] | None:
    if panel.floor is None:
        return None
    under = ", off the scale" if panel.floor.median < scale.low else ""
    return scale.y(panel.floor.median), f"noise floor {panel.floor.median:.3f}{under}"


def _says(panel: Panel) -> str:
    """The chart in words, for those who cannot see it."""
    last = panel.renders[-1] if panel.renders else 0
    ranked = [f"{one.agent} {one.median:.3f}" for one in panel.ranked(last)]
    return f"Median loss against renders, {panel.title}. With {last:,}: {', '.join(ranked)}."
