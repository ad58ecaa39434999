"""CMA-ES from the `cmaes` library: cold, over all parameters, and as a polish from a given preset.

Source: Hansen, "The CMA Evolution Strategy: A Tutorial" (arXiv 1604.00772), by way of `cmaes.CMA`.
Discrete parameters are binned: u is snapped when it is rendered.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from cmaes import CMA

from myna.agents.base import Match, Objective, Spent
from myna.agents.knobs import audible_knobs
from myna.agents.swaps import change_choices

__all__ = ["ColdCMA", "Polish"]


def _make(mean: np.ndarray, sigma: float, population: int, seed: int) -> CMA:
    bounds = np.tile([0.0, 1.0], (len(mean), 1))
    return CMA(
        mean=np.clip(mean, 0.001, 0.999),
        sigma=sigma,
        bounds=bounds,
        seed=seed,
        population_size=population,
        n_max_resampling=1,  # then clipped: in 145 knobs, many at an end of their range, no draw is inside at once
    )


def _tell(optimizer: CMA, candidates: np.ndarray, losses: np.ndarray) -> None:
    finite = np.where(np.isfinite(losses), losses, 1e6)  # the library would take a NaN for a value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        optimizer.tell([(c, float(x)) for c, x in zip(candidates, finite, strict=True)])


def _seed(generator: np.random.Generator) -> int:
    return int(generator.integers(2**31))


class ColdCMA:
    """CMA-ES over every open parameter from a neutral start, restarted when it stalls.

    Args:
        sigma, population: of the library's optimiser; restarts double the population (IPOP).
    """

    def __init__(self, sigma: float = 0.3, population: int = 16) -> None:
        """See the class."""
        self.sigma = sigma
        self.population = population

    def match(self, objective: Objective, generator: np.random.Generator) -> Match:
        """See `Agent.match`."""
        population = self.population
        try:
            while True:
                start = objective.table.encode(objective.table.defaults)
                optimizer = _make(start, self.sigma, population, _seed(generator))
                while not optimizer.should_stop():
                    asked = np.array([optimizer.ask() for _ in range(population)])
                    _tell(optimizer, asked, objective.evaluate(asked))
                population *= 2
        except Spent:
            return objective.match()


class Polish:
    """CMA-ES around one preset, over the knobs that can be heard in it, with trials of the discrete ones between.

    A generation costs `population` renders. After each, `trials` copies of the best with one or two switches, choices
    or whole numbers changed are rendered; a better one becomes the new centre.
    """

    def __init__(
        self,
        objective: Objective,
        start: np.ndarray,
        loss: float,
        generator: np.random.Generator,
        sigma: float = 0.05,
        population: int = 12,
        trials: int = 4,
    ) -> None:
        """Begin at `start` (P,), whose loss is known."""
        self.objective = objective
        self.generator = generator
        self.sigma, self.population, self.trials = sigma, population, trials
        self.best_u, self.best_loss = start.copy(), loss
        self._restart()

    def _restart(self) -> None:
        self.live = _live(self.objective, self.best_u)
        mean = self.best_u[self.live]
        self.optimizer = _make(mean, self.sigma, self.population, _seed(self.generator))

    def run(self) -> Iterator[float]:
        """Yield the best loss after each generation, for as long as the caller asks.

        Raises:
            Spent: from the objective.
        """
        while True:
            asked = np.array([self.optimizer.ask() for _ in range(self.population)])
            u = np.repeat(self.best_u[None], self.population, 0)
            u[:, self.live] = asked
            losses = self.objective.evaluate(u)
            self._keep(u, losses)
            _tell(self.optimizer, asked, losses)
            changed = self._try_discrete()
            if changed or self.optimizer.should_stop():
                self._restart()
            yield self.best_loss

    def _keep(self, u: np.ndarray, losses: np.ndarray) -> bool:
        i = int(np.argmin(losses))
        if losses[i] >= self.best_loss:
            return False
        self.best_u, self.best_loss = self.objective.constrain(u[i : i + 1])[0], float(losses[i])
        return True

    def _try_discrete(self) -> bool:
        if not self.trials:
            return False
        u = change_choices(self.objective, self.best_u, self.trials, self.generator)
        before = self.best_u.copy()
        improved = len(u) > 0 and self._keep(u, self.objective.evaluate(u))
        return improved and bool(np.any(before != self.best_u))


def _live(objective: Objective, u: np.ndarray) -> np.ndarray:
    """Indices of the continuous knobs that can be heard; at least two, as CMA-ES needs."""
    free = ~objective.table.discrete
    live = np.flatnonzero(audible_knobs(objective.table, u) & free & objective.open)
    return live if len(live) >= 2 else np.flatnonzero(free)
