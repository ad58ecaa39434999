"""Learns to guess presets from sounds: pinball loss of quantiles, cross-entropy of choices.

Of a preset only what can be heard counts: a knob of a module that is off may stand anywhere.

Shapes: B rows, P parameters, O ordered parameters, C choices.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from myna.agents.knobs import audible_knobs
from myna.agents.regression import QUANTILES, READS, Guess, RegressionConfig, RegressionNet
from myna.agents.weights import fits
from myna.envs.core import Core
from myna.envs.task import TaskBatch
from myna.errors import UsageError
from myna.features import one_core
from myna.synth.renderer import Renderer
from myna.training.config import TrainConfig
from myna.training.data import DataSet
from myna.training.held_out import goal_rows, tasks_of
from myna.training.judging import to_show
from myna.training.supervised import RowSettings, Supervised

__all__ = ["GuessLoss", "RegressionLearner", "RegressionSettings", "guess_loss", "make"]

_AT_ONCE = 4_096  # rows that are judged together


@dataclass(frozen=True)
class RegressionSettings(RowSettings):
    """How regression learns.

    Attributes beside those of `RowSettings`:
        network: sizes.
        choice_weight: of the cross-entropy beside the pinball loss, which is some twenty times smaller.
        noise: standard deviation of what is added to summaries, in their spreads, so that similar sounds look alike.
        heard: of them so many are rendered at an evaluation.

    Raises:
        UsageError: a setting that is out of range.
    """

    network: RegressionConfig = field(default_factory=RegressionConfig)
    choice_weight: float = 0.1
    noise: float = 0.0
    heard: int = 128

    def __post_init__(self) -> None:
        """See the class."""
        super().__post_init__()
        if self.heard < 1:
            raise UsageError("heard must be 1 or more.")
        if not (self.choice_weight >= 0.0 and self.noise >= 0.0):
            raise UsageError("choice_weight and noise must be 0 or more.")


class GuessLoss(NamedTuple):
    """Means over what can be heard: `pinball` of the ordered parameters, `surprise` of the choices (nats)."""

    pinball: torch.Tensor
    surprise: torch.Tensor


def guess_loss(net: RegressionNet, guess: Guess, u: torch.Tensor, audible: torch.Tensor) -> GuessLoss:
    """How far guesses are from presets u (B, P), of whose knobs those count that are `audible` (B, P) bool."""
    levels = torch.tensor(QUANTILES, device=u.device)
    off = u[:, net.ordered, None] - guess.quantiles
    pinball = torch.maximum(levels * off, (levels - 1.0) * off).mean(-1)
    picks = (u[:, net.choices] * net.options).floor().long().minimum(net.options - 1)
    surprise = -guess.choice.gather(-1, picks[..., None]).squeeze(-1)
    return GuessLoss(_mean(pinball, audible[:, net.ordered]), _mean(surprise, audible[:, net.choices]))


def _mean(values: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    return (values * counts).sum() / counts.sum().clamp_min(1)


def make(config: TrainConfig) -> RegressionLearner:
    """The learner of a configuration.

    Raises:
        MynaError: a setting or data that cannot be used.
    """
    return RegressionLearner(config.settings(RegressionSettings), config.run.steps, config.seed, device=config.device)


class RegressionLearner(Supervised[RegressionSettings, RegressionNet]):
    """See `training.learner.Learner`.

    Args:
        settings: how it learns.
        total: steps of the whole training.
        seed: of weights and draws.
        data: rows; None opens the settings' folders.
        renderer: plays what was guessed at an evaluation; one of its own where none is given.
        device: of the network and the rows.

    Raises:
        UsageError, MynaError: data that cannot be opened or split.
    """

    name = "regression"

    def __init__(
        self,
        settings: RegressionSettings,
        total: int,
        seed: int,
        *,
        data: DataSet | None = None,
        renderer: Renderer | None = None,
        device: str = "cpu",
    ) -> None:
        """See the class."""
        super().__init__(settings, total, seed, data=data, device=device)
        self.renderer, self._rows = renderer or Renderer(), self._columns(self.learnt)

    def begun(self, rng: torch.Generator) -> RegressionNet:
        """See `Supervised`."""
        return RegressionNet(self.data.table, self.settings.network, rng)

    def _columns(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        columns = {name: self.data[name][rows] for name in ("u", "summary", "played")}
        masks = [audible_knobs(self.data.table, part.double().numpy()) for part in columns["u"].split(_AT_ONCE)]
        columns["audible"] = torch.from_numpy(np.concatenate(masks))
        return {name: tensor.to(self.device) for name, tensor in columns.items()}

    def draw(self) -> dict[str, torch.Tensor]:
        """See `Supervised`."""
        count = (self.settings.batch,)
        rows = torch.randint(len(self._rows["u"]), count, generator=self.rng, device=self.device)
        batch = {name: tensor[rows] for name, tensor in self._rows.items()}
        if self.settings.noise:
            noise = torch.randn(batch["summary"].shape, generator=self.rng, device=self.device)
            batch["summary"] = batch["summary"].float() + self.settings.noise * noise
        return batch

    def losses(self, batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """See `Supervised`."""
        said = guess_loss(self.net, self.net(batch["summary"], batch["played"]), batch["u"], batch["audible"])
        return {"loss": said.pinball + self.settings.choice_weight * said.surprise, **said._asdict()}

    @one_core()
    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """On rows that were held out: the losses, `eval/score` their sum, and what the guesses sound like.

        `eval/in/start` is the median training loss of the rendered guesses.
        """
        sums, columns = {}, self._columns(self.held)
        for start in range(0, len(self.held), _AT_ONCE):
            part = {name: tensor[start : start + _AT_ONCE] for name, tensor in columns.items()}
            for name, value in self.losses(part).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(part["u"])
        means = {name: value / len(self.held) for name, value in sums.items()}
        told = {f"eval/{name}": value for name, value in means.items()}
        return {**told, "eval/in/start": float(self.hear().double().quantile(0.5)), "eval/score": means["loss"]}

    @torch.no_grad()
    def hear(self) -> torch.Tensor:
        """Training losses of the guesses for held-out rows, rendered, (n,)."""
        columns = self._columns(self._goals)
        guess = self.net(columns["summary"], columns["played"])
        tasks = dataclasses.replace(self._tasks, start_u=self.net.likeliest(guess).to(self._tasks.device))
        core = Core(self.renderer)
        state = core.reset(tasks)
        self.shown = to_show(core, [state], state.terms)
        return state.loss.cpu()

    @functools.cached_property
    def _goals(self) -> torch.Tensor:
        return goal_rows(self.data, self.held, self.settings.heard)

    @functools.cached_property
    def _tasks(self) -> TaskBatch:
        return tasks_of(self.data, self._goals, self.renderer)

    def fits(self) -> dict[str, Any]:
        """See `Supervised`."""
        return fits(self.name, self.data.table, READS)
