"""A learner that costs nothing: a random walk whose every number hangs on all steps before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from myna.agents.networks import torch_generator
from myna.files import write_atomic
from myna.training.config import TrainConfig, build
from myna.training.learner import BrokenError

EVERY = {"log_every": 5, "evaluate_every": 20, "checkpoint_every": 10}


@dataclass(frozen=True)
class Walk:
    breaks_at: int = -1


class Counting:
    name = "counting"

    def __init__(self, total: int, seed: int, breaks_at: int = -1) -> None:
        self.total, self.steps_done, self.breaks_at, self.settings = total, 0, breaks_at, Walk(breaks_at)
        self.place = torch.zeros(3, dtype=torch.float64)
        self.rng = torch_generator(seed, "walk")
        self.loaded, self.shown = False, {}

    def step(self) -> dict[str, float]:
        if self.steps_done == self.breaks_at:
            raise BrokenError("The loss ceased to be a number", {"row": torch.tensor([1.0, torch.nan])})
        self.place = self.place + torch.randn(3, generator=self.rng, dtype=torch.float64)
        self.steps_done += 1
        return {"train/loss": float(self.place.abs().sum()), "seconds/walk": 0.001}

    def evaluate(self) -> dict[str, float]:
        return {"eval/score": float(self.place[0])}

    def state_dict(self) -> dict[str, Any]:
        return {"steps_done": self.steps_done, "walk": {"place": self.place, "rng": self.rng.get_state(), "note": [1]}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.steps_done, self.place = int(state["steps_done"]), state["walk"]["place"]
        self.rng.set_state(state["walk"]["rng"])
        self.loaded = True

    def save(self, folder: Path) -> None:
        write_atomic(folder / "place.txt", repr(self.place.tolist()))


def make(config: TrainConfig) -> Counting:
    return Counting(config.run.steps, config.seed, int(config.sac.get("breaks_at", -1)))


def counted(steps: int = 40, seed: int = 0, **settings: Any) -> TrainConfig:
    return build(TrainConfig, {"kind": "sac", "seed": seed, "run": {"steps": steps, **EVERY}, "sac": settings}, "")
