"""What the plain CMA-ES baseline does best with: step sizes, populations, starts and variants of the `cmaes` library.

    python benchmarks/cold_cma.py [--targets 24] [--budget 1000]

Targets are draws of the musical prior from a place of the seed tree that no other benchmark uses. Prints the geometric
mean of the best loss after 200 renders and after the budget, and the ratios to the setting that `cma-es` has.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from cmaes import CMA, CMAwM

from myna.agents import Agent, Goal, Objective, Search
from myna.agents.cat_cma_es import CatCMA
from myna.agents.cma_es import POPULATION, SIGMA
from myna.agents.mean_preset import mean_of_prior
from myna.params import ParameterTable
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

Setting = tuple[float, int, str, str]
"""Step size, population (0: the library's own, 18 here), start, variant."""
KEPT: Setting = (SIGMA, POPULATION, "mean of the prior", "CMA")
SETTINGS = (
    KEPT,
    *((sigma, 16, "mean of the prior", "CMA") for sigma in (0.05, 0.1, 0.15, 0.2)),
    *((sigma, 16, "default preset", "CMA") for sigma in (0.1, 0.15, 0.2, 0.3, 0.5)),
    *((0.2, population, "default preset", "CMA") for population in (8, 0, 32, 64)),
    (0.2, 16, "middle", "CMA"),
    (0.2, 16, "default preset", "CMA, lr_adapt"),
    (0.2, 16, "default preset", "CMAwM"),
    *((sigma, 16, "mean of the prior", "CatCMAwM") for sigma in (0.07, 0.15)),
)
MARK = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", type=int, default=24)
    parser.add_argument("--budget", type=int, default=1000)
    options = parser.parse_args()
    jobs = [(setting, i, options.budget) for setting in SETTINGS for i in range(options.targets)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        losses = np.reshape(list(pool.map(_search, jobs)), (len(SETTINGS), options.targets, 2))
    means = np.exp(np.log(losses).mean(axis=1))
    print(f"{'sigma':>5} {'population':>10} {'start':18} {'variant':14} {MARK:>6} {options.budget:>6} {'ratios':>12}")
    for (sigma, population, start, variant), mean in zip(SETTINGS, means, strict=True):
        ratios = " ".join(f"{r:.2f}" for r in mean / means[0])
        shown = population or "default"
        print(f"{sigma:5} {shown:>10} {start:18} {variant:14} {mean[0]:6.3f} {mean[1]:6.3f} {ratios:>12}")


def _search(job: tuple[Setting, int, int]) -> tuple[float, float]:
    """Best losses after MARK renders and at the end."""
    setting, index, budget = job
    renderer = Renderer(threads=1)
    (match,) = Variant(renderer, setting).match([_goal(renderer, index)], budget, generator(0, "cold", "search"))
    return match.best_at(MARK), match.loss


def _goal(renderer: Renderer, index: int) -> Goal:
    rng = generator(0, "cold", "target", index)
    gate_s = float(rng.uniform(0.2, 1.2))
    probe = Probe(int(rng.integers(36, 85)), 100, gate_s, gate_s + 0.4)
    u = MusicalPrior(renderer.table).sample_audible(1, rng, lambda rows: renderer.render(rows, probe))
    return Goal(renderer.render(u, probe)[0, 0], probe)


class Variant(Agent):
    """One of the SETTINGS."""

    def __init__(self, renderer: Renderer, setting: Setting) -> None:
        super().__init__(renderer)
        self.setting = setting

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        sigma, population, _, variant = self.setting
        if variant == "CatCMAwM":
            yield from CatCMA(self.renderer, sigma, population).search(objective, rng)
        for optimizer in _optimizers(objective.table, *self.setting, rng):
            yield from _generations(optimizer, objective.table)


def _optimizers(
    table: ParameterTable, sigma: float, population: int, start: str, variant: str, rng: np.random.Generator
) -> Iterator[CMA | CMAwM]:
    """The optimiser, then restarts with twice the population each (IPOP), without end."""
    mean = {
        "default preset": lambda: table.encode(table.defaults),
        "mean of the prior": lambda: mean_of_prior(table),
        "middle": lambda: np.full(len(table), 0.5),
    }[start]()
    size = population or 4 + int(3 * np.log(len(table)))
    shared = {
        "mean": np.clip(mean, 0.001, 0.999),
        "sigma": sigma,
        "bounds": np.tile([0.0, 1.0], (len(table), 1)),
        "n_max_resampling": 1,
    }
    while True:
        seed = int(rng.integers(2**31))
        if variant == "CMAwM":
            steps = np.array([1.0 / (n - 1) if n > 1 else 0.0 for n in table.steps])
            yield CMAwM(**shared, steps=steps, seed=seed, population_size=size)
        else:
            yield CMA(**shared, seed=seed, population_size=size, lr_adapt=variant.endswith("lr_adapt"))
        size *= 2


def _generations(optimizer: CMA | CMAwM, table: ParameterTable) -> Search:
    """Until it stops."""
    while not optimizer.should_stop():
        asked = [optimizer.ask() for _ in range(optimizer.population_size)]
        if isinstance(optimizer, CMAwM):
            u, told = np.array([a for a, _ in asked]), [b for _, b in asked]
            # The margin's grid runs from 0 to 1; ours has its values at the centres of equal bins.
            steps = np.maximum(table.steps, 1)
            u = np.where(table.discrete, (np.round(u * (steps - 1)) + 0.5) / steps, u)
        else:
            u = np.array(asked)
            told = asked
        losses = yield u
        optimizer.tell([(t, float(loss)) for t, loss in zip(told, losses, strict=True)])


if __name__ == "__main__":
    main()
