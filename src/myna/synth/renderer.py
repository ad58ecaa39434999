"""Presets × probes to audio: batched, chunked by memory, the same bits whatever the batch.

Shapes: B presets, N probes, C channels, T samples, P parameters.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from myna.errors import UsageError
from myna.synth.base import Probe
from myna.synth.registry import make_synth

__all__ = ["Renderer"]


class Renderer:
    """Renders normalised presets.

    Args:
        synth: name in `myna.synth.registry.SYNTHS`.
        sample_rate: Hz, 8,000 to 192,000.
        device: `cpu` or `cuda`.
        threads: CPU threads; None takes all that the process may use. The bits do not depend on it.
        seed: of noise, random phase and free-running LFOs. One seed for all presets, so that two presets
            differ by their knobs alone; `render(..., seeds=...)` gives each its own.
        chunk_bytes: bound on the audio and scratch of one engine call; by default 256 MiB on the CPU, 4 GiB on CUDA.

    Raises:
        UsageError: unknown synth or a sample rate out of range.
        BackendError: the device is not there.

    Example:
        >>> renderer = Renderer()  # doctest: +SKIP
        >>> u = renderer.table.encode(renderer.table.defaults)[None]  # doctest: +SKIP
        >>> renderer.render(u, [Probe(60, 100, 0.5, 1.0), Probe(72, 100, 0.5, 1.0)]).shape  # doctest: +SKIP
        (1, 2, 2, 44100)
    """

    def __init__(
        self,
        synth: str = "serum-lite",
        *,
        sample_rate: int = 44100,
        device: str = "cpu",
        threads: int | None = None,
        seed: int = 0,
        chunk_bytes: int | None = None,
    ) -> None:
        """See the class."""
        if not 8000 <= sample_rate <= 192000:
            raise UsageError(f"The sample rate must lie in 8000 to 192000 Hz; got {sample_rate}.")
        self.threads = threads or len(os.sched_getaffinity(0))
        self.synth = make_synth(synth, device=device, threads=self.threads)
        self.sample_rate = int(sample_rate)
        self.device = device
        self.seed = int(seed)
        self._local = threading.local()
        self.chunk_bytes = chunk_bytes or (1 << 28 if device == "cpu" else 1 << 32)

    @property
    def table(self) -> Any:
        """The synth's `ParameterTable`."""
        return self.synth.table

    def render(
        self,
        u: Any,
        probes: Probe | Sequence[Probe] | Sequence[Sequence[Probe]],
        seeds: Any = None,
        reuse: bool = False,
    ) -> Any:
        """Render every preset at its probes.

        Args:
            u: (B, P) normalised values, numpy or torch (discrete knobs are snapped by decoding).
            probes: one, or N for all presets, or B × N (each preset's own); notes, gates and lengths may differ.
            seeds: (B,) whole numbers, one per preset, or None for the renderer's own.
            reuse: write where the last call of this thread with `reuse` did, whose result must be done with by then:
                on the CPU new memory for a hundred MB costs as much as a fiftieth of the render.

        Returns:
            (B, N, C, T) float32 with T the longest probe, shorter ones followed by zeros. numpy for numpy; a
            torch tensor for a torch tensor, on the engine's device and without a copy.

        Raises:
            UsageError: wrong shape, no probe, or values that are not finite.
        """
        torch_in = type(u).__module__.partition(".")[0] == "torch"
        array = np.asarray(u.detach().cpu() if torch_in else u, np.float64)
        if array.ndim != 2:
            raise UsageError(f"Presets must have the shape (B, {len(self.table)}); got {array.shape}.")
        values = self.table.decode(array)
        own = _each(probes, len(values))
        keys = self._seeds(seeds, len(values))
        if self.device == "cpu":
            audio = self._cpu(values, own, keys, reuse)
        else:
            audio = self._cuda(values, own, keys)
            audio = audio if torch_in else audio.copy_to_host()
        return _to_torch(audio) if torch_in else audio

    def _seeds(self, seeds: Any, count: int) -> np.ndarray:
        if seeds is None:
            return np.full(count, self.seed, np.uint64)
        keys = np.asarray(seeds).astype(np.uint64)
        if keys.shape != (count,):
            raise UsageError(f"Seeds must have the shape ({count},); got {keys.shape}.")
        return keys

    def _shape(self, count: int, probes: list[list[Probe]]) -> tuple[int, int, int, int]:
        longest = max(q.samples(self.sample_rate) for own in probes for q in own)
        return (count, len(probes[0]), self.synth.channels, longest)

    def _chunks(self, shape: tuple[int, int, int, int]) -> list[slice]:
        per_row = 4 * shape[2] * shape[3] + self.synth.row_bytes(self.sample_rate)
        size = max(1, self.chunk_bytes // (shape[1] * per_row))
        return [slice(i, min(i + size, shape[0])) for i in range(0, shape[0], size)]

    def _cpu(self, values: np.ndarray, probes: list[list[Probe]], keys: np.ndarray, reuse: bool) -> np.ndarray:
        shape = self._shape(len(values), probes)
        out = self._room(shape) if reuse else np.zeros(shape, np.float32)
        for part in self._chunks(shape):
            self.synth.render(values[part], probes[part], self.sample_rate, keys[part], out[part])
        return out

    def _room(self, shape: tuple[int, ...]) -> np.ndarray:
        """Zeros in memory that this thread keeps."""
        size = math.prod(shape)
        kept = getattr(self._local, "room", None)
        if kept is None or len(kept) < size:
            kept = self._local.room = np.empty(size, np.float32)
        out = kept[:size].reshape(shape)
        out.fill(0.0)
        return out

    def _cuda(self, values: np.ndarray, probes: list[list[Probe]], keys: np.ndarray) -> Any:
        from numba import cuda

        shape = self._shape(len(values), probes)
        out: Any = cuda.device_array(shape, np.float32)  # pyright: ignore[reportArgumentType] - untyped library
        out[:] = np.float32(0.0)
        for part in self._chunks(shape):
            self.synth.render(values[part], probes[part], self.sample_rate, keys[part], out[part])
        return out


def _each(probes: Any, count: int) -> list[list[Probe]]:
    """B lists of N probes from the forms that `render` takes; one list where there are no presets."""
    several: list[Any] = [probes] if isinstance(probes, Probe) else list(probes)
    if not several or any(isinstance(own, Sequence) and not len(own) for own in several):
        raise UsageError("A render needs at least one probe for every preset.")
    if isinstance(several[0], Probe):
        return [several] * max(1, count)
    if len(several) != count or len({len(own) for own in several}) > 1:
        raise UsageError(f"Probes of their own must be {count} lists of one length, one for each preset.")
    return [list(own) for own in several]


def _to_torch(audio: Any) -> Any:
    import torch

    # numpy memory on the CPU, `__cuda_array_interface__` on CUDA: neither copies.
    return torch.from_numpy(audio) if isinstance(audio, np.ndarray) else torch.as_tensor(audio, device="cuda")
