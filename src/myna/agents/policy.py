"""Agents that edit a preset step by step as they learned to, by cloning or by SAC: hear, turn knobs, hear again.

Shapes: n presets, P parameters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from myna.agents.base import Agent, Objective, Search
from myna.agents.ear import Aim, Ear, Impression, Situation, row_view
from myna.agents.foresight import foresight_of, most_promising
from myna.agents.heads import ActionHeads
from myna.agents.likely import likely_changes
from myna.agents.networks import Actor, NetworkConfig, Noise, torch_generator
from myna.agents.proxy_view import ProxyView
from myna.agents.regression import Regression
from myna.agents.retrieval import nearest_presets
from myna.agents.rows import layout_of
from myna.agents.weights import as_carded, fits, load_weights, parts_of
from myna.envs.action import Move
from myna.errors import UsageError
from myna.features import one_core
from myna.loss import BROKEN
from myna.synth.renderer import Renderer

__all__ = ["STARTS", "CloningPolicy", "EditingAgent", "SACPolicy", "network_config"]

STARTS = ("regression", "default", "retrieved")


class EditingAgent(Agent):
    """An episode of likeliest edits from a start preset; then, while the budget lasts, of drawn ones from the best.

    Every step is one render. A drawn episode that finds nothing better for `patience` steps makes room for the next.
    A policy that was trained to take back what made it worse does so here, and draws from the first step on.

    Args:
        renderer: of the synth.
        weights: name or path of an actor's, of either kind.
        start: what the first episode begins with: `regression`'s guess, the `default` preset or the bank's nearest,
            `retrieved`; one render each.
        guess: weights of the regression, where it makes the start.
        patience: see above.
        draws: of a policy with foresight: each edit is the one that promises most of so many.

    Raises:
        UsageError: an unknown start.
        MynaError: weights that cannot be used.

    Example:
        >>> # agent = EditingAgent(renderer, "sac", start="default")
        >>> # agent.match(goals, 17, generator(0, "match"))
    """

    def __init__(
        self,
        renderer: Renderer,
        weights: str | Path = "sac",
        start: str = "regression",
        guess: str | Path = "regression",
        patience: int = 4,
        draws: int = 32,
    ) -> None:
        """See the class."""
        super().__init__(renderer)
        if start not in STARTS:
            raise UsageError(f"An agent that edits can start from {', '.join(STARTS)}; got '{start}'.")
        self.start, self.patience, self.ear = start, patience, Ear(renderer)
        self.draws = draws
        self._load(weights)
        self._guessing = Regression(renderer, guess) if start == "regression" else None

    def _load(self, weights: str | Path) -> None:
        table = self.renderer.table
        loaded = load_weights(weights, fits(("sac", "cloning"), table, parts_of(row_view(table).layout.parts)))
        with as_carded(weights):
            absolute = bool(loaded.card.get("absolute", False))
            self.card, self.view = loaded.card, row_view(table, loaded.card["mode"], absolute=absolute)
            heads = ActionHeads.of(self.view.decoder.layout, **loaded.card["heads"])
            sizes = network_config(loaded.card["networks"])
            layout, proxy = layout_of(self.view.layout), str(loaded.card.get("foresight", ""))
            own = str(loaded.card.get("foresight_sha256", ""))
            self.foresight = foresight_of(table, layout, heads, proxy, sha256=own)
            self.actor = Actor(layout, heads, sizes, torch_generator(0, "unused"), self.foresight)
            self.actor.load_state_dict(loaded.tensors)
            self.undo = bool(self.card.get("undo_worse", False))
            self.bound, self.horizon = float(loaded.card["bound"]), int(loaded.card["horizon"])

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        aim = self.ear.aim(objective.goal.audio, objective.goal.probe)
        yield self._first(objective, aim)
        yield from self._episode(objective, aim, objective.heard[0], objective.audio, rng if self.undo else None)
        while True:
            # How the best sounds is known: to begin there costs no render.
            yield from self._episode(objective, aim, objective.best_u, objective.best_audio[None], rng)

    def _first(self, objective: Objective, aim: Aim) -> np.ndarray:
        """The start preset, (1, P)."""
        if self._guessing is not None:
            return self._guessing.net.likeliest(self._guessing.guess(aim)).numpy()
        if self.start == "retrieved" and len(nearest := nearest_presets(objective, 1)):
            return nearest
        return objective.table.encode(objective.table.defaults)[None]

    def _episode(
        self,
        objective: Objective,
        aim: Aim,
        u: np.ndarray,
        audio: np.ndarray,
        rng: np.random.Generator | None,
        tries: int | None = None,
    ) -> Search:
        """Edits from preset u (P,), which sounds like audio (1, C, T): the likeliest, or drawn from `rng`.

        It ends after so many `tries` in a row that found nothing better; where that is left out, drawn ones after
        `patience`, and those of a policy that takes back what made it worse at its horizon.
        """
        heard, raw_u = self.ear.hear(audio, aim), torch.from_numpy(u[None].copy())
        moved, open_ = torch.zeros_like(raw_u), torch.from_numpy(objective.open)[None]
        best, since = heard.loss, 0
        if tries is None:
            tries = self.horizon if rng is None or self.undo else self.patience
        for step in range(self.horizon):
            where = Situation(raw_u, moved, open_, best, step, self.horizon, self.bound)
            move = self._move(aim, heard, where, rng)
            yield move.u.numpy()
            sound = self.ear.hear(objective.audio, aim)
            since = 0 if sound.loss < best else since + 1
            if not self.undo or sound.loss <= heard.loss:
                heard, raw_u = sound, move.raw_u
            moved, best = move.moved, torch.minimum(best, sound.loss)
            if sound.loss >= BROKEN or since >= tries:
                return

    @one_core()
    @torch.no_grad()
    def propose(
        self, objective: Objective, u: np.ndarray, audio: np.ndarray, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        """See `likely.Proposer`: by what it would change half-way through an episode, hearing how the preset sounds."""
        aim = self.ear.aim(objective.goal.audio, objective.goal.probe)
        heard, raw_u = self.ear.hear(audio[None], aim), torch.from_numpy(u[None].copy())
        still, open_ = torch.zeros_like(raw_u), torch.from_numpy(objective.open)[None]
        where = Situation(raw_u, still, open_, heard.loss, self.horizon // 2, self.horizon, self.bound)
        policy = self.actor(self.view(self.ear.rows(aim, heard, where)).observation, self.view.live(open_))
        options = policy.choice[0, :, 1:].double().exp().numpy()  # the first one keeps
        return likely_changes(objective, u, options, count, rng)

    def foretell(self, objective: Objective) -> ProxyView | None:
        """See `proxy_view.Foreteller`: by its foresight, if it has any."""
        if self.foresight is None:
            return None
        aim = self.ear.aim(objective.goal.audio, objective.goal.probe)
        return ProxyView(self.foresight.net, self.ear, objective, aim)

    @one_core()
    @torch.no_grad()
    def _move(self, aim: Aim, heard: Impression, where: Situation, rng: np.random.Generator | None) -> Move:
        observed = self.view(self.ear.rows(aim, heard, where))
        live = self.view.live(where.open)
        if rng is None:
            heads = self.actor.best(self.actor(observed.observation, live))
        elif self.foresight is None:
            policy = self.actor(observed.observation, live)
            heads = self.actor.draw(policy, _noise(self.actor.heads, rng), live).heads
        else:
            noise = _noise(self.actor.heads, rng, self.draws)
            uniform = torch.from_numpy(rng.random((self.draws, self.foresight.numbers), np.float32))
            heads = most_promising(self.actor, self.foresight, observed.observation, live, noise, uniform)
        bound = torch.tensor([where.bound], dtype=torch.float64)
        return self.view.decoder.apply(where.raw_u, self.view.decoder.twin.snap(where.raw_u), heads, where.open, bound)


class CloningPolicy(EditingAgent):
    """Learned from edits between rendered presets alone; see `EditingAgent`."""

    def __init__(self, renderer: Renderer, weights: str | Path = "cloning", **settings: Any) -> None:
        """See `EditingAgent`."""
        super().__init__(renderer, weights, **settings)


class SACPolicy(EditingAgent):
    """Learned from what its edits did to the loss; see `EditingAgent`."""

    def __init__(self, renderer: Renderer, weights: str | Path = "sac", **settings: Any) -> None:
        """See `EditingAgent`."""
        super().__init__(renderer, weights, **settings)


def network_config(said: Any) -> NetworkConfig:
    """Sizes of an actor as its card tells them."""
    return NetworkConfig(**{**said, "hidden": tuple(said["hidden"])})


def _noise(heads: ActionHeads, rng: np.random.Generator, draws: int = 1) -> Noise:
    """What draws of the policy need; float32 all the way, so that nothing rounds up to 1."""
    parts = (
        rng.standard_normal((draws, heads.deltas), np.float32),
        rng.random((draws, len(heads.options)), np.float32),
        rng.random(draws, np.float32),
    )
    return Noise(*(torch.from_numpy(part) for part in parts))
