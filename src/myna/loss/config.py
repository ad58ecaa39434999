"""What a loss weighs, and by what its terms are divided."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from myna.errors import UsageError

__all__ = ["CONFIGS", "FULL_LOSS", "PENALTY_WEIGHTS", "TRAINING_LOSS", "WEIGHTS", "LossConfig", "scales"]

# Over 21 listening studies log-mel L1 agrees best with the ear (mean Spearman .473), then MR-STFT (.437), wMFCC
# (.392), RMS envelope (.307). Log-mel leads by far, as mr_stft and mfcc are nearly functions of it; the envelope
# outweighs them since no other term hears a contour apart from its spectrum.
WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "log_mel": 0.40,
        "mr_stft": 0.12,
        "mfcc": 0.06,
        "transport": 0.15,
        "envelope": 0.12,
        "centroid": 0.05,
        "loudness": 0.05,
        "stereo": 0.05,
    }
)

# In medians of random pairs: a penalty at its height costs as much as this many unrelated sounds.
PENALTY_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "silence": 1.0,
        "dc": 2.0,
        "clipping": 1.5,
        "transient": 2.0,
        "noise": 1.5,
        "smear": 1.5,
        "level": 2.0,
        "pumping": 2.0,
        "tail": 1.5,
        "onset": 1.5,
    }
)


@dataclass(frozen=True)
class LossConfig:
    """A loss, as a choice of weights.

    Attributes:
        scale_set: whose medians divide the terms, a key of `scales.json`.
        weights: by term; a term that is left out is not computed.
        penalties: weights by penalty, likewise.

    Raises:
        UsageError: a name that is not known, a negative weight, no weights at all, or a scale set that is not there.
    """

    scale_set: str = "full"
    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    penalties: Mapping[str, float] = field(default_factory=lambda: PENALTY_WEIGHTS)

    def __post_init__(self) -> None:
        """Check the names and keep copies that nobody can change."""
        _check(self.weights, WEIGHTS, "loss term")
        _check(self.penalties, PENALTY_WEIGHTS, "penalty")
        if not self.weights and not self.penalties:
            raise UsageError("A loss needs at least one term or penalty.")
        object.__setattr__(self, "weights", MappingProxyType(dict(self.weights)))
        object.__setattr__(self, "penalties", MappingProxyType(dict(self.penalties)))


def _check(weights: Mapping[str, float], known: Mapping[str, float], kind: str) -> None:
    unknown = set(weights) - set(known)
    if unknown:
        raise UsageError(f"There is no {kind} '{min(unknown)}'; choose from {', '.join(known)}.")
    for name, weight in weights.items():
        if not 0.0 <= weight < float("inf"):
            raise UsageError(f"The weight of '{name}' must be a number of 0 or more; got {weight}.")


@cache
def scales(scale_set: str) -> Mapping[str, float]:
    """Each term's median over random pairs, such that the median of the whole loss is 1 too.

    Raises:
        UsageError: there is no such set.
    """
    sets = json.loads((Path(__file__).parent / "scales.json").read_text(encoding="utf-8"))["sets"]
    if scale_set not in sets:
        raise UsageError(f"There is no scale set '{scale_set}'; choose from {', '.join(sets)}.")
    return MappingProxyType(sets[scale_set])


FULL_LOSS = LossConfig()
"""For features that hold magnitudes, such as `features.FULL`."""

# The lean features hold no magnitudes: their weight goes to the log-mel, which tells nearly the same.
TRAINING_LOSS = LossConfig(
    "training",
    {name: weight + (name == "log_mel") * WEIGHTS["mr_stft"] for name, weight in WEIGHTS.items() if name != "mr_stft"},
)
"""For `features.TRAINING`."""

CONFIGS: Mapping[str, LossConfig] = MappingProxyType({"full": FULL_LOSS, "training": TRAINING_LOSS})
