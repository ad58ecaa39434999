"""What an environment makes of features: the loss and its parts, and the summary that an agent observes.

These are two hundred small calls of torch, and made from Python in two threads they wait for each other's lock: they
take as long as one after the other. So they become one call of TorchScript (the same bits) where many sounds come.

Shapes: n sounds, K parts of the loss, D numbers of a summary.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import torch

from myna.envs.statistics import load_statistics
from myna.envs.summary import summarise
from myna.envs.traced import as_script
from myna.features import Features
from myna.loss import Heard, LossConfig, PerceptualLoss

__all__ = ["MOST_SCRIPTS", "WORTH_IT", "Judge", "Judged"]

WORTH_IT = 1024
"""Sounds in batches of one size after which tracing, half a second for each size, is worth it."""
MOST_SCRIPTS = 4
"""Sizes that are traced, the first that are worth it."""


class Judged(NamedTuple):
    """Of n sounds.

    Attributes:
        parts: (1 + K, n) float32, the loss and what each of `Judge.names` adds to it.
        summary: (n, D) float32, standardised.
    """

    parts: torch.Tensor
    summary: torch.Tensor


class Judge:
    """Judges sounds; may be called by several threads at once.

    Args:
        config: of the loss.
        device: where the features lie.

    Attributes:
        names: of the parts of the loss.
    """

    def __init__(self, config: LossConfig, device: torch.device) -> None:
        """See the class."""
        self._loss, self._statistics = PerceptualLoss(config), load_statistics().to(device)
        self.names = self._loss.names
        self._traces = device.type == "cpu"
        self._lock = threading.Lock()
        self._seen: Counter[Hashable] = Counter()
        self._scripts: dict[Hashable, Callable[..., Any]] = {}

    def __call__(self, features: Features, goal: Heard, again: bool = False) -> Judged:
        """Judge sounds, the same bits whatever else is in the batch.

        Args:
            features: (n).
            goal: as many.
            again: batches of this size keep coming.

        Raises:
            UsageError: features of unlike configs, rates or lengths.
        """
        script = self._script_for(features, goal) if again and self._traces else None
        return Judged(*script(*_tensors(features, goal))) if script else self.summary_and_loss(features, goal)

    def summary_and_loss(self, features: Features, goal: Heard) -> Judged:
        """The same, call by call."""
        return Judged(self._loss.parts(features, goal), self.summary(features))

    def summary(self, features: Features) -> torch.Tensor:
        """Standardised summaries of sounds (…), (…, D)."""
        return self._statistics.standardise(summarise(features))

    def _script_for(self, features: Features, goal: Heard) -> Callable[..., Any] | None:
        key = tuple((f.shape, f.config, f.sample_rate, f.samples) for f in (features, goal.features))
        with self._lock:
            self._seen[key] += len(features)
            if self._seen[key] >= WORTH_IT and key not in self._scripts and len(self._scripts) < MOST_SCRIPTS:
                self._scripts[key] = self._traced(features, goal)
            return self._scripts.get(key)

    def _traced(self, features: Features, goal: Heard) -> Callable[..., Any]:
        def flat(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
            left = iter(tensors)
            return self.summary_and_loss(features.map(lambda _: next(left)), goal.map(lambda _: next(left)))

        # Features are tensors of inference mode, which a trace cannot take in.
        return as_script(flat, [tensor.clone() for tensor in _tensors(features, goal)])


def _tensors(features: Features, goal: Heard) -> list[torch.Tensor]:
    return [*features.tensors().values(), *goal.tensors()]
