"""What an episode did to the knobs, beside where the target has them.

Shapes: P parameters. Units: `u` in [0, 1]; positions in percent.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from myna.evaluation.report.knobs import in_words, knob_name, module_title
from myna.params import ParameterTable

__all__ = ["KnobWay", "ModuleWay", "knob_ways"]

SAME_U = 1e-3
"""Positions closer than this are the same to the eye."""


@dataclass(frozen=True)
class KnobWay:
    """One knob: its values in words, its positions in percent; `target` is empty where nobody knows it."""

    name: str
    start: str
    best: str
    end: str
    target: str
    start_position: float
    best_position: float
    target_position: float | None
    stepped: bool
    right: bool
    help: str


@dataclass(frozen=True)
class ModuleWay:
    """The knobs of one module that moved, or that differ from the target's."""

    title: str
    knobs: tuple[KnobWay, ...]


def knob_ways(
    table: ParameterTable, start: np.ndarray, best: np.ndarray, end: np.ndarray, target: np.ndarray | None
) -> list[ModuleWay]:
    """The knobs worth showing, by module in the table's order: those that moved or are not where the target's are.

    Args:
        table: the synth's parameters.
        start: u (P,) of the preset that the episode began with.
        best: u (P,) of the best one.
        end: u (P,) of the last one.
        target: u (P,) where the target is a preset, or None.
    """
    known = start if target is None else target
    stages = np.stack([start, best, end, known])
    rows = np.flatnonzero(np.ptp(stages, axis=0) > SAME_U).tolist()
    values = table.decode(stages)
    ways = []
    for module, columns in itertools.groupby(rows, key=lambda p: table.parameters[p].module):
        knobs = tuple(_way(table, p, stages[:, p], values[:, p], target is not None) for p in columns)
        ways.append(ModuleWay(module_title(module), knobs))
    return ways


def _way(table: ParameterTable, column: int, u: np.ndarray, values: np.ndarray, known: bool) -> KnobWay:
    parameter = table.parameters[column]
    start, best, end, target = (in_words(parameter.describe(float(value))) for value in values)
    return KnobWay(
        name=knob_name(parameter.name),
        start=start,
        best=best,
        end=end,
        target=target if known else "",
        start_position=100.0 * float(u[0]),
        best_position=100.0 * float(u[1]),
        target_position=100.0 * float(u[3]) if known else None,
        stepped=parameter.kind in ("categorical", "boolean"),
        right=known and abs(float(u[1] - u[3])) <= 0.02,
        help=parameter.help,
    )
