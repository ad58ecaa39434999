"""The default: nearest presets, successive halving of CMA-ES polishes, then all on the best.

A start from the bank needs a small step: sigma near 0.05 was the biggest single lever of our earlier study.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from myna.agents.base import Match, Objective, Spent
from myna.agents.cma_es import Polish
from myna.agents.retrieval import retrieve

__all__ = ["Auto"]


class Auto:
    """Retrieval, then polish.

    Args:
        share: of the budget that goes into candidates from the bank (at most `most`).
        starts: candidates that are polished at first; halved after each round.
        sigma: step size of the polish in u.
    """

    def __init__(self, share: float = 0.16, most: int = 64, starts: int = 4, sigma: float = 0.08) -> None:
        """See the class."""
        self.share, self.most, self.starts, self.sigma = share, most, starts, sigma

    def match(self, objective: Objective, generator: np.random.Generator) -> Match:
        """See `Agent.match`."""
        try:
            self._search(objective, generator)
        except Spent:
            pass
        return objective.match()

    def _search(self, objective: Objective, generator: np.random.Generator) -> None:
        given = objective.start
        if given is not None:
            objective.evaluate(given[None])
        u, losses = retrieve(objective, min(self.most, max(2, round(self.share * objective.left))))
        if given is not None:
            u, losses = np.concatenate([given[None], u]), np.append(objective.best_loss, losses)
        runs = self._start(objective, generator, u, losses)
        while True:
            share = objective.left / (2 + len(runs)) if len(runs) > 1 else objective.left
            for _, climb in runs:
                stop_at = objective.left - share / len(runs)
                for _ in climb:
                    if objective.left <= stop_at:
                        break
            runs = sorted(runs, key=lambda run: run[0].best_loss)[: max(1, len(runs) // 2)]

    def _start(
        self, objective: Objective, generator: np.random.Generator, u: np.ndarray, losses: np.ndarray
    ) -> list[tuple[Polish, Iterator[float]]]:
        count = min(self.starts, max(1, objective.left // 60))
        polishes = [
            Polish(objective, objective.constrain(u[i : i + 1])[0], float(losses[i]), generator, self.sigma)
            for i in _different(u, losses, count)
        ]
        return [(polish, polish.run()) for polish in polishes]


def _different(u: np.ndarray, losses: np.ndarray, count: int) -> list[int]:
    """The best `count` rows that are not the same preset at another volume."""
    chosen: list[int] = []
    for i in np.argsort(losses, kind="stable"):
        if all(np.sum(np.abs(u[i] - u[j]) > 1e-6) > 1 for j in chosen):
            chosen.append(int(i))
        if len(chosen) == count:
            break
    return chosen
