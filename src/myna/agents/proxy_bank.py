"""A bank that is never rendered: a proxy of the synth says how its presets would sound, played as the target was.

So it takes no time to build and no room, knows every note and gate, and half of it is drawn for the target: presets
that the regression thinks likely. The other half are factory presets and draws of the musical prior, for sounds that
it has never heard the like of.

Shapes: n presets, P parameters, D numbers of a summary.
"""

from __future__ import annotations

import functools

import numpy as np
import torch

from myna.agents.base import Objective
from myna.agents.ear import Aim
from myna.agents.proxy_net import IMPORTANCE, clipped, load_proxy
from myna.agents.regression import Regression
from myna.agents.retrieval import with_gain
from myna.envs.statistics import load_statistics
from myna.features import one_core
from myna.params import ParameterTable
from myna.presets.factory import load_trainable
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.renderer import Renderer

__all__ = ["DRAWN", "GUESSED", "ProxyBank"]

DRAWN, GUESSED = 1_500, 1_500
"""Of the musical prior, beside the factory presets; and of the regression's guess at each target."""
_CHUNK = 512
_LOUDNESS = -1  # it lies last in a summary


class ProxyBank:
    """Presets near a target, as a proxy hears them.

    Args:
        renderer: of the synth.
        drawn, guessed: see `DRAWN`.

    Raises:
        MynaError: weights that cannot be used.
    """

    def __init__(self, renderer: Renderer, drawn: int = DRAWN, guessed: int = GUESSED) -> None:
        """See the class."""
        self._net, _ = load_proxy(renderer.table)
        self._guessing, self._drawn, self._guessed = Regression(renderer), drawn, guessed

    @one_core()
    @torch.no_grad()
    def nearest(self, objective: Objective, count: int, rng: np.random.Generator) -> np.ndarray:
        """The nearest presets (n, P) to the objective's target, n at most `count`, nearest first; no renders.

        Those that were not drawn for the target are taken at the volume at which they would be as loud. A preset that
        the goal says to start from comes before all.

        Args:
            objective: whose locks are kept.
            count: at most so many.
            rng: of the draws.
        """
        aim = self._guessing.ear.aim(objective.goal.audio, objective.goal.probe)
        guessed = objective.constrain(self._guessing.drawn(self._guessing.guess(aim), self._guessed, rng))
        known = objective.constrain(_known(objective.table, self._drawn))
        softer = _loudness(clipped(aim.summary)) - _loudness(self._said(known, aim))
        known = objective.constrain(with_gain(objective, known, softer.double().numpy()))
        u = np.concatenate([guessed, known])
        far = ((self._said(u, aim) - clipped(aim.summary)).abs() * IMPORTANCE).sum(-1)
        nearest, start = u[far.argsort(stable=True)[:count].numpy()], objective.goal.start
        return nearest if start is None else np.concatenate([start[None], nearest])[:count]

    def _said(self, u: np.ndarray, aim: Aim) -> torch.Tensor:
        """How presets (n, P) would sound, (n, D)."""
        parts = torch.from_numpy(u).split(_CHUNK)
        return torch.cat([self._net(part, aim.played.expand(len(part), -1)) for part in parts])


def _loudness(summary: torch.Tensor) -> torch.Tensor:
    """LUFS of standardised summaries (n, D) but for a constant, (n,)."""
    return summary[:, _LOUDNESS] * load_statistics().spread[_LOUDNESS]


@functools.cache
def _known(table: ParameterTable, drawn: int) -> np.ndarray:
    """Factory presets that methods may know of, and draws of the musical prior, (n, P)."""
    factory = np.reshape([preset.u(table) for preset in load_trainable(table)], (-1, len(table)))
    return np.concatenate([factory, MusicalPrior(table).sample(drawn, generator(0, "proxy-bank"))])
