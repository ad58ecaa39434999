"""CMA-ES from the `cmaes` library: cold, over all parameters, and as a polish from a given preset.

Source: Hansen, "The CMA Evolution Strategy: A Tutorial" (arXiv 1604.00772), by way of `cmaes.CMA`.
Discrete parameters are binned: u is snapped when it is rendered. Each generation is one batch.
"""

from __future__ import annotations

import warnings

import numpy as np
from cmaes import CMA

from myna.agents.base import Agent, Objective, Search
from myna.agents.guide import PLANNED, SCREENED, Guide
from myna.agents.knobs import audible_knobs
from myna.agents.mean_preset import mean_of_prior
from myna.synth.renderer import Renderer

__all__ = ["POPULATION", "SIGMA", "WORST", "ColdCMA", "Polish", "draw_seed"]

SIGMA, POPULATION = 0.07, 16
"""Of a cold search: what did best of all that `benchmarks/cold_cma.py` tries."""

WORST = 1e6
"""What a loss that is not finite counts as."""


def _make(mean: np.ndarray, sigma: float, population: int, seed: int, covariance: np.ndarray | None = None) -> CMA:
    bounds = np.tile([0.0, 1.0], (len(mean), 1))
    return CMA(
        mean=np.clip(mean, 0.001, 0.999),
        sigma=sigma,
        bounds=bounds,
        seed=seed,
        cov=covariance,
        population_size=population,
        n_max_resampling=1,  # then clipped: in 145 knobs, many at an end of their range, no draw is inside at once
    )


def _tell(optimizer: CMA, candidates: np.ndarray, losses: np.ndarray) -> None:
    finite = np.where(np.isfinite(losses), losses, WORST)  # the library would take a NaN for a value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        optimizer.tell([(c, float(x)) for c, x in zip(candidates, finite, strict=True)])


def draw_seed(rng: np.random.Generator) -> int:
    """A seed as the library takes it."""
    return int(rng.integers(2**31))


class ColdCMA(Agent):
    """CMA-ES over every open parameter from the mean of the musical prior, restarted when it stalls.

    Args:
        renderer: of candidates.
        sigma, population: of the library's optimiser; restarts double the population (IPOP).
    """

    def __init__(self, renderer: Renderer, sigma: float = SIGMA, population: int = POPULATION) -> None:
        """See the class."""
        super().__init__(renderer)
        self.sigma = sigma
        self.population = population

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        population = self.population
        while True:
            optimizer = _make(mean_of_prior(objective.table), self.sigma, population, draw_seed(rng))
            while not optimizer.should_stop():
                asked = np.array([optimizer.ask() for _ in range(population)])
                _tell(optimizer, asked, (yield asked))
            population *= 2


class Polish:
    """CMA-ES around one preset, over the continuous knobs that can be heard in it.

    Args:
        objective: what to search.
        u: (P,) the preset.
        rng: of the optimiser's seed.
        sigma: step size in u; from a good start small steps did best.
        population: renders of a generation.
        guide: what a model of the synth adds, see `agents.guide`; None begins in a ball and hears what is drawn.
    """

    def __init__(
        self,
        objective: Objective,
        u: np.ndarray,
        rng: np.random.Generator,
        sigma: float = 0.03,
        population: int = 12,
        guide: Guide | None = None,
    ) -> None:
        """See the class."""
        self.objective, self.u, self.population = objective, u.copy(), population
        self.live = _live(objective, u)
        self.guide = guide
        covariance = guide.covariance(self.live) if guide else None
        self.optimizer = _make(u[self.live], sigma, population, draw_seed(rng), covariance)

    def generation(self) -> Search:
        """One generation, around `u` in what the optimiser does not move; the objective tells how it sounded."""
        u = self._drawn() if self.guide is None else self._guided(self.guide)
        _tell(self.optimizer, u[:, self.live], (yield u))

    def _drawn(self, each: int = 1) -> np.ndarray:
        """Presets (n, P), `each` for each one of the population."""
        asked = np.array([self.optimizer.ask() for _ in range(each * self.population)])
        u = np.repeat(self.u[None], len(asked), axis=0)
        u[:, self.live] = asked
        return u

    def _guided(self, guide: Guide) -> np.ndarray:
        """The most promising draws, and planned steps at the end, in what the optimiser moves."""
        drawn = self._drawn(SCREENED)
        u = drawn[guide.screen(self.objective.constrain(drawn), self.population)]
        u[-PLANNED:, self.live] = guide.plan()[:, self.live]
        return u


def _live(objective: Objective, u: np.ndarray) -> np.ndarray:
    """Indices of the continuous knobs that can be heard; at least two, as CMA-ES needs."""
    free = ~objective.table.discrete
    live = np.flatnonzero(audible_knobs(objective.table, u) & free & objective.open)
    return live if len(live) >= 2 else np.flatnonzero(free)
