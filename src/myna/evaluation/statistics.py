"""How sure a difference between two methods on the same targets is: paired ratios, bootstrap intervals, tests.

Shapes: n targets, m comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from myna.errors import UsageError

__all__ = ["Ratio", "holm", "median_interval", "paired_ratio"]

RESAMPLES = 10_000
INTERVAL_PERCENT = (2.5, 97.5)
SMALLEST_LOSS = 1e-4
"""Losses under this count as this: far below what can be heard, and a ratio to 0 would say nothing."""


@dataclass(frozen=True)
class Ratio:
    """Losses of one method over those of another, target by target.

    Attributes:
        median: of the ratios; under 1 the first method is the better one.
        low, high: 95 % bootstrap interval of that median, targets drawn again.
        p: of the two-sided Wilcoxon signed-rank test that the log ratios lie about 0, in [0, 1].
        wins: share of targets on which the first method is strictly better, in [0, 1].
        count: targets, n.
    """

    median: float
    low: float
    high: float
    p: float
    wins: float
    count: int


def paired_ratio(
    a: np.ndarray,
    b: np.ndarray,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    groups: Sequence[str] | None = None,
) -> Ratio:
    """Compare the losses a (n,) of one method with b (n,) of another on the same targets in the same order.

    A method that was trained several times has losses (trainings, n): a target's loss is their mean, and the interval
    draws trainings, too. Methods with as many trainings are drawn alike. The test is of the targets alone.

    Args:
        a: losses, 0 or more.
        b: losses, 0 or more.
        rng: of the bootstrap.
        resamples: draws of n targets, with replacement.
        groups: (n,) what each target belongs to, as an instrument, where targets of one are alike: then whole groups
            are drawn, and the test is of their means.

    Raises:
        UsageError: no targets, not as many of one as of the other, or a loss that is negative or not finite.

    Example:
        >>> rng = np.random.Generator(np.random.PCG64(0))
        >>> round(paired_ratio(np.array([0.2, 0.4, 0.3]), np.array([0.4, 0.8, 0.6]), rng).median, 6)
        0.5
    """
    a, b = _checked(a), _checked(b)
    if a.shape[1] != b.shape[1]:
        raise UsageError(f"Paired losses need the same targets; got {a.shape[1]} and {b.shape[1]}.")
    logs = _log_ratios(a.mean(axis=0), b.mean(axis=0))
    low, high = np.exp(_interval(_log_ratios, (a, b), rng, resamples, groups))
    return Ratio(
        float(np.exp(np.median(logs))),
        float(low),
        float(high),
        _wilcoxon(logs if groups is None else _group_means(logs, groups)),
        float((logs < 0).mean()),
        len(logs),
    )


def median_interval(
    values: np.ndarray, rng: np.random.Generator, resamples: int = RESAMPLES, groups: Sequence[str] | None = None
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the median of values (n,) or (trainings, n), see `paired_ratio` for both.

    >>> median_interval(np.full(5, 0.5), np.random.Generator(np.random.PCG64(0)))
    (0.5, 0.5)
    """
    return _interval(lambda drawn: drawn, (np.atleast_2d(values),), rng, resamples, groups)


def _log_ratios(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(a, SMALLEST_LOSS)) - np.log(np.maximum(b, SMALLEST_LOSS))


def _interval(
    value: Callable[..., np.ndarray],
    sides: Sequence[np.ndarray],
    rng: np.random.Generator,
    resamples: int,
    groups: Sequence[str] | None,
) -> tuple[float, float]:
    """Of the median of what `value` makes of the sides, each (trainings, n), once their trainings are averaged."""
    count = sides[0].shape[1]
    members = _members(groups, count)
    if any(len(side) > 1 for side in sides):
        drawn = [_drawn_with_trainings(value, sides, members, rng) for _ in range(resamples)]
    elif all(len(own) == 1 for own in members):
        values = value(*(side[0] for side in sides))
        drawn = np.median(values[rng.integers(count, size=(resamples, count))], axis=1)
    else:
        chosen = rng.integers(len(members), size=(resamples, len(members)))
        drawn = _drawn_medians(value(*(side[0] for side in sides)), members, chosen)
    low, high = np.percentile(drawn, INTERVAL_PERCENT)
    return float(low), float(high)


def _drawn_with_trainings(
    value: Callable[..., np.ndarray],
    sides: Sequence[np.ndarray],
    members: Sequence[np.ndarray],
    rng: np.random.Generator,
) -> float:
    """One median: trainings drawn with replacement, then groups of targets."""
    counts = dict.fromkeys(len(side) for side in sides)
    trainings = {count: rng.integers(count, size=count) for count in counts}
    values = value(*(side[trainings[len(side)]].mean(axis=0) for side in sides))
    places = np.concatenate([members[group] for group in rng.integers(len(members), size=len(members))])
    return float(np.median(values[places]))


def _drawn_medians(values: np.ndarray, members: Sequence[np.ndarray], chosen: np.ndarray) -> np.ndarray:
    """Medians of the values of the groups in each row of `chosen` (resamples, groups), those drawn twice twice."""
    resamples, count = chosen.shape
    places = chosen + count * np.arange(resamples)[:, None]
    times = np.bincount(places.ravel(), minlength=chosen.size).reshape(chosen.shape)
    group = np.empty(len(values), int)
    for number, own in enumerate(members):
        group[own] = number
    order = np.argsort(values)
    before = np.cumsum(times[:, group[order]], axis=1)
    total = before[:, -1:]
    low, high = (values[order][(before > middle).argmax(axis=1)] for middle in ((total - 1) // 2, total // 2))
    return (low + high) / 2


def _members(groups: Sequence[str] | None, count: int) -> list[np.ndarray]:
    """Places of the targets of each group, groups in the order of their first."""
    if groups is None:
        return [np.array([place]) for place in range(count)]
    return [np.flatnonzero(np.array(groups) == name) for name in dict.fromkeys(groups)]


def _group_means(values: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    return np.array([values[own].mean() for own in _members(groups, len(values))])


def _checked(losses: np.ndarray) -> np.ndarray:
    """As (trainings, n)."""
    losses = np.asarray(losses, np.float64)
    if losses.ndim not in (1, 2) or not losses.size:
        raise UsageError(
            f"Losses to compare need the shape (n,) or (trainings, n) with at least one target; got {losses.shape}."
        )
    if not (np.isfinite(losses) & (losses >= 0)).all():
        raise UsageError("Losses to compare must be finite and 0 or more.")
    return np.atleast_2d(losses)


def _wilcoxon(logs: np.ndarray) -> float:
    """Two-sided p; 1 where no target differs."""
    if not np.any(logs != 0.0):
        return 1.0
    result: Any = stats.wilcoxon(logs)
    return float(result.pvalue)


def holm(p: Sequence[float]) -> list[float]:
    """Adjust the p values (m,) of several comparisons by Holm's step-down rule, in the order given.

    With them, the chance of one false claim or more among all m stays under the level that is asked of each.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    factors = len(order) - np.arange(len(order))
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(np.asarray(p, np.float64)[order] * factors), 1.0)
    return adjusted.tolist()
