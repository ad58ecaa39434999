"""A preset as it sounded, and what a proxy of the synth says of its neighbours.

What a proxy says is only believed of differences: how the preset itself sounds is known. And where it was wrong about
presets that were heard, it is taken to be wrong alike about presets near them.

Shapes: n presets, m of them heard, P parameters, D numbers of a summary, L knobs.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from myna.agents.base import Objective
from myna.agents.ear import Aim, Ear
from myna.agents.knobs import audible_knobs
from myna.agents.proxy_net import IMPORTANCE, ProxyNet, clipped
from myna.features import one_core

__all__ = ["Foreteller", "ProxyView"]

_ROUNDS = 3  # of Gauss-Newton within a step
_NUDGE_U = 0.02  # of a knob, for the Jacobian
_SOFTEN = 0.1
_DAMPING = 0.1  # of a step
_IMPORTANCE = IMPORTANCE.numpy().astype(np.float64)
_RIDGE = 0.1  # of `covariance`, next to what a knob does on average; .01 and a diagonal alone were worse
# Of `_Mistakes`: how far they reach in u, and what of them is no better known for being near. Half and twice the reach
# foretell as well (docs/training-log.md, "A proxy that is put right").
_REACH_U, _NOISE = 0.4, 0.003
_MOST = 128  # heard last; more would take longer than a render


class ProxyView:
    """One preset of a search, towards its target.

    Args:
        net: the proxy.
        ear: hears as the proxy was taught to.
        objective: of the search.
        aim: its target, heard.

    Attributes:
        u: (P,) the preset.
    """

    def __init__(self, net: ProxyNet, ear: Ear, objective: Objective, aim: Aim) -> None:
        """There is no preset yet: see `move_to`."""
        self.net, self.ear, self.objective, self.aim = net, ear, objective, aim
        self._target = clipped(aim.summary)
        self._mistakes = _Mistakes()

    def move_to(self, u: np.ndarray, audio: np.ndarray | None) -> None:
        """Look from u (P,), which sounds like audio (C, T); where that is None, like the proxy says that it does."""
        self.u, self._u = u, torch.from_numpy(u)[None]
        if audio is None:
            with torch.no_grad():
                self._heard = clipped(self.net(self._u, self.aim.played))
        else:
            self._heard = self.learn(u[None], audio[None])
        self.audible = audible_knobs(self.objective.table, u) & self.objective.open

    @one_core()
    @torch.no_grad()
    def learn(self, u: np.ndarray, audio: np.ndarray) -> torch.Tensor:
        """Take down how wrong the proxy was about u (n, P), which sound like audio (n, C, T); how they do, (n, D)."""
        heard = clipped(self.ear.hear(audio, self.aim).summary)
        said = self.net(torch.from_numpy(u), self.aim.played.expand(len(u), -1))
        for preset, missed in zip(u, (heard - said).double().numpy(), strict=True):
            self._mistakes.add(preset, missed)
        return heard

    @one_core()
    @torch.no_grad()
    def said(self, u: torch.Tensor) -> torch.Tensor:
        """How presets u (n, P) would sound, (n, D): as the present one does, and what the proxy says they differ by.

        Where other presets were heard, what it was wrong by there is put right.
        """
        both = self.net(torch.cat([self._u, u]), self.aim.played.expand(1 + len(u), -1))
        said = self._heard + both[1:] - both[:1]
        if len(self._mistakes) < 2:  # nothing to go by but the present preset
            return said
        return said + torch.from_numpy(self._mistakes.more(u.numpy(), self.u)).float()

    def distances(self, u: np.ndarray) -> np.ndarray:
        """How far presets (n, P) are from the target as the proxy hears them, (n,)."""
        off = (self._target - self.said(torch.from_numpy(u))).abs()
        return (off * IMPORTANCE).sum(-1).double().numpy()

    def jacobian(self, u: np.ndarray, knobs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How the summary of u (P,) changes with each of L knobs, (L, D), and what it lacks to the target's, (D,)."""
        nudge = np.where(u[knobs] > 0.5, -_NUDGE_U, _NUDGE_U)
        near = np.repeat(u[None], 1 + len(knobs), axis=0)
        near[1 + np.arange(len(knobs)), knobs] += nudge
        said = self.said(torch.from_numpy(near)).double().numpy()
        return (said[1:] - said[0]) / nudge[:, None], self._target.double().numpy()[0] - said[0]

    @property
    def ordered(self) -> np.ndarray:
        """Indices (L,) of the ordered knobs that can be heard in the present preset."""
        return np.flatnonzero(self.audible & ~self.objective.table.categorical)

    def turned(
        self,
        reach: float,
        rng: np.random.Generator | None = None,
        known: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> np.ndarray:
        """The present preset (P,) with all ordered knobs turned towards the target, each by `reach` at most.

        With `rng` half of the summary's numbers, drawn anew, are left out, as the plan that failed would be made again.
        What is `known` of `jacobian` at the present preset is taken to hold all around; else every round asks anew.
        """
        importance = _IMPORTANCE if rng is None else _IMPORTANCE * (rng.random(len(_IMPORTANCE)) < 0.5)
        knobs = self.ordered
        u = self.u.copy()
        low, high = np.maximum(u[knobs] - reach, 0.0), np.minimum(u[knobs] + reach, 1.0)
        for _ in range(_ROUNDS if len(knobs) else 0):
            jacobian, left = known or self.jacobian(u, knobs)
            if known:
                left = left - (u - self.u)[knobs] @ jacobian
            curvature, gradient = self.curvature(jacobian, left, importance)
            diagonal = np.diag(curvature)
            ridge = np.diag(_DAMPING * diagonal + 1e-3 * diagonal.mean() + 1e-12)
            u[knobs] = np.clip(u[knobs] + np.linalg.solve(curvature + ridge, gradient), low, high)
        return self.objective.constrain(u[None])[0]

    @staticmethod
    def curvature(
        jacobian: np.ndarray, left: np.ndarray, importance: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gauss-Newton's (L, L), and the gradient (L,), of the distance, by iteratively reweighted least squares."""
        importance = _IMPORTANCE if importance is None else importance
        pull = importance / (np.abs(left) + _SOFTEN * np.abs(left).mean() + 1e-9)
        return (jacobian * pull) @ jacobian.T, (jacobian * pull) @ left

    def covariance(self, knobs: np.ndarray) -> np.ndarray:
        """What a search around the present preset should be shaped like, (L, L), its mean variance 1.

        The inverse of the curvature, so that a step in any direction is heard alike: what does little is moved far, and
        knobs that do the same are moved against each other. It is what CMA-ES tends to (Hansen 2016, section 2.4).
        """
        curvature, _ = self.curvature(*self.jacobian(self.u, knobs))
        scale = np.diag(curvature).mean() + 1e-12
        found = np.linalg.inv(curvature / scale + _RIDGE * np.eye(len(knobs)))
        return found * (len(knobs) / np.trace(found))


class Foreteller(Protocol):
    """An agent that knows a proxy of the synth."""

    def foretell(self, objective: Objective) -> ProxyView | None:
        """What it says of presets near one, whoever found it; None where the agent knows nothing after all."""
        ...


class _Mistakes:
    """What a proxy was wrong by at presets that were heard, and by how much more it will be wrong elsewhere.

    The mean of a Gaussian process with a Matérn kernel of order 3/2 (Rasmussen & Williams 2006, equations 2.25 and
    4.17), around the mistake at the preset that is looked from.
    """

    def __init__(self) -> None:
        self._heard: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=_MOST)

    def __len__(self) -> int:
        return len(self._heard)

    def add(self, u: np.ndarray, missed: np.ndarray) -> None:
        """At preset u (P,) it was wrong by `missed` (D,)."""
        self._heard.append((u, missed))

    def more(self, u: np.ndarray, here: np.ndarray) -> np.ndarray:
        """How much more it is wrong by at presets u (n, P) than at `here` (P,), (n, D)."""
        known, missed = (np.array(part) for part in zip(*self._heard, strict=True))
        nearest = int(cdist(here[None], known)[0].argmin())
        kernel = _alike(known, known) + _NOISE * np.eye(len(known))
        weights = cho_solve(cho_factor(kernel), missed - missed[nearest])
        return (_alike(u, known) - _alike(here[None], known)) @ weights


def _alike(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """How much presets u (n, P) tell of presets v (m, P), (n, m) in (0, 1]."""
    far = np.sqrt(3.0) / _REACH_U * cdist(u, v)
    return (1.0 + far) * np.exp(-far)
