"""A neural proxy of the synth: from a preset and how it is played to what learned agents hear of it, without a render.

As neural proxies of synthesizers do (Combes et al., "Neural Proxies for Sound Synthesizers", 2025), but to the summary
that observations are made of, so that one network says in a millisecond what any change would sound like.

Shapes: B batch, D numbers of a summary, P parameters, O ordered ones, C choices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from myna.agents.networks import _initialise, _layer, torch_generator
from myna.agents.regression import PROBE, READS
from myna.agents.weights import as_carded, fits, load_weights
from myna.envs.observation import CLIP
from myna.envs.summary import SHAPES, SIZE
from myna.params import ParameterTable

__all__ = ["IMPORTANCE", "ProxyConfig", "ProxyNet", "clipped", "load_proxy"]

# What the parts of a summary count, each in all: as in the loss the image counts most.
_PARTS = {"mel": 1.0, "mfcc": 0.6, "envelope": 1.0, "centroid": 0.6, "loudness": 0.6}


def _importance() -> torch.Tensor:
    counts = torch.cat(
        [torch.full((math.prod(shape),), _PARTS[name] / math.prod(shape)) for name, shape in SHAPES.items()]
    )
    return counts / counts.sum()


IMPORTANCE = _importance()
"""What each of the D numbers counts in how far two sounds are apart; adds up to 1."""


@dataclass(frozen=True)
class ProxyConfig:
    """Sizes of the network: `layers` residual blocks of two layers `hidden` wide."""

    hidden: int = 768
    layers: int = 3


class ProxyNet(nn.Module):
    """Says how presets sound.

    Args:
        table: the synth's parameters.
        config: sizes.
        rng: fills the weights.

    Example:
        >>> # net = ProxyNet(table, ProxyConfig(), torch_generator(0, "proxy"))
        >>> # net(torch.rand(5, len(table)), torch.rand(5, 3))  → (5, D)
    """

    ordered: torch.Tensor
    choices: torch.Tensor
    options: torch.Tensor
    first_option: torch.Tensor
    probe_mean: torch.Tensor
    probe_spread: torch.Tensor

    def __init__(self, table: ParameterTable, config: ProxyConfig, rng: torch.Generator) -> None:
        """See the class."""
        super().__init__()
        self.config = config
        options = torch.from_numpy(table.steps[table.categorical].astype(np.int64))
        tables = {
            "ordered": torch.from_numpy(np.flatnonzero(~table.categorical)),
            "choices": torch.from_numpy(np.flatnonzero(table.categorical)),
            "options": options,
            "first_option": options.cumsum(0) - options,
            "probe_mean": torch.tensor(PROBE[0]),
            "probe_spread": torch.tensor(PROBE[1]),
        }
        for name, tensor in tables.items():
            self.register_buffer(name, tensor, persistent=False)
        self._options = int(options.sum())
        self.first = _layer(nn.Linear, len(self.ordered) + self._options + 3, config.hidden)
        self.blocks = nn.ModuleList(_block(config.hidden) for _ in range(config.layers))
        self.norm = _layer(nn.LayerNorm, config.hidden)
        self.last = _layer(nn.Linear, config.hidden, SIZE)
        _initialise(self, rng)

    def forward(self, u: torch.Tensor, played: torch.Tensor) -> torch.Tensor:
        """Summaries (B, D) float32, standardised, of presets u (B, P) at probes (B, 3); meant within ±CLIP."""
        values = self.values_of(2.0 * (u[:, self.ordered].float() - 0.5))
        picks = (u[:, self.choices] * self.options).floor().long().minimum(self.options - 1)
        chosen = values.new_zeros(len(u), self._options).scatter_(1, self.first_option + picks, 1.0)
        return self.say(values, chosen, self.probe_of(played))

    @staticmethod
    def values_of(position: torch.Tensor) -> torch.Tensor:
        """Ordered parameters as `say` takes them, of positions 2u − 1; of a change 2Δu, by how much it changes them."""
        return 1.5 * position.float()

    def probe_of(self, played: torch.Tensor) -> torch.Tensor:
        """Probes (B, 3) as `say` takes them."""
        return (played.float() - self.probe_mean) / self.probe_spread

    def say(self, values: torch.Tensor, chosen: torch.Tensor, probe: torch.Tensor) -> torch.Tensor:
        """Summaries of presets as the network reads them: ordered values (B, O), one-hot choices (B, K), the probe."""
        x = self.first(torch.cat([values, chosen, probe], -1))
        for block in self.blocks:
            x = x + block(x)
        return self.last(self.norm(x)).float()


def _block(width: int) -> nn.Sequential:
    inner = _layer(nn.Linear, width, width)
    return nn.Sequential(_layer(nn.LayerNorm, width), inner, nn.GELU(), _layer(nn.Linear, width, width))


def load_proxy(table: ParameterTable, weights: str | Path = "proxy") -> tuple[ProxyNet, Mapping[str, Any]]:
    """A trained proxy and its card.

    Raises:
        MynaError: see `load_weights`.
    """
    loaded = load_weights(weights, fits("proxy", table, READS))
    with as_carded(weights):
        net = ProxyNet(table, ProxyConfig(**loaded.card["networks"]), torch_generator(0, "unused"))
        net.load_state_dict(loaded.tensors)
    return net.eval().requires_grad_(False), loaded.card


def clipped(summary: torch.Tensor) -> torch.Tensor:
    """Summaries as a proxy learns them."""
    return summary.float().clamp(-CLIP, CLIP)
