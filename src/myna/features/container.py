"""Features of a batch of sounds: tensors that share leading dimensions, and what they were measured with.

Shapes: … leading dimensions of the batch (with a last one for the channel where config.channels is "each"), F frames
of the main window, M mel bands, K loudness blocks, E envelope frames.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from myna.errors import MynaError, UsageError, printable
from myna.features.config import FeatureConfig
from myna.files import write_atomic

__all__ = ["Features"]

_TUPLES = ("magnitudes", "mels")
_METADATA = ("config", "sample_rate", "samples")


@dataclass(frozen=True, eq=False)
class Features:
    """What `analyse` heard. float32 throughout, but for `finite`; levels are dBFS and nothing is normalised away.

    A sine of RMS r shows as 20·log10(r) in the spectra, the envelope and the level.

    Attributes:
        magnitudes: (…, F_w, bins_w) linear, one for each of config.windows; empty unless config.magnitudes.
        mels: (…, F_w, M_w) log-mel in dB >= config.floor_db, one for each of config.mels.
        mfcc: (…, F, config.mfcc) dB, of the first log-mel.
        centroid_hz: (…, F) weighted by magnitude; 0 in silence.
        centroid_octaves: (…, F) octaves above 30 Hz, weighted by power in mel bands; 0 in silence.
        flatness: (…, F) in (0, 1]; 1 in silence.
        momentary_lufs: (…, K) loudness of 400 ms blocks, >= config.floor_db.
        loudness_lufs: (…) gated, >= config.floor_db.
        envelope_db: (…, E) RMS of the middle in frames of config.envelope_s.
        side_db: (…, E) RMS of half the difference of the channels; config.floor_db for a single channel.
        level_db: (…) RMS of the middle over the whole.
        peak: (…) largest magnitude of a sample in any channel.
        dc: (…) largest magnitude of any channel's mean.
        clipped: (…) share of all channels' samples whose magnitude is 0.999 or more.
        finite: (…) bool; False where the audio held NaN or infinity and silence stands in its place.
        config: what was measured.
        sample_rate: Hz.
        samples: T, length of the audio.
    """

    magnitudes: tuple[torch.Tensor, ...]
    mels: tuple[torch.Tensor, ...]
    mfcc: torch.Tensor
    centroid_hz: torch.Tensor
    centroid_octaves: torch.Tensor
    flatness: torch.Tensor
    momentary_lufs: torch.Tensor
    loudness_lufs: torch.Tensor
    envelope_db: torch.Tensor
    side_db: torch.Tensor
    level_db: torch.Tensor
    peak: torch.Tensor
    dc: torch.Tensor
    clipped: torch.Tensor
    finite: torch.Tensor
    config: FeatureConfig
    sample_rate: int
    samples: int

    @property
    def shape(self) -> torch.Size:
        """The leading dimensions."""
        return self.level_db.shape

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return self.level_db.device

    def __len__(self) -> int:
        """Size of the first leading dimension."""
        return len(self.level_db)

    def __getitem__(self, index: Any) -> Features:
        """Some of the sounds: an index, slice, mask or tuple of these into the leading dimensions."""
        return self.map(lambda tensor: tensor[index])

    def reshape(self, *shape: int) -> Features:
        """The same sounds with other leading dimensions."""
        leading = len(self.shape)
        return self.map(lambda tensor: tensor.reshape((*shape, *tensor.shape[leading:])))

    def to(self, device: torch.device | str) -> Features:
        """The same values on another device."""
        return self.map(lambda tensor: tensor.to(device))

    def lean(self) -> Features:
        """Without the magnitudes, which are most of the memory."""
        return dataclasses.replace(self, magnitudes=())

    def numpy(self) -> dict[str, np.ndarray]:
        """Arrays by name; several of one kind are `mels.0`, `mels.1`, …."""
        return {name: tensor.cpu().numpy() for name, tensor in self.tensors().items()}

    def tensors(self) -> dict[str, torch.Tensor]:
        """All tensors by name; several of one kind are `mels.0`, `mels.1`, …."""
        found: dict[str, torch.Tensor] = {}
        for name in _names():
            value = getattr(self, name)
            found |= {f"{name}.{i}": t for i, t in enumerate(value)} if name in _TUPLES else {name: value}
        return found

    def map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Features:
        """The same with every tensor changed."""
        return self._with({name: change(tensor) for name, tensor in self.tensors().items()})

    @staticmethod
    def cat(parts: Sequence[Features]) -> Features:
        """Join along the first leading dimension.

        Raises:
            UsageError: no parts, or parts of another config, rate, length or make.
        """
        return _joined(parts, torch.cat)

    def combine(self, change: Callable[[list[torch.Tensor]], torch.Tensor], *others: Features) -> Features:
        """What `change` makes of each tensor and those of others in its place; raises as `cat` does."""
        return _joined([self, *others], change)

    @staticmethod
    def stack(parts: Sequence[Features]) -> Features:
        """Join along a new first dimension; raises as `cat` does."""
        return _joined(parts, torch.stack)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file, whole or not at all.

        Raises:
            MynaError: it cannot be written.
        """
        write_atomic(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The content of a safetensors file."""
        about = {"config": dataclasses.asdict(self.config), "sample_rate": self.sample_rate, "samples": self.samples}
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self.tensors().items()}
        return save(tensors, {"features": json.dumps(about)})

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Features:
        """Read what `save` wrote, onto the CPU.

        Raises:
            MynaError: no such file, or not one of features.
        """
        try:
            return Features.from_bytes(Path(path).read_bytes())
        except OSError as error:
            raise MynaError(f"cannot read {printable(os.fspath(path))}: {error.strerror}.") from error
        except ValueError as error:
            raise MynaError(f"{printable(os.fspath(path))} holds no features: analyse the sound again.") from error

    @staticmethod
    def from_bytes(data: bytes) -> Features:
        """Undo `to_bytes`.

        Raises:
            ValueError: damaged, or something else.
        """
        try:
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            about = json.loads(header["__metadata__"]["features"])
            settings = {k: _frozen(v) for k, v in about["config"].items()}
            return _build(load(data), FeatureConfig(**settings), about["sample_rate"], about["samples"])
        except (SafetensorError, UsageError, KeyError, TypeError, ValueError) as error:
            raise ValueError("no features") from error

    def _with(self, tensors: dict[str, torch.Tensor]) -> Features:
        return _build(tensors, self.config, self.sample_rate, self.samples)


@functools.cache
def _names() -> list[str]:
    return [field.name for field in dataclasses.fields(Features) if field.name not in _METADATA]


def _build(tensors: dict[str, torch.Tensor], config: FeatureConfig, sample_rate: int, samples: int) -> Features:
    values: dict[str, Any] = {name: tensors[name] for name in _names() if name not in _TUPLES}
    for kind in _TUPLES:
        count = sum(name.startswith(f"{kind}.") for name in tensors)
        values[kind] = tuple(tensors[f"{kind}.{i}"] for i in range(count))  # a file keeps no order
    return Features(**values, config=config, sample_rate=sample_rate, samples=samples)


def _joined(parts: Sequence[Features], join: Callable[[list[torch.Tensor]], torch.Tensor]) -> Features:
    if not parts:
        raise UsageError("There are no features to join.")
    tensors = [part.tensors() for part in parts]
    for part, found in zip(parts, tensors, strict=True):
        same = all(getattr(part, name) == getattr(parts[0], name) for name in _METADATA)
        if not same or found.keys() != tensors[0].keys():
            raise UsageError("Only features of one config, sample rate and length can be joined.")
    return parts[0]._with({name: join([found[name] for found in tensors]) for name in tensors[0]})


def _frozen(value: Any) -> Any:
    """Tuples in place of JSON's lists."""
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value
