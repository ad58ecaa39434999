"""Penalties for ways to score well without sounding alike: each takes two sounds and returns (…) in [0, 1].

All are zero for equal sounds and for small honest differences, and rise smoothly (a cubic with flat ends).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from myna.loss.heard import Heard
from myna.loss.reduce import sum_of

__all__ = ["PENALTIES"]


def ramp(value: Tensor, start: float, full: float) -> Tensor:
    """0 up to `start`, 1 from `full`, smooth between."""
    part = ((value - start) / (full - start)).clamp(0.0, 1.0)
    return part * part * (3.0 - 2.0 * part)


def silence(sound: Heard, target: Heard) -> Tensor:
    """The loudest 12 ms are 18 to 36 dB under the target's."""
    return ramp(target.peak_db - sound.peak_db, 18.0, 36.0)


def dc(sound: Heard, target: Heard) -> Tensor:
    """A constant makes up more of the power than in the target."""
    return ramp(sound.dc_share - target.dc_share, 0.05, 0.4)


def clipping(sound: Heard, target: Heard) -> Tensor:
    """More samples lie at full scale than in the target."""
    return ramp(sound.features.clipped - target.features.clipped, 0.001, 0.05)


def transient(sound: Heard, target: Heard) -> Tensor:
    """The energy sits in a far shorter time than the target's."""
    shorter = torch.log2(target.frames_of_energy / sound.frames_of_energy)
    return ramp(shorter, 1.5, 3.5)


def noise(sound: Heard, target: Heard) -> Tensor:
    """Its bands flutter as those of noise do, and more than the target's."""
    return ramp(_noisiness(sound) - _noisiness(target), 0.1, 0.4)


def _noisiness(sound: Heard) -> Tensor:
    """From tones, also beating ones (0), to noise (1)."""
    return ((sound.roughness - 0.28) / 0.55).clamp(0.0, 1.0)


def smear(sound: Heard, target: Heard) -> Tensor:
    """Its spectrum moves about more than the target's: a wide vibrato averages to any spectrum."""
    return ramp(sound.movement_db - target.movement_db, 1.5, 4.0)


def level(sound: Heard, target: Heard) -> Tensor:
    """Far too loud or too quiet."""
    return ramp((sound.loudness_lufs - target.loudness_lufs).abs(), 12.0, 24.0)


def pumping(sound: Heard, target: Heard) -> Tensor:
    """The level goes up and down more than the target's."""
    return ramp(sound.pumping_db_per_s - target.pumping_db_per_s, 60.0, 240.0)


def tail(sound: Heard, target: Heard) -> Tensor:
    """It goes on when the target is over."""
    frames = torch.arange(sound.features.envelope_db.shape[-1], device=target.last_frame.device)
    over = frames > target.last_frame[..., None] + 4
    quiet = torch.maximum(target.features.envelope_db, target.edge_db[..., None])
    excess = (sound.features.envelope_db - quiet).clamp_min(0.0) * over
    seconds = sound.features.samples / sound.features.sample_rate / over.shape[-1]
    return ramp(sum_of(excess, 1) * seconds, 3.0, 20.0)


def onset(sound: Heard, target: Heard) -> Tensor:
    """It starts at another time."""
    seconds = sound.features.samples / sound.features.sample_rate / sound.features.envelope_db.shape[-1]
    return ramp((sound.onset_frame - target.onset_frame).abs() * seconds, 0.03, 0.25)


Penalty = Callable[[Heard, Heard], Tensor]

PENALTIES: Mapping[str, Penalty] = MappingProxyType(
    {
        "silence": silence,
        "dc": dc,
        "clipping": clipping,
        "transient": transient,
        "noise": noise,
        "smear": smear,
        "level": level,
        "pumping": pumping,
        "tail": tail,
        "onset": onset,
    }
)
"""All penalties by name."""
