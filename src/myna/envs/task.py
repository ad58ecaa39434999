"""What an episode is about: a sound to reach, where to start, and what may move; from presets or recordings.

Shapes: B tasks, N probes, C channels, T samples, P parameters, H steps of an episode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch

from myna.audio.target import Target
from myna.errors import UsageError
from myna.features import TRAINING, FeatureConfig, Features, analyse
from myna.params import ParameterTable
from myna.synth.base import Probe

__all__ = ["TaskBatch", "tasks_from_recordings"]

_FADE_S = 0.01
_TENSORS = ("target", "target_u", "start_u", "open", "bound", "horizon", "stage")


@dataclass(frozen=True, eq=False)
class TaskBatch:
    """B tasks. Tensors lie on one device.

    Attributes:
        target: features of the sounds to reach, leading shape (B, N).
        target_u: (B, P) float64, the presets that made them, in [0, 1]; rows of NaN for recordings. For the oracle and
            diagnostics alone: an agent never sees it.
        start_u: (B, P) float64, the presets that the episodes begin with, in [0, 1], discrete ones at bin centres.
        open: (B, P) bool, the parameters that may move. What is closed is equal in target_u and start_u.
        bound: (B,) float64, the largest |Δu| of a step, in (0, 1].
        horizon: (B,) int64, steps until the episode is cut off, at least 1.
        stage: (B,) int64, of the curriculum, from 1; 0 for tasks outside of one.
        probes: B tuples of N probes: what is played, by target and candidates alike.
        names: B of them, for people.
        target_audio: (B, N, C, T) float32, full scale 1, or None where nobody asked to keep it.

    Raises:
        UsageError: parts that are not of one number of tasks, or probes that differ in number.

    Example:
        >>> # tasks = curriculum.sample(64, generator(0, "train"))
        >>> # tasks[[0, 3]], tasks.put(torch.tensor([3]), fresh), TaskBatch.cat([tasks, fresh]), tasks.to("cuda")
    """

    target: Features
    target_u: torch.Tensor
    start_u: torch.Tensor
    open: torch.Tensor
    bound: torch.Tensor
    horizon: torch.Tensor
    stage: torch.Tensor
    probes: tuple[tuple[Probe, ...], ...]
    names: tuple[str, ...]
    target_audio: torch.Tensor | None = None

    def __post_init__(self) -> None:
        """See the class."""
        count = len(self.names)
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and len(value) != count:
                raise UsageError(f"{count} tasks need as many entries of {field.name}; got {len(value)}.")
        sounds = self.target.shape[1]
        if any(len(own) != sounds for own in self.probes):
            raise UsageError(f"Every task needs {sounds} probes, as many as its target has sounds.")

    def __len__(self) -> int:
        """Number of tasks, B."""
        return len(self.names)

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return self.start_u.device

    @property
    def known(self) -> torch.Tensor:
        """Which targets were made by a known preset, (B,) bool."""
        return torch.isfinite(self.target_u).all(-1)

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray | torch.Tensor) -> TaskBatch:
        """Some of the tasks, as a batch: an index (a batch of one), a slice, indices or a mask."""
        rows = _rows(index, len(self))
        on_device = rows.to(self.device)
        # The same as by index, in half the time.
        target = self.target.map(lambda tensor: tensor.index_select(0, on_device))
        picked = {name: getattr(self, name).index_select(0, on_device) for name in _TENSORS[1:]}
        return TaskBatch(
            target=target,
            **picked,
            probes=tuple(self.probes[i] for i in rows.tolist()),
            names=tuple(self.names[i] for i in rows.tolist()),
            target_audio=None if self.target_audio is None else self.target_audio[on_device],
        )

    def put(self, index: int | slice | Sequence[int] | np.ndarray | torch.Tensor, other: TaskBatch) -> TaskBatch:
        """The same tasks but for some, replaced by all of `other` in its order.

        Raises:
            UsageError: more or fewer places than tasks, or targets that cannot lie in one batch.
        """
        rows = _rows(index, len(self))
        if len(rows) != len(other):
            raise UsageError(f"{len(other)} tasks cannot take the place of {len(rows)}.")
        _check_probes([self, other])
        where = rows.to(self.device)
        target = self.target.combine(lambda both: both[0].index_copy(0, where, both[1]), other.target)
        rest = {name: getattr(self, name).index_copy(0, where, getattr(other, name)) for name in _TENSORS[1:]}
        audio = None
        if self.target_audio is not None and other.target_audio is not None:
            audio = self.target_audio.index_copy(0, where, other.target_audio)
        probes, names = list(self.probes), list(self.names)
        for place, row in enumerate(rows.tolist()):
            probes[row], names[row] = other.probes[place], other.names[place]
        return TaskBatch(target=target, **rest, probes=tuple(probes), names=tuple(names), target_audio=audio)

    def to(self, device: torch.device | str) -> TaskBatch:
        """The same tasks on another device."""
        audio = None if self.target_audio is None else self.target_audio.to(device)
        return replace(self, **{name: getattr(self, name).to(device) for name in _TENSORS}, target_audio=audio)

    @staticmethod
    def cat(parts: Sequence[TaskBatch]) -> TaskBatch:
        """Join batches; audio is kept where all parts have it.

        Raises:
            UsageError: no parts, or targets of another number of probes, length, rate or feature config.
        """
        _check_probes(parts)
        target = Features.cat([part.target for part in parts])
        tensors = {name: torch.cat([getattr(part, name) for part in parts]) for name in _TENSORS if name != "target"}
        audio = [part.target_audio for part in parts if part.target_audio is not None]
        return TaskBatch(
            target=target,
            **tensors,
            probes=tuple(own for part in parts for own in part.probes),
            names=tuple(name for part in parts for name in part.names),
            target_audio=torch.cat(audio) if len(audio) == len(parts) else None,
        )


def _check_probes(parts: Sequence[TaskBatch]) -> None:
    if len({part.target.shape[1] for part in parts}) > 1:
        raise UsageError("Only tasks with one number of probes can be joined.")


def _rows(index: Any, count: int) -> torch.Tensor:
    """Row numbers, int64 on the CPU."""
    if isinstance(index, slice):
        return torch.arange(count)[index]
    array = np.atleast_1d(index.cpu().numpy() if isinstance(index, torch.Tensor) else np.asarray(index))
    picked = torch.from_numpy(array if array.dtype == np.bool_ else array.astype(np.int64))
    return torch.arange(count)[picked]


def tasks_from_recordings(
    targets: Sequence[Target],
    table: ParameterTable,
    *,
    sample_rate: int = 44_100,
    total_s: float | None = None,
    features: FeatureConfig = TRAINING,
    notes: int = 1,
    bound: float = 0.15,
    horizon: int = 16,
    threads: int = 1,
    keep_audio: bool = False,
    device: torch.device | str = "cpu",
) -> TaskBatch:
    """Recordings as tasks: everything open, from the default preset, the preset that made them unknown.

    A recording holds one note, at its own pitch, velocity and gate; it fills all N probes.

    Args:
        targets: from `myna.audio.target`.
        table: the synth's parameters.
        sample_rate: Hz, of the renderer that will imitate them.
        total_s: their common length in seconds: longer ones are faded out over 10 ms, shorter ones go on in silence;
            None for that of the longest.
        features: what is analysed.
        notes: probes per task, N.
        bound: the largest |Δu| of a step, in (0, 1].
        horizon: steps of an episode.
        threads: that analyse, on the CPU.
        keep_audio: fill `target_audio`.
        device: of the tensors.

    Raises:
        UsageError: no recordings, or one of another sample rate.
    """
    if not targets:
        raise UsageError("There are no recordings to make tasks of.")
    for target in targets:
        if target.sample_rate != sample_rate:
            raise UsageError(
                f"“{target.name}” has a sample rate of {target.sample_rate} Hz; load it at the synth's {sample_rate}."
            )
    probes = [_probe(target, total_s or max(t.total_s for t in targets)) for target in targets]
    sounds = np.stack(
        [_fitted(t.audio, p.samples(sample_rate), sample_rate) for t, p in zip(targets, probes, strict=True)]
    )
    audio = torch.from_numpy(sounds).to(device)[:, None].expand(-1, notes, -1, -1)
    heard = analyse(audio[:, 0], sample_rate, features, threads).lean()
    start = torch.from_numpy(table.encode(table.defaults)).to(device).repeat(len(targets), 1)
    return TaskBatch(
        target=heard.map(lambda tensor: tensor[:, None].expand(-1, notes, *tensor.shape[1:])),
        target_u=torch.full_like(start, torch.nan),
        start_u=start,
        open=torch.ones_like(start, dtype=torch.bool),
        bound=torch.full((len(targets),), bound, dtype=torch.float64, device=device),
        horizon=torch.full((len(targets),), horizon, device=device),
        stage=torch.zeros(len(targets), dtype=torch.int64, device=device),
        probes=tuple((probe,) * notes for probe in probes),
        names=tuple(target.name for target in targets),
        target_audio=audio if keep_audio else None,
    )


def _probe(target: Target, total_s: float) -> Probe:
    return Probe(target.note_midi, float(target.velocity), min(target.gate_s, total_s), total_s)


def _fitted(audio: np.ndarray, samples: int, sample_rate: int) -> np.ndarray:
    """(C, samples): cut with a short fade, or followed by silence."""
    fitted = np.zeros((audio.shape[0], samples), np.float32)
    kept = min(samples, audio.shape[1])
    fitted[:, :kept] = audio[:, :kept]
    if audio.shape[1] > samples:
        fade = min(round(_FADE_S * sample_rate), samples)
        fitted[:, -fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return fitted
