"""An evaluation as Markdown tables: who is best on each kind of sound, medians, ratios, suites; what a README shows."""

from __future__ import annotations

from collections.abc import Mapping

from myna.evaluation.report.evaluation_board import Board, Panel
from myna.evaluation.report.evaluation_verdict import Verdict, verdict
from myna.evaluation.summary import Standing

__all__ = ["markdown"]

SURE = 0.05
NOTE = (
    "Median losses: 0 is the same sound, 1 what two random presets differ by. "
    "Bold: the best, and what cannot be told from it."
)
OVERVIEW_NOTE = (
    "The agent with the lowest median loss, what cannot be told from it (≈), and its loss over {baseline}'s on the same"
    " sound after as many renders (median, 95 % interval)."
)
RATIO_NOTE = (
    "Loss over {baseline}'s on the same sound after as many renders: median and 95 % interval. "
    "≈: not told from it by Wilcoxon's test with Holm's adjustment."
)


def markdown(board: Board) -> str:
    """Who is best; of each kind of sound medians and ratios of agents by renders; the suites; with a last line break.

    Bold are the lowest median of each column, and those of the next three agents that are level with it, see `Verdict`;
    agents that were run on fewer targets are left out. There are no ratios where the baseline was not run.
    """
    about, about_ratios = (note.format(baseline=f"`{board.baseline}`") for note in (OVERVIEW_NOTE, RATIO_NOTE))
    ratios = [table for panel in board.kinds if (table := _ratios(panel, board))]
    told = [
        _overview(board), about,
        *(_medians(panel, board) for panel in board.kinds), NOTE,
        *ratios, *([about_ratios] if ratios else []),
        *(_suites(mark, board) for mark in board.asked_renders),
    ]  # fmt: skip
    return "\n\n".join(told) + "\n"


def _overview(board: Board) -> str:
    told = {
        (f"{panel.title}: {panel.targets} sounds", f"after {mark:,}"): _told(verdict(panel, mark, board.baseline))
        for panel in board.kinds
        for mark in board.asked_renders
    }
    return _table("", told, "---")


def _told(found: Verdict | None) -> str:
    if found is None:
        return ""
    best, level = found.best, (*found.level, *([found.baseline] if found.level_with_baseline else []))
    names = " ≈ ".join(f"`{name}`" for name in (best.agent, *level))
    return names if best.ratio is None else f"{names} {_ratio(best)}"


def _medians(panel: Panel, board: Board) -> str:
    told = {}
    for mark in panel.renders:
        bold = _best(panel, mark, board.baseline)
        told |= {(one.agent, mark): _median(one, bold) for one in panel.ranked(mark)}
    return _table(f"{panel.title}: {panel.targets} sounds, {_seeds(panel)}", _by_agent(told, board))


def _ratios(panel: Panel, board: Board) -> str | None:
    told = {
        (one.agent, mark): _ratio(one) if one.p is not None and one.p < SURE else f"≈ {_ratio(one)}"
        for mark in panel.renders
        for one in panel.ranked(mark)
        if one.ratio is not None
    }
    return _table(f"{panel.title}, over `{board.baseline}`", _by_agent(told, board)) if told else None


def _suites(renders: int, board: Board) -> str:
    told = {}
    for panel in board.suites:
        bold = _best(panel, renders, board.baseline)
        ranked = sorted(panel.ranked(renders), key=lambda one: board.agents.index(one.agent))
        told |= {(f"`{panel.name}`", f"`{one.agent}`"): _median(one, bold) for one in ranked}
    return _table(f"After {renders:,} renders", told)


def _by_agent(told: Mapping[tuple[str, int], str], board: Board) -> dict[tuple[str, str], str]:
    """A row for each agent in the board's order, a column for each number of renders."""
    marks = dict.fromkeys(mark for _, mark in told)
    return {(f"`{agent}`", f"{mark:,}"): told.get((agent, mark), "") for agent in board.agents for mark in marks}


def _table(corner: str, told: Mapping[tuple[str, str], str], line: str = "---:") -> str:
    """Cells by row and column, both in the order in which they come; a row of nothing is left out."""
    columns = dict.fromkeys(column for _, column in told)
    rows = dict.fromkeys(row for (row, _), cell in told.items() if cell)
    lines = [
        [corner, *columns],
        ["---", *(line for _ in columns)],
        *([row, *(told.get((row, column), "") for column in columns)] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _best(panel: Panel, renders: int, baseline: str) -> set[str]:
    found = verdict(panel, renders, baseline)
    if found is None:
        return set()
    equal = {one.agent for one in panel.ranked(renders) if one.median == found.best.median}
    return {*equal, *found.level} | ({baseline} if found.level_with_baseline else set())


def _median(one: Standing, bold: set[str]) -> str:
    return f"**{one.median:.3f}**" if one.agent in bold else f"{one.median:.3f}"


def _ratio(one: Standing) -> str:
    return f"{one.ratio:.2f} [{one.ratio_low:.2f}, {one.ratio_high:.2f}]"


def _seeds(panel: Panel) -> str:
    counts = {one.seeds for one in panel.of.values()}
    told = str(max(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    trainings = max(len(one.training_medians) for one in panel.of.values())
    return f"{told} seed{'s' if counts != {1} else ''}" + (f", up to {trainings} trainings" if trainings > 1 else "")
