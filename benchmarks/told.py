"""What a search gets wrong: how far it would come if it were told a part of the preset.

    python benchmarks/told.py [--targets 24] [--budget 500] [--more 60]

Targets are draws of the musical prior whose presets are known (`in-val`). After the budget the best preset of `auto` is
taken, one part of it is put as the target has it, and a descent goes on from there for some renders more; the first
line is told nothing. Prints geometric means over targets of the loss as a ratio to what it was, the better of before
and after; and on how many targets being told is worth 5 % or more over not being told.

A part that is worth much is one that search does not find for itself, and that the others do not make up for.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatchcase
from multiprocessing import get_context

import numpy as np

from myna.agents import Agent, Goal, Objective, Search, make_agent
from myna.agents.climb import Candidate, hear
from myna.agents.descent import Descent
from myna.agents.knobs import audible_knobs
from myna.agents.lockstep import only
from myna.evaluation.suites.sets import PresetSet
from myna.params import ParameterTable
from myna.seeding import generator
from myna.synth.renderer import Renderer

SET = PresetSet("in-val", 64)
OSCILLATORS = ("osc_?.*", "sub.*", "noise.*")
PITCHES = ("osc_?.octave", "osc_?.semitone", "osc_?.fine_cents")
TABLES = ("osc_?.table", "osc_?.position", "osc_?.warp*")
PARTS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "all oscillators": OSCILLATORS,
    "oscillator A": ("osc_a.*",),
    "oscillator B": ("osc_b.*",),
    "octaves, semitones and cents of both": PITCHES,
    "tables, positions and warps of both": TABLES,
    "both of these": PITCHES + TABLES,
    "switches and levels of all": ("osc_?.on", "osc_?.level", "sub.on", "sub.level", "noise.on", "noise.level"),
    "unison of both": ("osc_?.unison", "osc_?.detune_cents", "osc_?.blend", "osc_?.width"),
    "sub and noise": ("sub.*", "noise.*"),
    "filter": ("filter.*",),
    "envelopes": ("env_?.*",),
    "LFOs and matrix": ("lfo_?.*", "matrix.*"),
    "effects": ("distortion.*", "chorus.*", "delay.*", "reverb.*", "eq.*"),
}
"""What a part consists of: names of parameters, as file names are matched."""
REST, DISCRETE = "all but the oscillators", "all switches, choices and whole numbers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", type=int, default=24, help="at most 64 (default: %(default)s)")
    parser.add_argument("--budget", type=int, default=500, help="renders of `auto` (default: %(default)s)")
    parser.add_argument("--more", type=int, default=60, help="renders of a descent (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="of one thread each (default: %(default)s)")
    options = parser.parse_args()
    if not (1 <= options.targets <= len(SET) and options.budget >= 1 and options.more >= 1 and options.processes >= 1):
        parser.error(f"give 1 to {len(SET)} targets, and 1 or more of all else.")
    jobs = [(index, options.budget, options.more) for index in range(options.targets)]
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(_told, jobs))
    print(f"{'told':40} {'targets':>7} {'at once':>8} {'after':>8} {'worth 5 %':>10}")
    for part in [*PARTS, REST, DISCRETE]:
        own = np.array([ratios[part] for ratios in found if part in ratios])
        other = np.array([ratios["nothing"][1] for ratios in found if part in ratios])
        if len(own):
            at_once, after = np.exp(np.log(np.minimum(own, 1.0)).mean(0))
            print(f"{part:40} {len(own):7} {at_once:8.3f} {after:8.3f} {np.mean(own[:, 1] < 0.95 * other):10.2f}")


def _told(job: tuple[int, int, int]) -> dict[str, tuple[float, float]]:
    """Of each part that the search had wrong: loss when told, and after a descent, over the loss before."""
    index, budget, more = job
    renderer = Renderer(threads=1)
    truth, _ = SET.preset(index, renderer)
    told = Told(make_agent("auto", renderer), truth[0], budget, more)
    most = budget + (1 + more) * len(_parts(renderer.table))
    told.match([Goal.of(SET.target(index, renderer), renderer)], most, generator(0, "told"))
    return told.found


class Told(Agent):
    """A search, and what comes of its best preset when parts of it are put right, one at a time."""

    def __init__(self, first: Agent, truth: np.ndarray, budget: int, more: int) -> None:
        super().__init__(first.renderer)
        self.first, self.truth, self.budget, self.more = first, truth, budget, more
        self.found: dict[str, tuple[float, float]] = {}

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        yield from only(objective, self.first.search(objective, rng), self.budget)
        before, best = objective.best_loss, objective.best_u.copy()
        heard = audible_knobs(objective.table, self.truth) | audible_knobs(objective.table, best)
        for part, mask in _parts(objective.table).items():
            right = np.where(mask, self.truth, best)
            if mask.any() and np.allclose(right[heard], best[heard], atol=1e-6):
                continue  # it had that right
            (start,) = yield from hear(objective, only(objective, _once(right), 1))
            tried = yield from hear(objective, only(objective, _descend(objective, start, rng), self.more))
            lowest = min(candidate.loss for candidate in [start, *tried])
            self.found[part] = (start.loss / before, lowest / before)


def _parts(table: ParameterTable) -> dict[str, np.ndarray]:
    """Which parameters each part has, (P,) bool."""
    parts = {
        part: np.array([any(fnmatchcase(name, pattern) for pattern in patterns) for name in table.names])
        for part, patterns in PARTS.items()
    }
    return {**parts, REST: ~parts["all oscillators"], DISCRETE: table.discrete}


def _once(u: np.ndarray) -> Search:
    yield u[None]


def _descend(objective: Objective, start: Candidate, rng: np.random.Generator) -> Search:
    descent = Descent(objective, *start)
    while True:
        yield from descent.run(rng)


if __name__ == "__main__":
    main()
