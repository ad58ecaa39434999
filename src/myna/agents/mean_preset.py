"""The mean preset: what a method that hears nothing would answer, so that every other one has something to beat."""

from __future__ import annotations

import functools

import numpy as np

from myna.agents.base import Agent, Objective, Search
from myna.params import ParameterTable
from myna.presets.generator import MusicalPrior
from myna.seeding import generator

__all__ = ["MeanPreset", "mean_of_prior", "prior_draws", "typical_preset"]

_DRAWS = 512


class MeanPreset(Agent):
    """Renders the typical preset of the musical prior, and nothing else."""

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`; draws nothing."""
        yield typical_preset(objective.table)[None]


@functools.cache
def mean_of_prior(table: ParameterTable) -> np.ndarray:
    """The mean u (P,) of the musical prior."""
    return prior_draws(table).mean(axis=0)


@functools.cache
def typical_preset(table: ParameterTable) -> np.ndarray:
    """The mean of the musical prior with each discrete knob at its most frequent value, (P,)."""
    u = mean_of_prior(table).copy()
    snapped = table.snap(prior_draws(table))
    for knob in np.flatnonzero(table.discrete):
        values, counts = np.unique(snapped[:, knob], return_counts=True)
        u[knob] = values[np.argmax(counts)]
    return u


@functools.cache
def prior_draws(table: ParameterTable) -> np.ndarray:
    """Draws (n, P) of the musical prior that its means and frequencies are taken from."""
    return MusicalPrior(table).sample(_DRAWS, generator(0, "cma-es", "mean"))
