"""The loss: weighted terms and penalties, per item, scaled so that 1 is the median pair of random presets.

Shapes: … any leading shape, usually (B,).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from myna.errors import UsageError
from myna.features import Features
from myna.loss.config import FULL_LOSS, LossConfig, scales
from myna.loss.heard import Heard
from myna.loss.penalties import PENALTIES, ramp
from myna.loss.terms import TERMS

__all__ = ["BROKEN", "LossBreakdown", "PerceptualLoss"]

BROKEN = 25.0
"""What a sound with NaN or infinity costs: more than any sound within full scale can."""


@dataclass(frozen=True, eq=False)
class LossBreakdown:
    """The loss and its parts, on the features' device.

    Attributes:
        total: (…) float32, 0 for identical sounds, 1 for the median pair of random presets.
        terms: name → (…), weighted and scaled.
        penalties: name → (…), weighted; 0 but for a cheat. A broken sound has BROKEN under `broken` and 0 elsewhere.
            All terms and penalties add up to `total`.
    """

    total: Tensor
    terms: Mapping[str, Tensor]
    penalties: Mapping[str, Tensor]

    def __getitem__(self, index: Any) -> LossBreakdown:
        """Some of the items."""
        return LossBreakdown(
            self.total[index],
            {name: value[index] for name, value in self.terms.items()},
            {name: value[index] for name, value in self.penalties.items()},
        )

    @staticmethod
    def cat(parts: Iterable[LossBreakdown]) -> LossBreakdown:
        """Join along the first axis; at least one part, all of the same loss."""
        parts = list(parts)
        return LossBreakdown(
            torch.cat([part.total for part in parts]),
            {name: torch.cat([part.terms[name] for part in parts]) for name in parts[0].terms},
            {name: torch.cat([part.penalties[name] for part in parts]) for name in parts[0].penalties},
        )


class PerceptualLoss:
    """Distance of sounds to a target, or pairwise to as many targets.

    Args:
        config: the weights; `FULL_LOSS` wants features with magnitudes, `TRAINING_LOSS` does without.

    Attributes:
        names: of all that adds up to the loss: terms, penalties, and `broken`.

    Example:
        >>> # loss(analyse(candidates, 44100), analyse(target[None], 44100)).total  → (B,)
    """

    def __init__(self, config: LossConfig = FULL_LOSS) -> None:
        """See the class."""
        self.config = config
        by_median = scales(config.scale_set)
        factors = {name: weight / by_median[name] for name, weight in config.weights.items()} | dict(config.penalties)
        self.names, self._weights = (*factors, "broken"), torch.tensor(list(factors.values()))
        self._penalties = [PENALTIES[name] for name in config.penalties]
        self._starts = torch.tensor([penalty.start for penalty in self._penalties])
        self._widths = torch.tensor([penalty.width for penalty in self._penalties])

    def __call__(self, features: Features | Heard, target: Features | Heard) -> LossBreakdown:
        """Compare each item; the same bits whatever else is in the batch.

        Args:
            features: of the candidates, (…).
            target: of one item, or of as many. A `Heard` that is kept spares its derivations at each call.

        Raises:
            UsageError: unlike configs, rates or lengths, or magnitudes that are missing.
        """
        total, *rows = self.parts(features, target).unbind()
        weighed = dict(zip(self.names, rows, strict=True))
        terms = {name: weighed.pop(name) for name in self.config.weights}
        return LossBreakdown(total, terms, weighed)

    def parts(self, features: Features | Heard, target: Features | Heard) -> Tensor:
        """The loss and what each of `names` adds to it, (1 + K, …); arguments and errors as above."""
        sound, goal = as_heard(features), as_heard(target)
        _check_alike(sound.features, goal.features)
        finite = sound.features.finite & goal.features.finite
        terms = [TERMS[name](sound, goal) for name in self.config.weights]
        parts = torch.stack(terms) if terms else finite.new_empty((0, *finite.shape), dtype=torch.float32)
        return self._weighed(torch.cat([parts, self._penalise(sound, goal, parts)]), finite)

    def _penalise(self, sound: Heard, goal: Heard, terms: Tensor) -> Tensor:
        """The penalties (K, …), ramped together."""
        if not self._penalties:
            return terms[:0]
        excess = torch.stack([penalty.excess(sound, goal) for penalty in self._penalties])
        shape = (-1, *[1] * (excess.ndim - 1))
        return ramp(
            excess, self._starts.to(excess.device).reshape(shape), self._widths.to(excess.device).reshape(shape)
        )

    def _weighed(self, parts: Tensor, finite: Tensor) -> Tensor:
        """Weigh the parts (K, …), mark what is broken, and add them up one by one: a sum would round by its shape."""
        whole = finite.float()  # silence stands in for what is broken, so its parts are finite
        weights = self._weights.to(parts.device).reshape(-1, *[1] * whole.ndim)
        weighed = torch.cat([weights * parts * whole, (BROKEN * (1.0 - whole))[None]])
        total = torch.zeros_like(whole)
        for part in weighed.unbind():
            total = total + part
        return torch.cat([total[None], weighed])


def as_heard(features: Features | Heard) -> Heard:
    """Wrap features unless they are wrapped."""
    return features if isinstance(features, Heard) else Heard(features)


def _check_alike(a: Features, b: Features) -> None:
    if a.samples != b.samples:
        raise UsageError(f"Only sounds of equal length can be compared; got {a.samples} and {b.samples} samples.")
    if a.sample_rate != b.sample_rate:
        raise UsageError(f"Only sounds of one sample rate can be compared; got {a.sample_rate} and {b.sample_rate} Hz.")
    if a.config != b.config:
        raise UsageError("Only features of one config can be compared: analyse both sounds alike.")
