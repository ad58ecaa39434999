"""What a learned model of the synth does for a polish by CMA-ES: a surrogate beside the search, as the field calls it.

Three things, each from what a `ProxyView` foretells of presets near the best:

- the covariance that the optimiser begins with, which would take thousands of renders to learn;
- a choice among its draws before they are rendered (pre-selection: Ulmer, Streichert & Zell 2003, "Evolution strategies
  assisted by Gaussian processes with improved pre-selection criterion", doi 10.1109/CEC.2003.1299643);
- steps planned towards the target, told to the optimiser as if it had drawn them (Hansen 2011, "Injecting external
  solutions into CMA-ES", arXiv 1110.4181; a box around the best takes the place of the clipping there).

Every render corrects what is foretold. Shapes: n presets, P parameters, C channels, T samples, L knobs.
"""

from __future__ import annotations

import numpy as np

from myna.agents.proxy_view import ProxyView

__all__ = ["PLANNED", "SCREENED", "Guide"]

SCREENED, PLANNED = 3, 2
"""Draws for each one that is rendered, and planned steps in each generation; see docs/training-log.md."""

_REACH, _LEAST, _MOST = 0.1, 0.01, 0.3  # of the box around the best, half its width in u: at first, and at its limits
_GROW, _SHRINK = 1.3, 0.7  # after a planned step that succeeded, and one that failed


class Guide:
    """The surrogate of one start, which looks from the best preset that came of it.

    Args:
        view: of the search.
        u, audio: the start (P,), and how it sounds (C, T), where that is known.
        rng: of what planned steps leave out.
    """

    def __init__(self, view: ProxyView, u: np.ndarray, audio: np.ndarray | None, rng: np.random.Generator) -> None:
        """See the class."""
        self._view, self._rng = view, rng
        self._reach, self._failed = _REACH, False
        view.move_to(u, audio)

    def covariance(self, knobs: np.ndarray) -> np.ndarray:
        """What the optimiser begins with around the best, (L, L); see `ProxyView.covariance`."""
        return self._view.covariance(knobs)

    def screen(self, u: np.ndarray, count: int) -> np.ndarray:
        """Which of presets u (n, P) promise most, (count,), the most promising first."""
        return self._view.distances(u).argsort(kind="stable")[:count]

    def plan(self) -> np.ndarray:
        """Presets (PLANNED, P) to hear, in smaller and smaller boxes around the best.

        After a failure, and in all but the first, half of what is heard is left out: the same plan would fail again.
        """
        known = self._view.jacobian(self._view.u, self._view.ordered)
        fresh = (self._rng if i or self._failed else None for i in range(PLANNED))
        return np.stack([self._view.turned(self._reach / 2**i, rng, known=known) for i, rng in enumerate(fresh)])

    def judge(self, better: bool) -> None:
        """Whether a planned step was better than the best: the box grows or shrinks."""
        self._failed = not better
        self._reach = float(np.clip(self._reach * (_GROW if better else _SHRINK), _LEAST, _MOST))

    def learn(self, u: np.ndarray, audio: np.ndarray, best: int | None) -> None:
        """Presets u (n, P) sounded like audio (n, C, T); one of them may be the new best."""
        others = np.arange(len(u)) != (-1 if best is None else best)
        if others.any():
            self._view.learn(u[others], audio[others])
        if best is not None:
            self._view.move_to(u[best], audio[best])
