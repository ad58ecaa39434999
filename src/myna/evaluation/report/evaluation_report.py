"""An evaluation as one HTML file: who is best, on which sounds and by how much; read, seen and heard.

`page.py` keeps it closed to what a name might bring along. Beside it lies the main figure, for other pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myna import __version__
from myna.envs.noise_floor import success_loss
from myna.errors import MynaError, printable
from myna.evaluation.report.evaluation_board import Board, read_board
from myna.evaluation.report.evaluation_colours import looks
from myna.evaluation.report.evaluation_curves import chart, scale_of
from myna.evaluation.report.evaluation_figure import draw_figure
from myna.evaluation.report.evaluation_halls import halls
from myna.evaluation.report.evaluation_sounds import sound_pages
from myna.evaluation.report.evaluation_tables import DETAILS, suite_table
from myna.evaluation.report.evaluation_verdict import verdicts
from myna.evaluation.report.evaluation_wins import family_wins, suite_wins
from myna.evaluation.report.page import asset, policy, template
from myna.files import write_atomic

__all__ = ["FIGURE", "REPORT", "SOUNDS", "render_evaluation_report", "write_evaluation_report"]

REPORT, FIGURE = "report.html", "figure"
SOUNDS = 16
"""Targets that can be heard, unless something else is asked for."""


def write_evaluation_report(out: Path, sounds: int = SOUNDS) -> Path:
    """Write `report.html`, `figure.svg` and `figure.png` into the folder of an evaluation.

    Args:
        out: the folder, with its results.
        sounds: most targets that can be heard, 0 or more.

    Returns:
        The page.

    Raises:
        MynaError: the folder holds no evaluation, or cannot be written.
    """
    board = read_board(out)
    if not board.suites:
        raise MynaError(
            f"{printable(str(out))} holds no rows yet: go on with `myna evaluate` before there is a report."
        )
    for kind, picture in zip(("svg", "png"), draw_figure(board), strict=True):
        write_atomic(out / f"{FIGURE}.{kind}", picture)
    write_atomic(out / REPORT, render_evaluation_report(board, sounds))
    return out / REPORT


def render_evaluation_report(board: Board, sounds: int = SOUNDS) -> str:
    """Write the page.

    Args:
        board: the evaluation.
        sounds: most targets that can be heard, 0 or more.

    Returns:
        One self-contained HTML document, under 8 MB, the same for the same board.
    """
    style = asset("style.css") + asset("evaluation.css")
    script = asset("player.js") + asset("evaluation.js")
    scale, found = scale_of(board), halls(board)
    pages, left_out = sound_pages(board, found, sounds)
    return template("evaluation_report.html.j2").render(
        policy=policy(style, script),
        style=style,
        script=script,
        version=__version__,
        board=board,
        facts=_facts(board),
        runs=_runs(board.about),
        looks=looks(board.agents),
        kinds=[
            (panel, verdicts(panel, board.asked_renders, board.baseline), chart(panel, board, scale))
            for panel in board.kinds
        ],
        charts=[(panel, chart(panel, board, scale)) for panel in board.suites],
        tables=[suite_table(panel, board) for panel in board.suites],
        details=DETAILS,
        wins=[table for mark in board.asked_renders if (table := suite_wins(board, mark)) is not None],
        families=[table for mark in board.asked_renders if (table := family_wins(board, mark)) is not None],
        halls=found,
        pages=pages,
        left_out=left_out,
        success_loss=success_loss(),
    )


def _facts(board: Board) -> list[tuple[str, str]]:
    """What stands at the top."""
    run = (board.about.get("runs") or [{}])[-1]
    seeds = max((one.seeds for panel in board.suites for one in panel.standings), default=0)
    return [
        ("Suites", str(len(board.suites))),
        ("Targets", f"{sum(panel.targets for panel in board.suites):,}"),
        ("Agents", str(len(board.agents))),
        ("Renders", ", ".join(f"{mark:,}" for mark in board.renders)),
        ("Seeds", str(seeds)),
        ("Commit", str(run.get("commit") or "unknown")),
    ]


def _runs(about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was asked for, each question once: its command, and which machine began on it when."""
    runs: dict[str, dict[str, Any]] = {}
    for run in about.get("runs", []):
        machine, packages = run.get("machine", {}), run.get("packages", {})
        runs[_command(run["asked"])] = {
            "command": _command(run["asked"]),
            "began": run.get("began", ""),
            "myna": run.get("myna", ""),
            "commit": run.get("commit") or "unknown",
            "machine": ", ".join(str(machine[key]) for key in ("processor", "system") if machine.get(key))
            + (f", {machine['cores']} cores" if machine.get("cores") else ""),
            "packages": ", ".join(f"{name} {version}" for name, version in packages.items()),
            "measured_seeds": run["asked"].get("measured_seeds", 0),
        }
    return [*runs.values()]


def _command(asked: Mapping[str, Any]) -> str:
    """That asks for the same."""
    words = ["myna evaluate"]
    words += [f"--{option} {','.join(map(str, asked[key]))}" for option, key in _LISTS if asked.get(key)]
    told = {key: asked.get(key) for key in _NUMBERS}
    words += [
        f"--{key.replace('_', '-')} {json.dumps(value)}"
        for key, value in told.items()
        if value is not None and (key, value) != ("first_seed", 0)
    ]
    return " ".join(words)


_LISTS = (("suite", "suites"), ("agents", "agents"), ("budgets", "budgets"))
_NUMBERS = ("seeds", "measured_seeds", "first_seed", "limit")
