"""Learns to guess presets from sounds: pinball loss of quantiles, cross-entropy of choices.

Of a preset only what can be heard counts: a knob of a module that is off may stand anywhere.

`python -m myna.training.regression DATA … --out DIR --minutes 5` trains without the harness.
Shapes: B rows, P parameters, O ordered parameters, C choices.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from myna.agents.knobs import audible_knobs
from myna.agents.networks import torch_generator
from myna.agents.regression import QUANTILES, READS, Guess, RegressionConfig, RegressionNet
from myna.agents.weights import fits, save_weights
from myna.envs.core import Core
from myna.errors import UsageError
from myna.features import one_core
from myna.files import make_folder
from myna.seeding import generator
from myna.synth.renderer import Renderer
from myna.training.data import DataSet
from myna.training.held_out import goal_rows, tasks_of
from myna.training.learner import BrokenError

__all__ = ["GuessLoss", "RegressionLearner", "RegressionSettings", "guess_loss"]

_AT_ONCE = 4_096  # rows that are judged together


@dataclass(frozen=True)
class RegressionSettings:
    """How regression learns.

    Attributes:
        data: folders of data sets, of `myna collect`.
        network: sizes.
        batch: rows per step.
        rate, decay: AdamW's; the rate rises over the first `warm_up` steps and falls along a cosine to the last.
        choice_weight: of the cross-entropy beside the pinball loss, which is some twenty times smaller.
        noise: standard deviation of what is added to summaries, in their spreads, so that similar sounds look alike.
        held_out: share of the groups that are judged by and not learnt from.
        heard: of them so many are rendered at an evaluation.
        bf16: run the network in bfloat16.

    Raises:
        UsageError: a setting that is out of range.
    """

    data: tuple[str, ...] = ()
    network: RegressionConfig = field(default_factory=RegressionConfig)
    batch: int = 512
    rate: float = 1e-3
    decay: float = 1e-2
    warm_up: int = 200
    choice_weight: float = 0.1
    noise: float = 0.0
    held_out: float = 0.02
    heard: int = 128
    bf16: bool = False

    def __post_init__(self) -> None:
        """See the class."""
        for name in ("batch", "rate", "heard"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} must be above 0; got {getattr(self, name)}.")
        for name in ("decay", "warm_up", "choice_weight", "noise"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} must be 0 or more; got {getattr(self, name)}.")

    def rate_at(self, step: int, total: int) -> float:
        """The learning rate of a step, counted from 0."""
        rising = min(1.0, (step + 1) / self.warm_up) if self.warm_up else 1.0
        return self.rate * rising * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / total)))


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


class RegressionLearner:
    """See `training.learner.Learner`; a step is one of the optimiser.

    Args:
        settings: how it learns.
        data: rows; None opens the settings' folders.
        total: steps of the whole training.
        seed: of weights and draws.
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
        self.settings, self.total, self.steps_done, self.seed = settings, total, 0, seed
        self.data = data or DataSet.open(*settings.data)
        self.renderer = renderer or Renderer()
        self.device = torch.device(device)
        # The same rows are held out whatever the seed, so that seeds can be compared.
        learnt, self._held = self.data.split(settings.held_out, generator(0, "held-out"))
        self._rows = self._columns(learnt)
        self.net = RegressionNet(self.data.table, settings.network, torch_generator(seed, "regression", "weights"))
        self.net.to(device)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), settings.rate, weight_decay=settings.decay)
        self.rng = torch_generator(seed, "regression", "rows", device=device)
        self._tasks = None

    @one_core()
    def step(self) -> dict[str, float]:
        """Learn from a batch.

        Raises:
            BrokenError: the loss is not a number.
        """
        batch = self._draw()
        rate = self.settings.rate_at(self.steps_done, self.total)
        self.optimiser.param_groups[0]["lr"] = rate
        said = self._judge(batch)
        loss = said.pinball + self.settings.choice_weight * said.surprise
        told = {name: float(value.detach()) for name, value in (("loss", loss), *said._asdict().items())}
        if not math.isfinite(told["loss"]):
            raise BrokenError(f"The loss of regression is {told['loss']} at step {self.steps_done}.", batch)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.steps_done += 1
        return {**told, "rate": rate}

    def _draw(self) -> dict[str, torch.Tensor]:
        count = (self.settings.batch,)
        rows = torch.randint(len(self._rows["u"]), count, generator=self.rng, device=self.device)
        batch = {name: tensor[rows] for name, tensor in self._rows.items()}
        if self.settings.noise:
            shape = batch["summary"].shape
            noise = torch.randn(shape, generator=self.rng, device=self.device)
            batch["summary"] = batch["summary"].float() + self.settings.noise * noise
        return batch

    def _judge(self, batch: Mapping[str, torch.Tensor]) -> GuessLoss:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.bf16):
            guess = self.net(batch["summary"], batch["played"])
        return guess_loss(self.net, guess, batch["u"], batch["audible"])

    @one_core()
    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """On rows that were held out: the losses, and what the guesses sound like (median and mean training loss)."""
        sums, columns = torch.zeros(2), self._columns(self._held)
        for start in range(0, len(self._held), _AT_ONCE):
            part = {name: tensor[start : start + _AT_ONCE] for name, tensor in columns.items()}
            sums += len(part["u"]) * torch.stack(self._judge(part)).cpu()
        pinball, surprise = (sums / len(self._held)).tolist()
        heard = self.hear()
        return {
            "score": pinball + self.settings.choice_weight * surprise,
            "pinball": pinball,
            "surprise": surprise,
            "heard_median": float(heard.median()),
            "heard_mean": float(heard.mean()),
        }

    def _columns(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        columns = {name: self.data[name][rows] for name in ("u", "summary", "played")}
        masks = [audible_knobs(self.data.table, part.double().numpy()) for part in columns["u"].split(_AT_ONCE)]
        columns["audible"] = torch.from_numpy(np.concatenate(masks))
        return {name: tensor.to(self.device) for name, tensor in columns.items()}

    @torch.no_grad()
    def hear(self) -> torch.Tensor:
        """Training losses of the guesses for held-out rows, rendered, (n,)."""
        rows = goal_rows(self.data, self._held, self.settings.heard)
        if self._tasks is None:
            self._tasks = tasks_of(self.data, rows, self.renderer)
        columns = self._columns(rows)
        guess = self.net(columns["summary"], columns["played"])
        tasks = dataclasses.replace(self._tasks, start_u=self.net.likeliest(guess).to(self._tasks.device))
        return Core(self.renderer).reset(tasks).loss.cpu()

    # Saving

    def state_dict(self) -> dict[str, Any]:
        """See `Learner`."""
        state = {f"net.{name}": tensor for name, tensor in self.net.state_dict().items()}
        for index, moments in self.optimiser.state_dict()["state"].items():
            state |= {f"optimiser.{index}.{name}": value for name, value in moments.items()}
        return {**state, "rng": self.rng.get_state(), "steps_done": self.steps_done}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Learner`."""
        try:
            self.net.load_state_dict(_under("net.", state))
        except RuntimeError:
            raise UsageError(
                "This regression was saved with another network: resume with the settings it had."
            ) from None
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in _under("optimiser.", state).items():
            index, name = key.split(".")
            moments.setdefault(int(index), {})[name] = value.clone()
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})
        self.rng.set_state(state["rng"].cpu())
        self.steps_done = int(state["steps_done"])

    def card(self) -> dict[str, Any]:
        """What is known of the weights."""
        return {
            **fits("regression", self.data.table, READS),
            "networks": dataclasses.asdict(self.settings.network),
            "data": data_card(self.data),
            "settings": {**dataclasses.asdict(self.settings), "data": [Path(path).name for path in self.settings.data]},
            "seed": self.seed,
            "steps": self.steps_done,
        }

    def save(self, folder: Path) -> None:
        """Write `regression.safetensors` and its card."""
        save_weights(folder / self.name, self.net.state_dict(), self.card())


def data_card(data: DataSet) -> list[dict[str, Any]]:
    """What a card tells of data: how each set was collected, and its rows."""
    return [
        {"kind": own.origin.kind, "seed": own.origin.seed, "engine": own.origin.engine, "rows": own.rows}
        for own in data.manifests
    ]


def _under(prefix: str, state: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


# Without the harness


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the weights that did best on what was held out."""
    parser = argparse.ArgumentParser(prog="python -m myna.training.regression", description=__doc__)
    parser.add_argument("data", nargs="+", help="folders of data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--minutes", type=float, default=5.0, help="of training (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and draws (default: %(default)s)")
    parser.add_argument("--hidden", type=int, default=RegressionConfig.hidden, help="width (default: %(default)s)")
    parser.add_argument("--layers", type=int, default=RegressionConfig.layers, help="depth (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=RegressionSettings.rate, help="AdamW's (default: %(default)s)")
    parser.add_argument("--noise", type=float, default=RegressionSettings.noise, help="on summaries")
    parser.add_argument("--bf16", action="store_true", help="run the network in bfloat16")
    asked = parser.parse_args(arguments)
    settings = RegressionSettings(
        tuple(asked.data),
        RegressionConfig(asked.hidden, asked.layers),
        rate=asked.rate,
        noise=asked.noise,
        bf16=asked.bf16,
    )
    data, renderer = DataSet.open(*asked.data), Renderer()
    total = _steps_in(settings, data, renderer, asked.minutes)
    print(f"{len(data):,} rows, {total:,} steps of {settings.batch}")
    _train(RegressionLearner(settings, total, asked.seed, data=data, renderer=renderer), make_folder(asked.out))


def _steps_in(settings: RegressionSettings, data: DataSet, renderer: Renderer, minutes: float) -> int:
    """How many steps fit, by the time that a few take; a schedule must know its end."""
    trial = RegressionLearner(settings, 1_000, 0, data=data, renderer=renderer)
    for _ in range(5):
        trial.step()
    began = time.perf_counter()
    for _ in range(20):
        trial.step()
    return max(1, round(minutes * 60.0 * 20 / (time.perf_counter() - began)))


def _train(learner: RegressionLearner, folder: Path) -> None:
    best, every = math.inf, max(1, learner.total // 20)
    while learner.steps_done < learner.total:
        told = learner.step()
        if learner.steps_done % every == 0 or learner.steps_done == learner.total:
            judged = learner.evaluate()
            figures = "  ".join(f"{name} {value:.4f}" for name, value in judged.items())
            print(f"{learner.steps_done:7,} of {learner.total:,}  loss {told['loss']:.4f}  {figures}", flush=True)
            if judged["score"] < best:
                best = judged["score"]
                learner.save(folder)


if __name__ == "__main__":
    main()
