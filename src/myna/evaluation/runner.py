"""An evaluation: agents on frozen suites at equal budgets, kept in a folder that can be gone on with.

    DIR/cells/LABEL.SUITE.BUDGET[.seedN].jsonl   a header and a row for each target, see `myna.evaluation.cells`
    DIR/evaluation.json                          what was asked for, by which versions, on which machine
    DIR/results.csv                              a line for each target, agent, seed and number of renders
    DIR/summary.json                             medians, intervals and tests, see `myna.evaluation.summary`

Several runs may share a folder, as one of few targets and one of many renders: the results are of all that lies there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from myna.agents.registry import worth
from myna.errors import MynaError, UsageError, printable
from myna.evaluation.cells import Cell, Contender
from myna.evaluation.comparison import Step, run
from myna.evaluation.measured import Measures
from myna.evaluation.results import results, write_csv
from myna.evaluation.suites import SUITES, load_suite
from myna.evaluation.summary import summarise
from myna.files import make_folder, write_atomic
from myna.retrieval import load_bank
from myna.synth.renderer import Renderer

__all__ = [
    "AGENTS",
    "BUDGETS",
    "CELLS",
    "Evaluation",
    "cells_of",
    "evaluate",
    "read_about",
    "read_summary",
    "write_results",
]

CELLS, ABOUT, RESULTS, SUMMARY = "cells", "evaluation.json", "results.csv", "summary.json"
AGENTS = (
    "mean-preset", "random", "retrieval", "regression", "cloning", "sac", "sac+bank", "proxy", "sac+proxy",
    "cma-es", "retrieval+cma-es", "regression+cma-es", "cloning+cma-es", "policy+cma-es", "auto",
)  # fmt: skip
"""What is compared unless something else is asked for."""
BUDGETS = (1, 16, 64, 256, 1000)
FAMILIES, SLOW_FAMILIES = ("hayes", "level", "synthrl"), ("f0",)
"""Metrics of the field that are told at each number of renders, and, half a second each, at the largest alone."""
_BANKED = ("retrieval", "retrieval+cma-es")


@dataclass(frozen=True)
class Evaluation:
    """What is asked for.

    Attributes:
        suites: names, see `myna.evaluation.suites.SUITES`.
        agents: names, or LABEL=NAME:SETTING=VALUE, see `Contender.parse`.
        budgets: renders for each target.
        seeds: runs with seeds 0, 1, …, of the agents' draws; targets stay the same.
        measured_seeds: of these so many are measured by the field's metrics too, the first ones: a tenth of a second
            for each preset.
        first_seed: the seeds before it are left out, for another machine to run.
        limit: only the first targets of each suite.

    Raises:
        UsageError: something of it cannot be.
    """

    suites: tuple[str, ...] = SUITES
    agents: tuple[str, ...] = AGENTS
    budgets: tuple[int, ...] = BUDGETS
    seeds: int = 3
    measured_seeds: int = 1
    first_seed: int = 0
    limit: int | None = None

    def __post_init__(self) -> None:
        """See the class."""
        for name in self.suites:
            if name not in SUITES:
                raise UsageError(f"There is no suite '{printable(name, 40)}'; choose one of {', '.join(SUITES)}.")
        labels = [Contender.parse(text).label for text in self.agents]
        if not labels or not self.suites or not self.budgets:
            raise UsageError("An evaluation needs at least one suite, one agent and one budget.")
        if len(set(labels)) < len(labels):
            raise UsageError("Two agents have the same label: give them as LABEL=NAME:SETTING=VALUE.")
        if min(self.budgets) < 1 or self.seeds < 1 or not 0 <= self.measured_seeds <= self.seeds:
            raise UsageError("Budgets and seeds must be 1 or more, and no more seeds measured than there are.")
        if not 0 <= self.first_seed < self.seeds:
            raise UsageError(f"The first seed must be one of the {self.seeds}, from 0; got {self.first_seed}.")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"The number of targets must be 1 or more; got {self.limit}.")


def cells_of(evaluation: Evaluation) -> list[Cell]:
    """The runs that it takes, all of a seed before those of the next."""
    contenders = [Contender.parse(text) for text in evaluation.agents]
    suites = [load_suite(name) for name in evaluation.suites]
    return [
        Cell(contender, suite, budget, seed, _measures(marks, seed < evaluation.measured_seeds, most=most))
        for seed in range(evaluation.first_seed, evaluation.seeds)
        for suite in suites
        for contender in contenders
        for budget, marks, most in _runs(contender, evaluation.budgets)
    ]


def _runs(contender: Contender, budgets: Sequence[int]) -> list[tuple[int, tuple[int, ...], bool]]:
    """Budgets of the runs, each with the marks that it tells, and whether it is the longest.

    One run tells all that the agent plans alike; for longer than it has something to say it is not run.
    """
    runs: dict[Hashable, list[int]] = {}
    for mark in sorted({worth(contender.agent, budget) for budget in budgets}):
        runs.setdefault(contender.plan(mark), []).append(mark)
    longest = max(map(max, runs.values()))
    return [(marks[-1], tuple(marks), marks[-1] == longest) for marks in runs.values()]


def _measures(marks: tuple[int, ...], closely: bool, most: bool) -> Measures:
    return Measures(marks, FAMILIES, SLOW_FAMILIES if most else ()) if closely else Measures(marks)


def evaluate(
    evaluation: Evaluation,
    out: Path,
    *,
    about: Mapping[str, Any],
    processes: int = 1,
    progress: Callable[[Step], None] | None = None,
    preparing: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Run what is missing, and write the results of all that the folder holds; the summary.

    Args:
        evaluation: what to run.
        out: the folder.
        about: versions, commit and machine, kept beside the rows.
        processes: of one thread each; the rows do not depend on them.
        progress: called after each group of targets.
        preparing: called with (done, total) while the bank of sounds is built, once.

    Raises:
        MynaError: an agent that cannot be made, or a folder that cannot be written.
    """
    cells = cells_of(evaluation)
    folder = make_folder(out / CELLS)
    _note(out / ABOUT, evaluation, about)
    if any(cell.contender.agent in _BANKED for cell in cells):
        load_bank(Renderer(), preparing)  # once, before several processes would each build it
    for step in run(cells, folder, limit=evaluation.limit, processes=processes):
        if progress is not None:
            progress(step)
    return write_results(out)


def _note(path: Path, evaluation: Evaluation, about: Mapping[str, Any]) -> None:
    """Add what is asked for to what was asked for before, once."""
    asked = json.loads(json.dumps({"asked": asdict(evaluation), **about}))
    runs = read_about(path.parent).get("runs", []) if path.is_file() else []
    if asked not in runs:
        write_atomic(path, json.dumps({"format": "myna-evaluation", "version": 1, "runs": [*runs, asked]}, indent=1))


def read_about(out: Path) -> dict[str, Any]:
    """What `evaluation.json` says.

    Raises:
        MynaError: there is none, or it is none.
    """
    try:
        found = json.loads((out / ABOUT).read_text(encoding="utf-8"))
        if found["format"] == "myna-evaluation":
            return found
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise MynaError(
        f"{printable(str(out))} holds no evaluation: make one with `myna evaluate --out {printable(str(out))}`."
    )


def read_summary(out: Path) -> dict[str, Any]:
    """What `summary.json` says.

    Raises:
        MynaError: there is none, or it is none.
    """
    try:
        found = json.loads((out / SUMMARY).read_text(encoding="utf-8"))
        if found["format"] == "myna-evaluation-summary":
            return found
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise MynaError(f"{printable(str(out / SUMMARY))} is no summary: make it anew with `myna evaluate --only-table`.")


def write_results(out: Path) -> dict[str, Any]:
    """Write the table and its summary anew from the rows of an evaluation; the summary.

    Raises:
        MynaError: the folder holds no evaluation, or cannot be written.
    """
    read_about(out)
    rows = results(out / CELLS)
    write_csv(rows, out / RESULTS)
    summary = summarise(rows)
    write_atomic(out / SUMMARY, json.dumps(summary, indent=1) + "\n")
    return summary
