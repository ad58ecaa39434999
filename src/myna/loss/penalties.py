"""Penalties for ways to score well without sounding alike: each takes two sounds and returns (…) in [0, 1].

A function says how far a sound goes, and a ramp what that costs: 0 for equal sounds and for small honest differences,
then rising smoothly (a cubic with flat ends).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from myna.loss.heard import Heard
from myna.loss.reduce import sum_of

__all__ = ["PENALTIES", "Penalty", "ramp"]


def ramp(value: Tensor, start: float | Tensor, width: float | Tensor) -> Tensor:
    """0 up to `start`, 1 from `start + width`, smooth between."""
    part = ((value - start) / width).clamp(0.0, 1.0)
    return part * part * (3.0 - 2.0 * part)


@dataclass(frozen=True)
class Penalty:
    """One of them: call it with two sounds for (…) in [0, 1].

    Attributes:
        excess: how far it goes, (…); several are best measured first and ramped together.
        start: what is free.
        full: what costs 1.
    """

    excess: Callable[[Heard, Heard], Tensor]
    start: float
    full: float

    @property
    def width(self) -> float:
        """From free to full."""
        return self.full - self.start

    def __call__(self, sound: Heard, target: Heard) -> Tensor:
        """See the class."""
        return ramp(self.excess(sound, target), self.start, self.width)


def silence(sound: Heard, target: Heard) -> Tensor:
    """The loudest 12 ms are 18 to 36 dB under the target's."""
    return target.peak_db - sound.peak_db


def dc(sound: Heard, target: Heard) -> Tensor:
    """A constant makes up more of the power than in the target, by 5 to 40 %."""
    return sound.dc_share - target.dc_share


def clipping(sound: Heard, target: Heard) -> Tensor:
    """More samples lie at full scale than in the target, by 0.1 to 5 %."""
    return sound.features.clipped - target.features.clipped


def transient(sound: Heard, target: Heard) -> Tensor:
    """The energy sits in a far shorter time than the target's: by a factor of 3 to 11."""
    return torch.log2(target.frames_of_energy / sound.frames_of_energy)


def noise(sound: Heard, target: Heard) -> Tensor:
    """Its bands flutter as those of noise do, and more than the target's by 5 to 30 % of the way from tone to noise."""
    return _noisiness(sound) - _noisiness(target)


def _noisiness(sound: Heard) -> Tensor:
    """From tones, beating ones too (0), to noise (1), (…)."""
    return ((sound.roughness - 0.38) / 0.58).clamp(0.0, 1.0)


def smear(sound: Heard, target: Heard) -> Tensor:
    """Its spectrum moves more than the target's, by 1.5 to 4 dB in 30 ms: a wide vibrato averages to any spectrum."""
    return sound.movement_db - target.movement_db


def level(sound: Heard, target: Heard) -> Tensor:
    """It is 12 to 24 LU too loud or too quiet."""
    return (sound.loudness_lufs - target.loudness_lufs).abs()


def pumping(sound: Heard, target: Heard) -> Tensor:
    """The level travels up and down more than the target's, by 60 to 240 dB per second."""
    return sound.pumping_db_per_s - target.pumping_db_per_s


def tail(sound: Heard, target: Heard) -> Tensor:
    """It goes on when the target is over (for 50 ms): 3 to 20 dB·s over the level at which the target ended."""
    frames = torch.arange(sound.features.envelope_db.shape[-1], device=target.last_frame.device)
    over = frames > target.last_frame[..., None] + round(0.05 / target.frame_s)
    quiet = torch.maximum(target.features.envelope_db, target.edge_db[..., None])
    excess = (sound.features.envelope_db - quiet).clamp_min(0.0) * over
    return sum_of(excess, 1) * sound.frame_s


def onset(sound: Heard, target: Heard) -> Tensor:
    """It starts 30 to 250 ms too early or too late."""
    return (sound.onset_frame - target.onset_frame).abs() * sound.frame_s


PENALTIES: Mapping[str, Penalty] = MappingProxyType(
    {
        "silence": Penalty(silence, 18.0, 36.0),
        "dc": Penalty(dc, 0.05, 0.4),
        "clipping": Penalty(clipping, 0.001, 0.05),
        "transient": Penalty(transient, 1.5, 3.5),
        "noise": Penalty(noise, 0.05, 0.3),
        "smear": Penalty(smear, 1.5, 4.0),
        "level": Penalty(level, 12.0, 24.0),
        "pumping": Penalty(pumping, 60.0, 240.0),
        "tail": Penalty(tail, 3.0, 20.0),
        "onset": Penalty(onset, 0.03, 0.25),
    }
)
"""All penalties by name."""
