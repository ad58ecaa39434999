"""CatCMA with margin from the `cmaes` library: continuous, whole and unordered knobs, each searched as what it is.

Source: Hamano et al., "CatCMA with Margin" (arXiv 2504.07884), by way of `cmaes.CatCMAwM`.

Two things made its candidates NaN on this synth, and are kept from it here: a mean at an end of its range, where the
library takes a step size of 0 and then divides by it; and a choice of probability 0, which it divides by as well.

Shapes: P parameters, X continuous, Z whole numbers, Q unordered, K values of the largest choice.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from cmaes import CatCMAwM

from myna.agents.base import Agent, Objective, Search
from myna.agents.cma_es import WORST, draw_seed
from myna.agents.mean_preset import mean_of_prior, prior_draws
from myna.params import ParameterTable
from myna.synth.renderer import Renderer

__all__ = ["CatCMA"]

_INSIDE = 0.01  # how far from the ends a mean begins
_RARE = 0.01  # added to the share of every choice, so that none is impossible


class CatCMA(Agent):
    """CatCMA with margin over every parameter from the distribution of the musical prior, restarted when it stalls.

    Args:
        renderer: of candidates.
        sigma, population: of the library's optimiser; restarts double the population (IPOP).
    """

    def __init__(self, renderer: Renderer, sigma: float = 0.07, population: int = 16) -> None:
        """See the class."""
        super().__init__(renderer)
        self.sigma, self.population = sigma, population

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        knobs, population = _Knobs(objective.table), self.population
        while True:
            optimizer = knobs.optimizer(self.sigma, population, draw_seed(rng))
            while True:
                asked = [optimizer.ask() for _ in range(population)]
                u = knobs.presets(asked)
                if not np.isfinite(u).all():
                    break
                losses = yield u
                if _spent(optimizer, asked, losses):
                    break
            population *= 2


class _Knobs:
    """A table's parameters by kind, as the library wants them."""

    def __init__(self, table: ParameterTable) -> None:
        self.table = table
        self.continuous = np.flatnonzero(~table.discrete)
        self.whole = np.flatnonzero(table.discrete & ~table.categorical)
        self.choices = np.flatnonzero(table.categorical)

    def optimizer(self, sigma: float, population: int, seed: int) -> CatCMAwM:
        ordered = np.concatenate([self.continuous, self.whole])
        mean = np.clip(mean_of_prior(self.table)[ordered], _INSIDE, 1.0 - _INSIDE)
        return CatCMAwM(
            x_space=[[0.0, 1.0]] * len(self.continuous),
            z_space=[_centres(count) for count in self.table.steps[self.whole]],
            c_space=self.table.steps[self.choices].tolist(),
            population_size=population,
            mean=mean,
            sigma=sigma,
            cov=np.eye(len(mean)),
            cat_param=self._shares(),
            seed=seed,
        )

    def presets(self, solutions: Sequence[CatCMAwM.Solution]) -> np.ndarray:
        """Solutions as u (n, P)."""
        u = np.empty((len(solutions), len(self.table)))
        u[:, self.continuous] = [solution.x for solution in solutions]
        u[:, self.whole] = [solution.z for solution in solutions]
        chosen = np.argmax([solution.c for solution in solutions], axis=2)  # pyright: ignore[reportCallIssue, reportArgumentType] - optional in the library, given here
        u[:, self.choices] = (chosen + 0.5) / self.table.steps[self.choices]
        return u

    def _shares(self) -> np.ndarray:
        """How often the prior makes each choice, (Q, K), 0 where there is none."""
        steps = self.table.steps[self.choices]
        chosen = np.floor(prior_draws(self.table)[:, self.choices] * steps).clip(0, steps - 1).astype(int)
        shares = np.zeros((len(steps), steps.max()))
        for row, count, made in zip(shares, steps, chosen.T, strict=True):
            row[:count] = np.bincount(made, minlength=count) / len(made) + _RARE
        return shares / shares.sum(axis=1, keepdims=True)


def _centres(count: int) -> list[float]:
    return ((np.arange(count) + 0.5) / count).tolist()


def _spent(optimizer: CatCMAwM, asked: Sequence[CatCMAwM.Solution], losses: np.ndarray) -> bool:
    """Tell the losses; whether the optimiser has come to an end."""
    finite = np.where(np.isfinite(losses), losses, WORST)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        optimizer.tell([(one, float(loss)) for one, loss in zip(asked, finite, strict=True)])
        return optimizer.should_stop()
