"""A preset as it sounded, and what a proxy of the synth says of its neighbours.

What a proxy says is only believed of differences: how the preset itself sounds is known.

Shapes: n presets, P parameters, D numbers of a summary, L knobs.
"""

from __future__ import annotations

import numpy as np
import torch

from myna.agents.base import Objective
from myna.agents.ear import Aim, Ear
from myna.agents.knobs import audible_knobs
from myna.agents.proxy_net import IMPORTANCE, ProxyNet, clipped
from myna.features import one_core

__all__ = ["ProxyView"]

_NUDGE_U = 0.02  # of a knob, for the Jacobian
_SOFTEN = 0.1
_RIDGE = 0.1  # of `covariance`, next to what a knob does on average; .01 and a diagonal alone were worse


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

    def move_to(self, u: np.ndarray, audio: np.ndarray | None) -> None:
        """Look from u (P,), which sounds like audio (C, T); where that is None, like the proxy says that it does."""
        self.u, self._u = u, torch.from_numpy(u)[None]
        if audio is None:
            with torch.no_grad():
                self._heard = clipped(self.net(self._u, self.aim.played))
        else:
            self._heard = clipped(self.ear.hear(audio[None], self.aim).summary)
        self.audible = audible_knobs(self.objective.table, u) & self.objective.open

    @one_core()
    @torch.no_grad()
    def said(self, u: torch.Tensor) -> torch.Tensor:
        """How presets u (n, P) would sound, (n, D): as the present one does, and what the proxy says they differ by."""
        both = self.net(torch.cat([self._u, u]), self.aim.played.expand(1 + len(u), -1))
        return self._heard + both[1:] - both[:1]

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

    @staticmethod
    def curvature(
        jacobian: np.ndarray, left: np.ndarray, importance: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gauss-Newton's (L, L), and the gradient (L,), of the distance, by iteratively reweighted least squares."""
        importance = IMPORTANCE.numpy().astype(np.float64) if importance is None else importance
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
