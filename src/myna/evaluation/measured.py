"""What is measured of a match beyond its loss, at each number of renders that a table asks about.

The presets are rendered once more for it, which counts against no budget: agents have long ended.

Shapes: n presets, P parameters, C channels, T samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from myna.agents import Goal, Match
from myna.agents.archive import AUDIBLE_DB
from myna.evaluation.metrics import metrics
from myna.evaluation.other_notes import loss_at, other_notes
from myna.evaluation.suites.frozen import FrozenSet
from myna.evaluation.suites.sets import TargetSet
from myna.params import ParameterTable
from myna.synth.renderer import Renderer

__all__ = ["ALTERNATIVES", "Measures", "measured"]

ALTERNATIVES = 4
"""As many presets as a match offers by default."""
_DIGITS = 6


@dataclass(frozen=True)
class Measures:
    """What is measured besides the loss.

    Attributes:
        marks: renders after which the best preset so far is kept and measured, ascending.
        families: of metrics (see `myna.evaluation.metrics`), at each mark.
        last_families: those at the last mark alone, as they are slow.
        other_notes: whether the presets are played at notes that were not heard.
    """

    marks: tuple[int, ...]
    families: tuple[str, ...] = ()
    last_families: tuple[str, ...] = ()
    other_notes: bool = True

    @property
    def all_families(self) -> tuple[str, ...]:
        """Of metrics, those of the last mark included."""
        return (*self.families, *self.last_families)


def measured(
    match: Match, targets: TargetSet, index: int, goal: Goal, renderer: Renderer, wanted: Measures
) -> dict[str, Any]:
    """`marks`, a list of what is known at each (none before the first render), and `alternatives` in the end.

    Of a mark: `renders`, `loss`, `u` (P numbers), `metrics`, `other_notes` (a loss, or None) and `parameters` (the
    distance from the true preset, see `parameter_error`, or None).
    """
    reached = [(mark, _best_by(match, mark)) for mark in wanted.marks]
    places = sorted({place for _, place in reached if place is not None})
    if not places:
        return {"marks": [], "alternatives": None}
    u = np.array([match.trail[place][2] for place in places])
    audio: np.ndarray = renderer.render(u, goal.probe)[:, 0]
    beyond = _beyond(targets, index, u, renderer, wanted)
    known = []
    for row, place in enumerate(places):
        families = (*wanted.families, *(wanted.last_families if row == len(places) - 1 else ()))
        found = metrics(audio[row], goal.audio, renderer.sample_rate, families) if families else {}
        known.append(
            {
                "loss": round(match.trail[place][1], _DIGITS),
                "metrics": {name: float(f"{value:.6g}") for name, value in found.items()},
                **{name: None if values is None else round(float(values[row]), _DIGITS) for name, values in beyond},
                "u": [round(float(value), _DIGITS) for value in u[row]],
            }
        )
    marks = [{"renders": mark, **known[places.index(place)]} for mark, place in reached if place is not None]
    return {"marks": marks, "alternatives": _alternatives(match)}


def _best_by(match: Match, renders: int) -> int | None:
    """Place in the trail of the best preset after so many renders."""
    places = [place for place, (at, _, _) in enumerate(match.trail) if at <= renders]
    return places[-1] if places else None


def _beyond(
    targets: TargetSet, index: int, u: np.ndarray, renderer: Renderer, wanted: Measures
) -> list[tuple[str, np.ndarray | None]]:
    """What needs to know more of the target than its sound."""
    goals = other_notes(targets, index, renderer) if wanted.other_notes else []
    true = targets.u(renderer.table)[index] if isinstance(targets, FrozenSet) else None
    return [
        ("other_notes", loss_at(goals, u, renderer) if goals else None),
        ("parameters", None if true is None else parameter_error(renderer.table, u, true)),
    ]


def parameter_error(table: ParameterTable, u: np.ndarray, true: np.ndarray) -> np.ndarray:
    """How far presets u (n, P) are from the true one (P,), (n,) in [0, 1]; symmetric twins count as one.

    The mean over knobs of the distance in u, where a wrong choice counts 1. A diagnostic: many presets make a sound,
    and knobs that cannot be heard count as much as others.

    >>> from myna.params import Parameter
    >>> table = ParameterTable("toy", 1, [Parameter("osc.level", "continuous", 0, 2, 1)])
    >>> parameter_error(table, np.array([[0.25]]), np.array([0.5]))
    array([0.25])
    """
    apart = np.abs(table.canonical(u) - table.canonical(true[None]))
    apart[:, table.categorical] = apart[:, table.categorical] > 1e-9
    return apart.mean(axis=1)


def _alternatives(match: Match) -> dict[str, Any]:
    """How many presets that differ to the ear there are, how far apart, and what the others cost over the best."""
    count, apart_db, losses = match.archive.spread(ALTERNATIVES, AUDIBLE_DB)
    worse = round(float(np.mean(losses[1:]) / max(losses[0], 1e-4)), 4) if count > 1 else None
    return {"count": count, "apart_db": round(apart_db, 3), "loss_over_best": worse}
