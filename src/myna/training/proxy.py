"""Learns how presets sound: the summary of a row from its preset and probe, by the Huber loss.

And, where that is asked for, how far a row is from its first goal, number by number: an edit from the preset that was
edited. A proxy is used for differences, and they are small beside what it is wrong by about either sound.

Shapes: B rows, P parameters, D numbers of a summary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn.functional import smooth_l1_loss

from myna.agents.proxy_net import IMPORTANCE, ProxyConfig, ProxyNet, clipped, load_proxy
from myna.agents.regression import READS
from myna.agents.weights import fits
from myna.errors import UsageError, printable
from myna.features import one_core
from myna.training.config import TrainConfig
from myna.training.data import DataSet
from myna.training.supervised import RowSettings, Supervised

__all__ = ["ProxyLearner", "ProxySettings", "make"]

_AT_ONCE = 4_096  # rows that are judged together
_NEAR = 0.05  # differences below it, in spreads, count as if they were so large: rounding is among them


@dataclass(frozen=True)
class ProxySettings(RowSettings):
    """How a proxy learns.

    Attributes beside those of `RowSettings`:
        network: sizes.
        beta: from what error on, in spreads of a summary's numbers, errors count by their size and not by its square.
        apart: what errors of differences between rows and their first goals count, as shares of the differences.
        init: weights to begin with, by name or path; `network` must be theirs.

    Raises:
        UsageError: a setting that is out of range.
    """

    network: ProxyConfig = field(default_factory=ProxyConfig)
    beta: float = 0.3
    apart: float = 0.0
    init: str = ""

    def __post_init__(self) -> None:
        """See the class."""
        super().__post_init__()
        if not self.beta > 0.0 or not self.apart >= 0.0:
            raise UsageError("beta must be above 0, and apart 0 or more.")


def make(config: TrainConfig) -> ProxyLearner:
    """The learner of a configuration.

    Raises:
        MynaError: a setting or data that cannot be used.
    """
    return ProxyLearner(config.settings(ProxySettings), config.run.steps, config.seed, device=config.device)


class ProxyLearner(Supervised[ProxySettings, ProxyNet]):
    """See `training.learner.Learner`.

    Args:
        settings: how it learns.
        total: steps of the whole training.
        seed: of weights and draws.
        data: rows; None opens the settings' folders.
        device: of the network and the rows.

    Raises:
        UsageError, MynaError: data that cannot be opened or split.
    """

    name = "proxy"

    def __init__(
        self, settings: ProxySettings, total: int, seed: int, *, data: DataSet | None = None, device: str = "cpu"
    ) -> None:
        """See the class."""
        super().__init__(settings, total, seed, data=data, device=device)
        self._learnt = self.learnt.to(self.device)
        self._rows = {name: self.data[name].to(self.device) for name in ("u", "played", "summary")}
        self._goals = self.data["goals"][:, 0].long().to(self.device)

    def begun(self, rng: torch.Generator) -> ProxyNet:
        """See `Supervised`."""
        own = self.settings
        if not own.init:
            return ProxyNet(self.data.table, own.network, rng)
        net, card = load_proxy(self.data.table, own.init)
        if net.config != own.network:
            raise UsageError(f"The weights “{printable(own.init)}” are of another network: {card['networks']}.")
        return net.train().requires_grad_(True)

    def draw(self) -> dict[str, torch.Tensor]:
        """See `Supervised`; with `apart` every other row is the first goal of the one before it."""
        count = -(-self.settings.batch // 2) if self.settings.apart else self.settings.batch
        picks = torch.randint(len(self._learnt), (count,), generator=self.rng, device=self.device)
        return self._of(self._learnt[picks])

    def _of(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        if self.settings.apart:
            rows = torch.stack([rows, self._goals[rows]], 1).flatten()
        return {name: tensor[rows] for name, tensor in self._rows.items()}

    def losses(self, batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """See `Supervised`."""
        said, heard = self.net(batch["u"], batch["played"]), clipped(batch["summary"])
        loss = smooth_l1_loss(said, heard, beta=self.settings.beta)
        if not self.settings.apart:
            return {"loss": loss}
        apart = _missed(said, heard).mean()
        return {"loss": loss + self.settings.apart * apart, "apart": apart}

    @one_core()
    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """On rows that were held out.

        `eval/error` is the mean error of a summary's numbers in their spreads, `eval/r2` the share of their variance
        that is explained, `eval/apart` what is missed of differences, where these are learnt; `eval/score` is the sum
        of the first and the last.
        """
        error = square = apart = 0.0
        held = self.held.to(self.device)
        summaries = clipped(self._rows["summary"][held])
        own = slice(None, None, 2 if self.settings.apart else 1)
        for rows in held.split(_AT_ONCE):
            batch = self._of(rows)
            said, heard = self.net(batch["u"], batch["played"]), clipped(batch["summary"])
            off = (said - heard)[own]
            error, square = error + float(off.abs().sum()), square + float(off.square().sum())
            apart += float(_missed(said, heard).sum()) if self.settings.apart else 0.0
        spread = float((summaries - summaries.mean(0)).square().sum())
        mean, missed = error / summaries.numel(), {"eval/apart": apart / len(held)} if self.settings.apart else {}
        score = mean + sum(missed.values())
        return {"eval/error": mean, "eval/r2": 1.0 - square / max(spread, 1e-12), **missed, "eval/score": score}

    def fits(self) -> dict[str, Any]:
        """See `Supervised`."""
        return fits(self.name, self.data.table, READS)


def _missed(said: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
    """Of summaries (2 B, D), pair by pair, how much of the differences is wrong, as a share of them, (B,).

    Numbers count as they do in a distance: see `agents.proxy_net.IMPORTANCE`.
    """
    (one, other), (this, that) = said.unflatten(0, (-1, 2)).unbind(1), heard.unflatten(0, (-1, 2)).unbind(1)
    differ = this - that
    weights = IMPORTANCE.to(differ)
    return ((one - other - differ).abs() @ weights) / (differ.abs() @ weights + _NEAR)
