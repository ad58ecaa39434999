"""The medians of an evaluation as Markdown tables, one for each kind of sound: what a README shows."""

from __future__ import annotations

from myna.evaluation.report.evaluation_board import Board, Panel
from myna.evaluation.report.evaluation_verdict import verdict

__all__ = ["markdown"]

NOTE = (
    "Median losses: 0 is the same sound, 1 what two random presets differ by. "
    "Bold: the best, and what cannot be told from it."
)


def markdown(board: Board) -> str:
    """A table of agents by renders for each kind of sound, ending with a line break.

    Bold are the lowest median of each column, and those of the next three agents whose ratio to it on the same sounds
    has a 95 % interval that spans 1; agents that were run on fewer targets are left out.
    """
    return "\n\n".join([*(_table(panel, board) for panel in board.kinds), NOTE]) + "\n"


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
