"""The rows of an evaluation as one tidy table: a line for each suite, target, agent, seed and number of renders."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from myna.envs.noise_floor import success_loss
from myna.evaluation.cells import Contender, read
from myna.evaluation.references import references
from myna.evaluation.suites import SUITES, load_suite
from myna.evaluation.suites.frozen import FrozenSet
from myna.files import write_atomic

__all__ = ["Line", "results", "write_csv"]


@dataclass(frozen=True)
class Line:
    """What is known of one agent on one target after so many renders.

    Attributes:
        suite, target, index: which sound.
        group: what it belongs to; targets of one group are alike (an instrument).
        agent: its label, without the training.
        seed: of its draws.
        renders: spent at most.
        loss: the scaled loss of the best preset so far.
        success: whether that is at most the noise floor, see `myna.envs.noise_floor`.
        budget: of the run that tells this, and `seconds` that it took in all.
        reached: renders after which the run had reached the noise floor, None if it never did.
        other_notes: loss at notes that were not heard; None where nobody knows.
        parameters: distance from the true preset, see `myna.evaluation.measured.parameter_error`; or None.
        metrics: the field's, by name.
        alternatives: of the run in its end: `count`, `apart_db`, `loss_over_best`.
        u: the preset.
        training: which training seed made the agent, from 1.
    """

    suite: str
    target: str
    index: int
    group: str
    agent: str
    seed: int
    renders: int
    loss: float
    success: bool
    budget: int = 0
    seconds: float | None = None
    reached: int | None = None
    other_notes: float | None = None
    parameters: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    alternatives: Mapping[str, Any] = field(default_factory=dict)
    u: Sequence[float] = ()
    training: int = 1


def results(folder: Path) -> list[Line]:
    """All lines of the cells in a folder, in the order of suites, agents, trainings, seeds, renders and targets.

    With the reference lines of each suite that occurs, see `myna.evaluation.references`.
    """
    found: list[Line] = []
    for path in sorted(folder.glob("*.jsonl")):
        kept = read(path)
        if kept is not None and kept[0]["set"] in SUITES:
            found += _lines(*kept)
    told = {(line.suite, line.index) for line in found}
    for suite in dict.fromkeys(line.suite for line in found):
        found += [
            Line(suite, target, index, target, label, 0, 0, loss, loss <= success_loss())
            for label, index, target, loss in references(suite)
            if (suite, index) in told
        ]
    return sorted(
        found, key=lambda one: (SUITES.index(one.suite), one.agent, one.training, one.seed, one.renders, one.index)
    )


def _lines(header: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> list[Line]:
    groups = groups_of(header["set"])
    contender = Contender(header["label"], header["agent"])
    return [
        Line(
            suite=header["set"],
            target=row["target"],
            index=row["index"],
            group=groups[row["index"]],
            agent=contender.name,
            training=contender.training,
            seed=header["seed"],
            renders=mark["renders"],
            loss=mark["loss"],
            success=mark["loss"] <= success_loss(),
            budget=header["budget"],
            seconds=row["seconds"],
            reached=next((at for at, loss in row["curve"] if loss <= success_loss()), None),
            other_notes=mark["other_notes"],
            parameters=mark["parameters"],
            metrics=mark["metrics"],
            alternatives=row["alternatives"] or {},
            u=mark["u"],
        )
        for row in rows
        for mark in row.get("marks", [])
    ]


def groups_of(name: str) -> list[str]:
    """What each target of a suite belongs to: recordings to their instrument, presets to themselves."""
    suite = load_suite(name)
    if isinstance(suite, FrozenSet):
        return [one.name for one in suite.targets]
    return [f"{one.program} {one.instrument}" for one in suite.recordings]


PLAIN = (
    "suite", "target", "index", "group", "agent", "training", "seed", "renders", "loss", "success", "budget", "seconds",
)  # fmt: skip
BEYOND = ("reached", "other_notes", "parameters")
ALTERNATIVES = ("count", "apart_db", "loss_over_best")


def write_csv(lines: Sequence[Line], path: Path) -> None:
    """Write them as CSV in UTF-8 with a header; what is not known is left empty. The presets stay in the cells."""
    names = sorted({name for line in lines for name in line.metrics})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*PLAIN, *BEYOND, *names, *(f"alternatives_{name}" for name in ALTERNATIVES)])
    for line in lines:
        values = [getattr(line, name) for name in (*PLAIN, *BEYOND)]
        values += [line.metrics.get(name) for name in names] + [line.alternatives.get(name) for name in ALTERNATIVES]
        writer.writerow([_cell(value) for value in values])
    write_atomic(path, text.getvalue())


def _cell(value: Any) -> Any:
    """None becomes empty, a yes 1."""
    return "" if value is None else int(value) if isinstance(value, bool) else value
