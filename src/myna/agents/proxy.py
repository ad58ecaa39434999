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
from myna.agents.proxy_net import load_proxy
from myna.agents.proxy_view import ROUNDS, ProxyView
from myna.agents.regression import Regression
from myna.synth.renderer import Renderer

__all__ = ["ProxyPlanner"]

_SURE = 0.03  # of the present distance: changes whose distances differ by this are told apart as by a factor of e


class ProxyPlanner(Agent):
    """See the file.

    Args:
        renderer: of the synth.
        weights: name or path of a proxy's.
        guess: name or path of the regression's that makes the start.
        reach: half the width of the first box, in u; `least` the smallest, from which it is widened again.
        grow, shrink: of the box after a success and a failure.
        choosing: of so many steps one changes a choice.
        rounds: of Gauss-Newton within a step.

    Raises:
        MynaError: weights that cannot be used.
    """

    def __init__(
        self,
        renderer: Renderer,
        weights: str | Path = "proxy",
        guess: str | Path = "regression",
        reach: float = 0.2,
        least: float = 0.01,
        grow: float = 1.3,
        shrink: float = 0.5,
        choosing: int = 3,
        rounds: int = ROUNDS,
    ) -> None:
        """See the class."""
        super().__init__(renderer)
        self.net, self.card = load_proxy(renderer.table, weights)
        self.ear, self._guessing = Ear(renderer), Regression(renderer, guess)
        self.reach, self.least, self.grow, self.shrink = reach, least, grow, shrink
        self.choosing, self.rounds = choosing, rounds

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        aim = self.ear.aim(objective.goal.audio, objective.goal.probe)
        yield self._guessing.net.likeliest(self._guessing.guess(aim)).numpy()
        plan = _Plan(self, objective, aim)
        reach, step = self.reach, 0
        while True:
            step += 1
            if step % self.choosing == 0 and len(changed := plan.changed()):
                yield changed[None]
                plan.keep()
                continue
            yield plan.turned(reach, rng if plan.stumbled else None, self.rounds)[None]
            reach *= self.grow if plan.keep() else self.shrink
            if reach < self.least:
                reach = self.reach

    def foretell(self, objective: Objective) -> ProxyView:
        """See `proxy_view.Foreteller`."""
        aim = self.ear.aim(objective.goal.audio, objective.goal.probe)
        return ProxyView(self.net, self.ear, objective, aim)

    def propose(
        self, objective: Objective, u: np.ndarray, audio: np.ndarray, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        """See `likely.Proposer`: the nearer the proxy thinks a change would come, the likelier."""
        plan = _Plan(self, objective, self.ear.aim(objective.goal.audio, objective.goal.probe), u, audio)
        return likely_changes(objective, u, plan.likely(), count, rng)


class _Plan(ProxyView):
    """The best preset so far of one target, and what the proxy says of its neighbours."""

    def __init__(
        self,
        agent: ProxyPlanner,
        objective: Objective,
        aim: Aim,
        u: np.ndarray | None = None,
        audio: np.ndarray | None = None,
    ) -> None:
        super().__init__(agent.net, agent.ear, objective, aim)
        self._failed: set[tuple[int, int]] = set()  # choices and options that made it no better
        self._asked: tuple[int, int] | None = None
        self.stumbled = False
        self.loss = np.inf
        if u is None or audio is None:
            self.keep()
        else:
            self.move_to(u, audio)

    def keep(self) -> bool:
        """Go on from what was heard last, if it is the best."""
        better = bool(self.objective.losses[0] < self.loss)
        if better:
            self.loss = float(self.objective.losses[0])
            self.move_to(self.objective.heard[0], self.objective.audio[0])
        else:
            self.learn(self.objective.heard[:1], self.objective.audio[:1])
            if self._asked is not None:
                self._failed.add(self._asked)
        self.stumbled = not better and self._asked is None
        self._asked = None
        return better

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
