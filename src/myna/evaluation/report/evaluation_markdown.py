"""An evaluation as Markdown tables: who is best on each kind of sound, and the medians of all; what a README shows."""

from __future__ import annotations

from collections.abc import Sequence

from myna.evaluation.report.evaluation_board import Board, Panel
from myna.evaluation.report.evaluation_verdict import Verdict, verdict

__all__ = ["markdown"]

NOTE = (
    "Median losses: 0 is the same sound, 1 what two random presets differ by. "
    "Bold: the best, and what cannot be told from it."
)
OVERVIEW_NOTE = (
    "The agent with the lowest median loss, what cannot be told from it (≈), and its loss over {baseline}'s on the same"
    " sound after as many renders (median, 95 % interval)."
)


def markdown(board: Board) -> str:
    """Who is best, then a table of agents by renders for each kind of sound, ending with a line break.

    Bold are the lowest median of each column, and those of the next three agents whose ratio to it on the same sounds
    has a 95 % interval that spans 1; agents that were run on fewer targets are left out.
    """
    note = OVERVIEW_NOTE.format(baseline=f"`{board.baseline}`")
    return "\n\n".join([_overview(board), note, *(_table(panel, board) for panel in board.kinds), NOTE]) + "\n"


def _overview(board: Board) -> str:
    marks = board.asked_renders
    lines = [
        ["", *(f"after {mark:,}" for mark in marks)],
        ["---", *("---" for _ in marks)],
        *(
            [f"{panel.title}: {panel.targets} sounds", *(_told(verdict(panel, mark, board.baseline)) for mark in marks)]
            for panel in board.kinds
        ),
    ]
    return _rows(lines)


def _told(found: Verdict | None) -> str:
    if found is None:
        return ""
    best, level = found.best, (*found.level, *([found.baseline] if found.level_with_baseline else []))
    names = " ≈ ".join(f"`{name}`" for name in (best.agent, *level))
    return names if best.ratio is None else f"{names} {best.ratio:.2f} [{best.ratio_low:.2f}, {best.ratio_high:.2f}]"


def _table(panel: Panel, board: Board) -> str:
    marks = [mark for mark in panel.renders if panel.ranked(mark)]
    bold = {mark: _best(panel, mark, board.baseline) for mark in marks}
    medians = {(one.agent, mark): one.median for mark in marks for one in panel.ranked(mark)}
    lines = [
        [f"{panel.title}: {panel.targets} sounds, {_seeds(panel)}", *(f"{mark:,}" for mark in marks)],
        ["---", *("---:" for _ in marks)],
        *(
            [f"`{agent}`", *(_cell(medians.get((agent, mark)), agent in bold[mark]) for mark in marks)]
            for agent in board.agents
            if any((agent, mark) in medians for mark in marks)
        ),
    ]
    return _rows(lines)


def _rows(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _best(panel: Panel, renders: int, baseline: str) -> set[str]:
    found = verdict(panel, renders, baseline)
    if found is None:
        return set()
    equal = {one.agent for one in panel.ranked(renders) if one.median == found.best.median}
    return {*equal, *found.level} | ({baseline} if found.level_with_baseline else set())


def _cell(median: float | None, bold: bool) -> str:
    if median is None:
        return ""
    return f"**{median:.3f}**" if bold else f"{median:.3f}"


def _seeds(panel: Panel) -> str:
    counts = {one.seeds for one in panel.of.values()}
    told = str(max(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    return f"{told} seed{'s' if counts != {1} else ''}"
