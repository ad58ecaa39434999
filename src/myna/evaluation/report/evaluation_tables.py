"""The tables of a report: a suite's standings as text, agent by agent.

Every number is one of `summary.json`, rounded; what is not known is a dash.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from myna.evaluation.report.evaluation_board import Board, Panel
from myna.evaluation.summary import Standing

__all__ = ["Cell", "Details", "SuiteTable", "suite_table"]

UNKNOWN = "–"
SURE = 0.05
DETAILS = (
    "renders", "wins", "p", "reached", "half after", "other notes", "knobs off", "alternatives", "apart", "seconds",
    "seeds", "trainings",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """An agent after so many renders: `median` and its `interval`; `ratio` to the baseline and `ratio_interval`.

    `sure` where the difference from the baseline is; `best` where no other median is lower.
    """

    median: str
    interval: str
    ratio: str
    ratio_interval: str
    sure: bool
    best: bool


@dataclass(frozen=True)
class Details:
    """What else is known of an agent, at one number of renders: values in the order of `DETAILS`, then metrics."""

    agent: str
    values: tuple[str, ...]
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class SuiteTable:
    """Of one panel: a row of cells for each agent, None where it was not run; then the details."""

    panel: Panel
    renders: tuple[int, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    details: tuple[Details, ...]
    metrics: tuple[str, ...]
    notes: str


def suite_table(panel: Panel, board: Board) -> SuiteTable:
    """The details are those at `board.listened_renders`, or at an agent's last number of renders if that is smaller."""
    agents = [agent for agent in board.agents if any(one == agent for one, _ in panel.of)]
    best = {mark: min(one.median for one in panel.ranked(mark)) for mark in panel.renders}
    rows = tuple(
        (agent, tuple(_cell(panel.of.get((agent, mark)), best[mark]) for mark in panel.renders)) for agent in agents
    )
    chosen = {agent: _standing_of(panel, agent, board.listened_renders) for agent in agents}
    names = tuple(sorted({name for one in chosen.values() for name in one.metrics or {}}))
    success = {one["agent"]: one for one in board.summary["to_success"] if one["suite"] == panel.name}
    details = tuple(_details(one, success.get(agent), names) for agent, one in chosen.items())
    return SuiteTable(panel, panel.renders, rows, details, names, _notes(panel))


def _standing_of(panel: Panel, agent: str, renders: int) -> Standing:
    """Of an agent, with the most renders that do not exceed these, or else the fewest that there are."""
    marks = [mark for one, mark in panel.of if one == agent]
    return panel.of[agent, max((mark for mark in marks if mark <= renders), default=min(marks))]


def _cell(one: Standing | None, best: float) -> Cell | None:
    if one is None:
        return None
    return Cell(
        f"{one.median:.3f}",
        f"{one.low:.3f} to {one.high:.3f}",
        "" if one.ratio is None else f"×{one.ratio:.2f}",
        "" if one.ratio is None else f"{one.ratio_low:.2f} to {one.ratio_high:.2f}",
        one.p is not None and one.p < SURE,
        one.median <= best,
    )


def _details(one: Standing, success: Mapping[str, object] | None, names: tuple[str, ...]) -> Details:
    half = success["renders"] if success else None
    metrics = one.metrics or {}
    return Details(
        one.agent,
        (
            f"{one.renders:,}",
            _percent(one.wins),
            _p(one.p),
            _percent(one.success),
            UNKNOWN if half is None else f"{half:,.0f}",
            number(one.other_notes),
            number(one.parameters),
            number(one.alternatives, 0),
            number(one.apart_db, 1),
            number(one.seconds, 2),
            _each(one.seed_medians),
            _each(one.training_medians) if len(one.training_medians) > 1 else UNKNOWN,
        ),
        tuple(significant(metrics.get(name)) for name in names),
    )


def _notes(panel: Panel) -> str:
    seeds = max((one.seeds for one in panel.of.values()), default=0)
    counts = {one.targets for one in panel.of.values()}
    groups = len({line.group for line in panel.lines})
    said = f"{panel.targets} targets, {seeds} seed{'s' if seeds != 1 else ''}"
    if 0 < groups < panel.targets:
        said += f", of {groups} instruments, which are drawn as wholes for the intervals"
    if len(counts) > 1:
        said += "; some agents were run on fewer targets, and are left out of every ranking there"
    return said + "."


def _each(medians: Sequence[float]) -> str:
    return " ".join(f"{median:.3f}" for median in medians)


def number(value: float | None, digits: int = 3) -> str:
    """With so many decimals."""
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def significant(value: float | None) -> str:
    """With three significant digits.

    >>> significant(1210.9), significant(0.0606804), significant(None)
    ('1,211', '0.0607', '–')
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{100 * value:.0f} %"


def _p(value: float | None) -> str:
    return UNKNOWN if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"
