"""Planning with a neural proxy of the synth: what to turn is worked out without a render, and each render corrects it.

From the regression's guess; then by turns a step over all ordered knobs, within a box that grows where steps succeed
and shrinks where they fail (a trust region), and the change of one choice. What the proxy says is only believed of
differences: of the present preset it is known how it really sounds, and what it was wrong by at presets that were heard
puts it right near them. A step is Gauss-Newton's for absolute deviations
(iteratively reweighted least squares, Holland & Welsch 1977), on the proxy's Jacobian.

Shapes: n presets, P parameters, D numbers of a summary, L knobs that are turned.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from myna.agents.base import Agent, Objective, Search
from myna.agents.ear import Aim, Ear
from myna.agents.likely import likely_changes
from myna.agents.proxy_net import ProxyNet, load_proxy
from myna.agents.proxy_view import ProxyView
from myna.agents.regression import Regression
from myna.synth.renderer import Renderer

__all__ = ["Plan", "ProxyPlanner"]

# Half the width of the box, in u: at first, and where it is that again; what it grows and shrinks by.
_REACH, _LEAST, _GROW, _SHRINK = 0.2, 0.01, 1.3, 0.5
_SURE = 0.03  # of the present distance: changes whose distances differ by this are told apart as by a factor of e


class ProxyPlanner(Agent):
    """See the file.

    Args:
        renderer: of the synth.
        weights: name or path of a proxy's.
        guess: name or path of the regression's that makes the start.
        choosing: of so many steps one changes a choice.

    Raises:
        MynaError: weights that cannot be used.
    """

    def __init__(
        self,
        renderer: Renderer,
        weights: str | Path = "proxy",
        guess: str | Path = "regression",
        choosing: int = 3,
    ) -> None:
        """See the class."""
        super().__init__(renderer)
        self.net, self.card = load_proxy(renderer.table, weights)
        self.ear, self._guessing = Ear(renderer), Regression(renderer, guess)
        self.choosing = choosing

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        aim = self.ear.aim(objective.goal.audio, objective.goal.probe)
        yield self._guessing.net.likeliest(self._guessing.guess(aim)).numpy()
        plan = Plan(self.net, self.ear, objective, aim)
        step = 0
        while True:
            step += 1
            if step % self.choosing == 0 and len(changed := plan.changed()):
                yield changed[None]
            else:
                yield plan.step(rng)[None]
            plan.keep()

    def foretell(self, objective: Objective) -> ProxyView:
        """See `proxy_view.Foreteller`."""
        aim = self.ear.aim(objective.goal.audio, objective.goal.probe)
        return ProxyView(self.net, self.ear, objective, aim)

    def propose(
        self, objective: Objective, u: np.ndarray, audio: np.ndarray, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        """See `likely.Proposer`: the nearer the proxy thinks a change would come, the likelier."""
        plan = Plan(self.net, self.ear, objective, self.ear.aim(objective.goal.audio, objective.goal.probe), u, audio)
        return likely_changes(objective, u, plan.likely(), count, rng)


class Plan(ProxyView):
    """The best preset so far of one search, and what to hear next by what the proxy says of its neighbours.

    After each render `keep` is told. Others than those that are planned may be heard between: they are learned from.

    Args:
        net, ear, objective, aim: see `ProxyView`.
        u, audio: a preset (P,) and its sound (C, T) to begin with; where they are left out, what was heard last.
    """

    def __init__(
        self,
        net: ProxyNet,
        ear: Ear,
        objective: Objective,
        aim: Aim,
        u: np.ndarray | None = None,
        audio: np.ndarray | None = None,
    ) -> None:
        """See the class."""
        super().__init__(net, ear, objective, aim)
        self._failed: set[tuple[int, int]] = set()  # choices and options that made it no better
        self._asked: tuple[int, int] | None = None
        self._reach, self._stepped, self._stumbled = _REACH, False, False
        self.loss = np.inf
        if u is None or audio is None:
            self.keep()
        else:
            self.move_to(u, audio)

    def keep(self) -> bool:
        """Whether what was heard last is the best, and to be gone on from; the box learns what became of its step."""
        better = bool(self.objective.losses[0] < self.loss)
        if better:
            self.loss = float(self.objective.losses[0])
            self.move_to(self.objective.heard[0], self.objective.audio[0])
        else:
            self.learn(self.objective.heard[:1], self.objective.audio[:1])
            if self._asked is not None:
                self._failed.add(self._asked)
        if self._stepped:
            self._reach *= _GROW if better else _SHRINK
            self._reach = _REACH if self._reach < _LEAST else self._reach
            self._stumbled = not better
        elif better or self._asked is not None:
            self._stumbled = False
        self._asked, self._stepped = None, False
        return better

    def step(self, rng: np.random.Generator) -> np.ndarray:
        """The present preset (P,) with all knobs turned within the box; another plan where the last one failed."""
        self._stepped = True
        return self.turned(self._reach, rng if self._stumbled else None)

    def changed(self) -> np.ndarray:
        """The present preset (P,) with the choice changed that the proxy likes best; empty where it likes none."""
        presets, picks = self._alternatives()
        fresh = [i for i, pick in enumerate(picks) if pick not in self._failed]
        if not fresh:
            return np.empty(0)
        distances = self.distances(presets[fresh])
        best = int(distances.argmin())
        if distances[best] >= float(self.distances(self.u[None])[0]):
            return np.empty(0)
        self._asked = picks[fresh[best]]
        return presets[fresh[best]]

    def likely(self) -> np.ndarray:
        """How likely each option (C, K) of each choice is worth a render."""
        presets, picks = self._alternatives()
        options = self.objective.table.steps[self.objective.table.categorical]
        likely = np.zeros((len(options), int(options.max(initial=1))))
        if picks:
            distances = self.distances(presets)
            sure = _SURE * float(self.distances(self.u[None])[0]) + 1e-9
            for (choice, option), value in zip(picks, np.exp((distances.min() - distances) / sure), strict=True):
                likely[choice, option] = value
        return likely

    def _alternatives(self) -> tuple[np.ndarray, list[tuple[int, int]]]:
        """Presets (n, P) with one audible choice changed each, and which choice and option that is."""
        table = self.objective.table
        columns = np.flatnonzero(table.categorical)
        picks = [
            (choice, option)
            for choice, column in enumerate(columns)
            if self.audible[column]
            for option in range(int(table.steps[column]))
            if option != min(int(self.u[column] * table.steps[column]), int(table.steps[column]) - 1)
        ]
        presets = np.repeat(self.u[None], len(picks), axis=0)
        for preset, (choice, option) in zip(presets, picks, strict=True):
            preset[columns[choice]] = (option + 0.5) / table.steps[columns[choice]]
        return presets, picks
