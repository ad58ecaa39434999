"""What an evaluation says: medians with their intervals, and paired tests against CMA-ES, by suite, agent and renders.

A target's loss is the mean over the seeds of its runs, and over trainings, where an agent was trained several times.
Intervals are 95 % bootstraps over targets (whole instruments, where several targets are of one) and over trainings; p
is of Wilcoxon's signed-rank test, adjusted by Holm's rule over all comparisons of a suite. Shapes: n targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from myna.evaluation.results import Line
from myna.evaluation.statistics import Ratio, holm, median_interval, paired_ratio
from myna.rounding import rounded
from myna.seeding import generator

__all__ = ["BASELINE", "Standing", "by_target", "ratio_of", "standings", "summarise"]

BASELINE = "cma-es"
"""What all others are tested against, at equal renders."""
RESAMPLES = 2_000


@dataclass
class Standing:
    """An agent on a suite after so many renders.

    Attributes:
        suite, agent, renders: which.
        targets, seeds: how many there are.
        median, low, high: of the losses, with its interval; `quartiles` (2,).
        success: share of runs that reached the noise floor.
        seed_medians: the median of each seed's run, to see how much hangs on the draw; and `training_medians`, of each
            training's, to see how much hangs on that.
        ratio, ratio_low, ratio_high: median of the loss over the baseline's on the same target, with its interval;
            None for the baseline, and where it was not run.
        p: of the test that they are equal, adjusted; and `wins`, the share of targets that are strictly better.
        other_notes, parameters: medians, None where unknown.
        metrics: medians of the field's.
        alternatives, apart_db: medians, of runs that ended at this number of renders.
        seconds: median time of the whole run for a target, of runs that ended here.
    """

    suite: str
    agent: str
    renders: int
    targets: int
    seeds: int
    median: float
    low: float
    high: float
    quartiles: tuple[float, float]
    success: float
    seed_medians: list[float]
    training_medians: Sequence[float] = ()
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    p: float | None = None
    wins: float | None = None
    other_notes: float | None = None
    parameters: float | None = None
    metrics: Mapping[str, float | None] | None = None
    alternatives: float | None = None
    apart_db: float | None = None
    seconds: float | None = None


Key = tuple[str, str, int]


def summarise(lines: Sequence[Line]) -> dict[str, Any]:
    """As JSON: `standings`, a list, and `to_success`, see `renders_to_success`."""
    return {
        "format": "myna-evaluation-summary",
        "version": 1,
        "baseline": BASELINE,
        "standings": [rounded(asdict(one)) for one in standings(lines)],
        "to_success": rounded(renders_to_success(lines)),
    }


def standings(lines: Sequence[Line]) -> list[Standing]:
    """In the order of the lines: of suites, agents and renders."""
    cells: dict[Key, list[Line]] = {}
    for line in lines:
        cells.setdefault((line.suite, line.agent, line.renders), []).append(line)
    found = {key: one for key, own in cells.items() if (one := _standing(key, own)) is not None}
    for suite in dict.fromkeys(suite for suite, _, _ in cells):
        _test({key: own for key, own in cells.items() if key[0] == suite}, found)
    return list(found.values())


def _standing(key: Key, lines: Sequence[Line]) -> Standing | None:
    """None where no target was met by all trainings."""
    losses, groups = _by_training(lines)
    if not losses:
        return None
    trained = np.stack(list(losses.values()), axis=1)
    values = trained.mean(axis=0)
    low, high = median_interval(trained, generator(0, "summary", *map(str, key)), RESAMPLES, list(groups.values()))
    seeds = sorted({line.seed for line in lines})
    ended = [line for line in lines if line.budget == line.renders]
    names = sorted({name for line in lines for name in line.metrics})
    return Standing(
        *key,
        targets=len(values),
        seeds=len(seeds),
        median=float(np.median(values)),
        low=low,
        high=high,
        quartiles=(float(np.quantile(values, 0.25)), float(np.quantile(values, 0.75))),
        success=float(np.mean([line.success for line in lines])),
        seed_medians=[float(np.median([line.loss for line in lines if line.seed == seed])) for seed in seeds],
        training_medians=[float(median) for median in np.median(trained, axis=1)],
        other_notes=_median(line.other_notes for line in lines),
        parameters=_median(line.parameters for line in lines),
        metrics={name: _median(line.metrics.get(name) for line in lines) for name in names},
        alternatives=_median(line.alternatives.get("count") for line in ended),
        apart_db=_median(line.alternatives.get("apart_db") for line in ended),
        seconds=_median(line.seconds for line in ended),
    )


def by_target(lines: Sequence[Line]) -> dict[int, float]:
    """Mean loss over seeds and trainings of each target that every training was run on, by its index."""
    losses, _ = _by_training(lines)
    return {index: float(own.mean()) for index, own in losses.items()}


def _by_training(lines: Sequence[Line]) -> tuple[dict[int, np.ndarray], dict[int, str]]:
    """As `by_target`, with the loss after each training (trainings,); and the group of each target."""
    trainings = sorted({line.training for line in lines})
    losses: dict[int, dict[int, list[float]]] = {}
    groups: dict[int, str] = {}
    for line in sorted(lines, key=lambda one: one.index):
        losses.setdefault(line.index, {}).setdefault(line.training, []).append(line.loss)
        groups[line.index] = line.group
    whole = {index: own for index, own in losses.items() if len(own) == len(trainings)}
    means = {index: np.array([np.mean(own[training]) for training in trainings]) for index, own in whole.items()}
    return means, {index: groups[index] for index in means}


def ratio_of(ours: Sequence[Line], theirs: Sequence[Line], rng: np.random.Generator) -> Ratio | None:
    """Losses of one agent over another's on the targets that both were run on; None where they have none in common."""
    (a, groups), (b, _) = _by_training(ours), _by_training(theirs)
    both = sorted(a.keys() & b.keys())
    if not both:
        return None
    one, other = (np.stack([side[index] for index in both], axis=1) for side in (a, b))
    return paired_ratio(one, other, rng, RESAMPLES, [groups[index] for index in both])


def _median(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _test(cells: Mapping[Key, Sequence[Line]], found: Mapping[Key, Standing]) -> None:
    """Compare all of a suite with the baseline of as many renders, on the targets that both have."""
    tested: list[Standing] = []
    for (suite, agent, renders), lines in cells.items():
        other = cells.get((suite, BASELINE, renders))
        if agent == BASELINE or other is None:
            continue
        ratio = ratio_of(lines, other, generator(0, "summary", "ratio", suite, agent, str(renders)))
        if ratio is None:
            continue
        one = found[suite, agent, renders]
        one.ratio, one.ratio_low, one.ratio_high = ratio.median, ratio.low, ratio.high
        one.p, one.wins = ratio.p, ratio.wins
        tested.append(one)
    for one, p in zip(tested, holm([one.p for one in tested if one.p is not None]), strict=True):
        one.p = p


def renders_to_success(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """By suite and agent, of its longest runs: `renders` until half of them had reached the noise floor, else None.

    And `ever`, the share that reached it within their `budget`.
    """
    most: dict[tuple[str, str], int] = {}
    for line in lines:
        most[line.suite, line.agent] = max(line.renders, most.get((line.suite, line.agent), 0))
    found = []
    for (suite, agent), budget in most.items():
        own = [line for line in lines if (line.suite, line.agent, line.renders) == (suite, agent, budget)]
        if budget:  # references spend nothing
            half = float(np.median([np.inf if line.reached is None else line.reached for line in own]))
            ever = float(np.mean([line.reached is not None for line in own]))
            renders = half if np.isfinite(half) else None
            found.append({"suite": suite, "agent": agent, "budget": budget, "renders": renders, "ever": ever})
    return found
