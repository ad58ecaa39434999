"""How a stage's presets are drawn: targets inside its open modules, and starts near to them or far away.

Every row has its own generator and takes from it the same numbers whatever else is in the batch.
Shapes: n rows, P parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from myna.envs.stages import Stage
from myna.params import ParameterTable
from myna.presets.generator import MusicalPrior, UniformPrior

__all__ = ["Generators", "PresetDraws", "choose"]

Generators = Sequence[np.random.Generator]


class PresetDraws:
    """Draws presets for stages.

    Args:
        table: Serum-lite's parameters.
        stages: all that may be asked for.
    """

    def __init__(self, table: ParameterTable, stages: Sequence[Stage]) -> None:
        """See the class."""
        self.table = table
        self._masks = {stage.number: stage.mask(table) for stage in stages}
        self.defaults = table.encode(table.defaults)
        self._priors = {True: MusicalPrior(table), False: UniformPrior(table)}

    def targets(self, stages: Sequence[Stage], generators: Generators) -> np.ndarray:
        """A preset (n, P) for each row, inside its stage, canonical, discrete knobs at bin centres."""
        musical = [rng.random() < stage.musical for stage, rng in zip(stages, generators, strict=True)]
        u = np.empty((len(stages), len(self.table)))
        for kind, prior in self._priors.items():
            rows = [row for row, drawn in enumerate(musical) if drawn == kind]
            if rows:
                u[rows] = prior.sample_each([generators[row] for row in rows])
        return self.inside(u, stages)

    def open(self, stages: Sequence[Stage]) -> np.ndarray:
        """What is open in each row, (n, P) bool."""
        return np.reshape([self._masks[stage.number] for stage in stages], (-1, len(self.table))).astype(bool)

    def inside(self, u: np.ndarray, stages: Sequence[Stage]) -> np.ndarray:
        """The presets with what is closed at the defaults, and of twins inside the stage the canonical one."""
        open = self.open(stages)
        kept = np.where(open, u, self.defaults)
        twin = self.table.canonical(kept)
        # Where only one oscillator is open, the other of the twins lies outside the stage: then this one is alone.
        reachable = np.all(np.abs(twin - self.defaults) < 1e-9, axis=1, keepdims=True, where=~open)
        return np.where(open & reachable, twin, kept)

    def near(
        self, target_u: np.ndarray, stages: Sequence[Stage], distance: np.ndarray, generators: Generators
    ) -> np.ndarray:
        """Presets (n, P) on the way from the targets to musical draws; choices are the draw's with that chance.

        Musical, since uniform ones are silent too often: from silence nothing tells the way.

        Args:
            target_u: (n, P), inside the stages.
            stages: of the rows.
            distance: (n,) in [0, 1]; 0 gives the target, 1 the draw.
            generators: of the rows.
        """
        other = self.inside(self._priors[True].sample_each(list(generators)), stages)
        chance = np.reshape([rng.random(len(self.table)) for rng in generators], other.shape)
        share = np.reshape(distance, (-1, 1))
        chosen = np.where(chance < share, other, target_u)
        between = target_u + share * (other - target_u)
        return self.table.snap(np.where(self.table.categorical, chosen, between))


def choose(shares: dict[str, float], rng: np.random.Generator) -> str:
    """One of the names, each with its share of the sum; the sum is above 0."""
    names = list(shares)
    ends = np.cumsum([shares[name] for name in names])
    return names[min(int(np.searchsorted(ends, rng.random() * ends[-1], side="right")), len(names) - 1)]
