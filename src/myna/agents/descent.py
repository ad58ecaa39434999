"""Gauss-Newton without derivatives: a render tells how every band and frame changed, not only how far off it is.

Each render of a probe, one knob moved a little, gives a column of a Jacobian; a damped step then moves all knobs at
once towards the target's features. Columns are kept, corrected by every step (Broyden 1965) and refreshed in turn.
The absolute loss is approached by reweighting (iteratively reweighted least squares); damping is Marquardt's (1963).

Shapes: P parameters, R residuals, k knobs.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from myna.agents.base import Objective, Search
from myna.agents.knobs import audible_knobs

__all__ = ["Descent"]

PROBES = 12
STEP_U = 0.04
LONGEST_U = 0.25
# Candidates of a step by their damping, relative to the damping that did best last time.
DAMPING = np.array([0.03, 0.3, 3.0, 30.0])
_RIDGE = 1e-3
_SOFTEN = 0.3
_WORTH = 0.998


class Descent:
    """One preset on its way down.

    Attributes:
        u, loss: the best so far, (P,) and its loss.
    """

    def __init__(self, objective: Objective, u: np.ndarray, loss: float, residual: np.ndarray) -> None:
        """Begin at u (P,) with its loss and residuals (R,), which a render has told already."""
        self.objective = objective
        self._jacobian = np.zeros((len(u), len(residual)), np.float32)
        self._probed = np.full(len(u), -1)  # in which round; -1: not yet
        self._dead = np.zeros(len(u), bool)
        self._round = 0
        self._damping = 0.1
        self.move_to(u, loss, residual)

    def move_to(self, u: np.ndarray, loss: float, residual: np.ndarray) -> None:
        """Go on from another preset; what is known about the modules that differ is probed again."""
        before = getattr(self, "u", u)
        self.u, self.loss, self._residual = u.copy(), float(loss), residual
        table = self.objective.table
        self._knobs = np.flatnonzero(audible_knobs(table, u) & ~table.discrete & self.objective.open)
        changed = {table.parameters[i].module for i in np.flatnonzero(np.abs(before - u) > 1e-9)}
        if changed:
            self._probed[table.mask(changed)] = -1
            self._dead[:] = False

    def run(self, generator: np.random.Generator) -> Search:
        """Probe some knobs, then step for as long as it pays: `yield from descent.run(generator)`."""
        yield from self._probe(generator)
        while (yield from self._step()):
            pass

    def _probe(self, generator: np.random.Generator) -> Search:
        """Move the knobs that were probed longest ago, one at a time."""
        knobs = self._knobs[~self._dead[self._knobs]]
        if not len(knobs):
            return
        self._round += 1
        age = self._probed[knobs] + 0.5 * generator.random(len(knobs))
        knobs = knobs[np.argsort(age)][:PROBES]
        sign = generator.choice([-1.0, 1.0], len(knobs))
        sign[self.u[knobs] < STEP_U] = 1.0
        sign[self.u[knobs] > 1.0 - STEP_U] = -1.0
        u = np.repeat(self.u[None], len(knobs), axis=0)
        u[np.arange(len(knobs)), knobs] += STEP_U * sign
        losses = yield u
        residuals = self.objective.residuals()
        self._jacobian[knobs] = (residuals - self._residual) / (STEP_U * sign[:, None]).astype(np.float32)
        self._probed[knobs] = self._round
        self._dead[knobs] = ~np.any(self._jacobian[knobs], axis=1)
        self._keep(u, losses, residuals)

    def _step(self) -> Generator[np.ndarray, np.ndarray, bool]:
        """Try a step at several dampings; whether it was worth it."""
        knobs = self._knobs[(self._probed[self._knobs] >= 0) & ~self._dead[self._knobs]]
        if not len(knobs):
            return False
        damping = self._damping * DAMPING
        u = np.repeat(self.u[None], len(damping), axis=0)
        u[:, knobs] = np.clip(u[:, knobs] + self._directions(knobs, damping), 0.0, 1.0)
        losses = yield u
        residuals = self.objective.residuals()
        for i in np.argsort(-losses, kind="stable"):  # the best one last: it corrects what the others told
            self._correct(knobs, u[i, knobs] - self.u[knobs], residuals[i] - self._residual)
        self._damping = float(np.clip(damping[np.argmin(losses)], 1e-4, 1e3))
        before = self.loss
        self._keep(u, losses, residuals)
        return self.loss < _WORTH * before

    def _directions(self, knobs: np.ndarray, damping: np.ndarray) -> np.ndarray:
        """Steps (dampings, k) in u, each at most LONGEST_U in a knob."""
        jacobian = self._jacobian[knobs]
        size = np.abs(self._residual)
        weighted = jacobian / (size + _SOFTEN * size.mean() + np.float32(1e-12))
        curvature = (weighted @ jacobian.T).astype(np.float64)
        gradient = (weighted @ self._residual).astype(np.float64)
        diagonal = np.diag(curvature)
        ridge = _RIDGE * diagonal.mean() + 1e-12
        steps = [-np.linalg.solve(curvature + np.diag(d * diagonal + ridge), gradient) for d in damping]
        return np.clip(steps, -LONGEST_U, LONGEST_U)

    def _correct(self, knobs: np.ndarray, moved: np.ndarray, change: np.ndarray) -> None:
        """Broyden's update: the Jacobian now predicts the change that this move made."""
        square = float(moved @ moved)
        if square > 1e-12:
            missed = change - moved.astype(np.float32) @ self._jacobian[knobs]
            self._jacobian[knobs] += np.outer((moved / square).astype(np.float32), missed)

    def _keep(self, u: np.ndarray, losses: np.ndarray, residuals: np.ndarray) -> None:
        best = int(np.argmin(losses))
        if losses[best] < self.loss:
            self.u, self.loss, self._residual = u[best], float(losses[best]), residuals[best]
