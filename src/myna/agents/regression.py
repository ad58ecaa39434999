"""Regression: from a sound straight to a preset, in one render; with more, other presets that are likely too.

One network gives every ordered parameter three quantiles and every choice its probabilities: L1 rather than squares,
because a mean of two presets that fit is one that does not.

Shapes: B batch, D numbers of a summary, P parameters, O ordered ones, C choices, K most options of a choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import pad

from myna.agents.base import Agent, Objective, Search
from myna.agents.ear import Aim, Ear
from myna.agents.likely import likely_changes
from myna.agents.networks import _initialise, _layer, torch_generator
from myna.agents.weights import as_carded, fits, load_weights
from myna.envs.observation import CLIP
from myna.envs.summary import SHAPES, SIZE
from myna.features import one_core
from myna.params import ParameterTable
from myna.synth.renderer import Renderer

__all__ = ["PROBE", "QUANTILES", "READS", "Guess", "Regression", "RegressionConfig", "RegressionNet", "load_regression"]

QUANTILES = (0.1, 0.5, 0.9)
READS: list[list[Any]] = [*([f"target_{name}", [1, *shape]] for name, shape in SHAPES.items()), ["probe", [1, 3]]]
"""What the network reads, as a card tells it."""

_NEVER = -1e9
PROBE = ((0.46, 0.67, 0.52), (0.12, 0.16, 0.25))  # mean and spread of the probes that data sets are played with


@dataclass(frozen=True)
class RegressionConfig:
    """Sizes of the network.

    Attributes:
        hidden: width.
        layers: of that width.
        residual: whether each layer adds to what came in.
    """

    hidden: int = 512
    layers: int = 3
    residual: bool = True


class Guess(NamedTuple):
    """What a sound tells of its preset: `quantiles` (B, O, 3) in [0, 1], log-probabilities `choice` (B, C, K)."""

    quantiles: torch.Tensor
    choice: torch.Tensor


class RegressionNet(nn.Module):
    """Guesses presets.

    Args:
        table: the synth's parameters.
        config: sizes.
        rng: fills the weights.
    """

    ordered: torch.Tensor
    choices: torch.Tensor
    options: torch.Tensor
    place: torch.Tensor
    probe_mean: torch.Tensor
    probe_spread: torch.Tensor

    def __init__(self, table: ParameterTable, config: RegressionConfig, rng: torch.Generator) -> None:
        """See the class."""
        super().__init__()
        self.config = config
        self._buffers_of(table)
        self.sizes = [len(self.ordered) * len(QUANTILES), int(self.options.sum())]
        self.first = _layer(nn.Linear, SIZE + 3, config.hidden)
        self.blocks = nn.ModuleList(_block(config.hidden) for _ in range(config.layers - 1))
        self.norm = _layer(nn.LayerNorm, config.hidden)
        self.last = _layer(nn.Linear, config.hidden, sum(self.sizes))
        _initialise(self, rng)

    def _buffers_of(self, table: ParameterTable) -> None:
        options = torch.from_numpy(table.steps[table.categorical].astype(np.int64))
        ends = options.cumsum(0)
        slots = torch.arange(int(options.max()) if len(options) else 1)
        # Of every option its place in the flat scores; one past their end where there is none.
        place = torch.where(slots < options[:, None], (ends - options)[:, None] + slots, options.sum())
        tables = {
            "ordered": torch.from_numpy(np.flatnonzero(~table.categorical)),
            "choices": torch.from_numpy(np.flatnonzero(table.categorical)),
            "options": options,
            "place": place,
            "probe_mean": torch.tensor(PROBE[0]),
            "probe_spread": torch.tensor(PROBE[1]),
        }
        for name, tensor in tables.items():
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, summary: torch.Tensor, played: torch.Tensor) -> Guess:
        """Guesses from standardised summaries (B, D) and probes (B, 3)."""
        probe = (played.float() - self.probe_mean) / self.probe_spread
        x = self.first(torch.cat([summary.float().clamp(-CLIP, CLIP), probe], -1))
        for block in self.blocks:
            x = x + block(x) if self.config.residual else block(x)
        values, scores = self.last(torch.relu(self.norm(x))).float().split(self.sizes, -1)
        quantiles = torch.sigmoid(values).unflatten(-1, (len(self.ordered), len(QUANTILES)))
        return Guess(quantiles, pad(scores, (0, 1), value=_NEVER)[:, self.place].log_softmax(-1))

    def preset(self, values: torch.Tensor, picks: torch.Tensor) -> torch.Tensor:
        """Presets (B, P) float64 of ordered values (B, O) and options (B, C), these at their bins' centres."""
        u = torch.zeros(len(values), len(self.ordered) + len(self.choices), dtype=torch.float64, device=values.device)
        u[:, self.ordered] = values.double()
        u[:, self.choices] = (picks.double() + 0.5) / self.options
        return u

    def likeliest(self, guess: Guess) -> torch.Tensor:
        """Medians and likeliest options, (B, P) float64."""
        return self.preset(guess.quantiles[..., 1], guess.choice.argmax(-1))


def _block(width: int) -> nn.Sequential:
    return nn.Sequential(_layer(nn.LayerNorm, width), nn.ReLU(), _layer(nn.Linear, width, width))


def load_regression(
    table: ParameterTable, weights: str | Path = "regression"
) -> tuple[RegressionNet, Mapping[str, Any]]:
    """A trained network and its card.

    Raises:
        MynaError: see `load_weights`.
    """
    loaded = load_weights(weights, fits("regression", table, READS))
    with as_carded(weights):
        net = RegressionNet(table, RegressionConfig(**loaded.card["networks"]), torch_generator(0, "unused"))
        net.load_state_dict(loaded.tensors)
    return net.eval(), loaded.card


class Regression(Agent):
    """The likeliest preset; then, a choice at a time, the likeliest other options; then draws of what was guessed.

    Args:
        renderer: of the synth.
        weights: name or path.
        batch: presets heard at once after the first.
        least: other options are tried down to this probability relative to the likeliest.

    Raises:
        MynaError: weights that cannot be used.
    """

    def __init__(
        self, renderer: Renderer, weights: str | Path = "regression", batch: int = 8, least: float = 0.1
    ) -> None:
        """See the class."""
        super().__init__(renderer)
        self.net, self.card = load_regression(renderer.table, weights)
        self.ear, self.batch, self.least = Ear(renderer), batch, least

    @one_core()
    @torch.no_grad()
    def guess(self, aim: Aim) -> Guess:
        """What the network says of one target."""
        return self.net(aim.summary, aim.played)

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        guess = self.guess(self.ear.aim(objective.goal.audio, objective.goal.probe))
        yield self.net.likeliest(guess).numpy()
        others = _alternatives(guess, self.least)
        for i in range(0, len(others), self.batch):
            yield self._switched(objective.best_u, others[i : i + self.batch])
        while True:
            yield self.drawn(guess, self.batch, rng)

    def propose(
        self, objective: Objective, u: np.ndarray, audio: np.ndarray, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        """See `likely.Proposer`: by what it guesses of the target alone."""
        guess = self.guess(self.ear.aim(objective.goal.audio, objective.goal.probe))
        return likely_changes(objective, u, guess.choice[0].double().exp().numpy(), count, rng)

    def _switched(self, u: np.ndarray, others: list[tuple[int, int]]) -> np.ndarray:
        """The preset u (P,) with one option changed each, (n, P)."""
        changed = np.repeat(u[None], len(others), axis=0)
        for row, (choice, option) in zip(changed, others, strict=True):
            row[int(self.net.choices[choice])] = (option + 0.5) / int(self.net.options[choice])
        return changed

    def drawn(self, guess: Guess, count: int, rng: np.random.Generator) -> np.ndarray:
        """Presets (count, P) drawn from what was guessed: options by their probability, values between quantiles."""
        ends = guess.choice[0].double().exp().cumsum(-1).numpy()
        picks = (rng.random((count, len(ends), 1)) * ends[:, -1:] >= ends).sum(-1)
        share = rng.random((count, len(self.net.ordered), 1))
        values = _between(guess.quantiles[0].double().sort(-1).values.numpy(), share)
        return self.net.preset(torch.from_numpy(values), torch.from_numpy(picks)).numpy()


def _alternatives(guess: Guess, least: float) -> list[tuple[int, int]]:
    """(choice, option) that are not the likeliest of their choice but nearly so, the nearest first."""
    behind = guess.choice[0] - guess.choice[0].amax(-1, keepdim=True)
    order = behind.flatten().argsort(descending=True, stable=True)
    near = [int(i) for i in order if np.log(least) <= float(behind.flatten()[i]) < 0.0]
    return [divmod(i, behind.shape[-1]) for i in near]


def _between(quantiles: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Values (n, O) at shares (n, O, 1) of what lies between the quantiles (O, 3) of 0.1 and 0.9, joined by lines."""
    low, middle, high = np.moveaxis(quantiles, -1, 0)
    at = (share[..., 0] - 0.5) * 2.0  # between the ends of what is known
    return np.where(at < 0.0, middle + at * (middle - low), middle + at * (high - middle))
