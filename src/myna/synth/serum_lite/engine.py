"""Serum-lite on the CPU (threads over rows) and on CUDA (one thread per row): the same DSP functions.

Shapes: B presets, N probes, T samples, P parameters; a row is one preset at one probe.
The CPU kernel releases the GIL, so Python threads share the rows; each owns its scratch. A row's bits depend on the
row alone.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np

from myna import compiled
from myna.compiled import compile_cached, load_kernel
from myna.errors import BackendError
from myna.params import ParameterTable
from myna.synth.base import Probe
from myna.synth.serum_lite.effects import REVERB_LINES, line_lengths
from myna.synth.serum_lite.memory import BLOCK, BLOCK_ROWS, PHASES, STATES, VOICES
from myna.synth.serum_lite.modulation import CONTROLS, WORK
from myna.synth.serum_lite.parameters import TABLE
from myna.synth.serum_lite.shaper import FIR, SHAPER_ROWS, SHAPER_WIDTH
from myna.synth.serum_lite.voice import render_row
from myna.synth.serum_lite.wavetables import LARGEST, wavetable_bank

__all__ = ["CHANNELS", "SerumLite", "compile_kernel", "source_hash"]

CHANNELS = 2
# Scratch of one row: name, dtype, shape (line lengths by name).
_SCRATCH = (
    ("blocks", np.float32, (BLOCK_ROWS, BLOCK)),
    ("state", np.float32, (STATES,)),
    ("control", np.float64, (2, CONTROLS)),
    ("work", np.float64, (WORK,)),
    ("phases", np.uint32, (PHASES,)),
    ("voices", np.float64, (2, 3, VOICES)),
    ("frames", np.float32, (2, LARGEST + 1)),
    ("shapers", np.float32, (4, SHAPER_ROWS, SHAPER_WIDTH)),
    ("chorus", np.float32, (2, "chorus")),
    ("delay", np.float32, (2, "delay")),
    ("pre", np.float32, (2, "delay")),
    ("reverb", np.float32, (REVERB_LINES + 4, "reverb")),
    ("eq", np.float32, (3, 5)),
)


def _render_rows(
    first, last, values, notes, seeds, sample_rate, tables, fir, out,
    blocks, state, control, work, phases, voices, frames, shapers, chorus, delay, pre, reverb, eq,
):  # fmt: skip
    probes = notes.shape[1]
    for row in range(first, last):
        b, n = row // probes, row % probes
        render_row(
            values[b], notes[b, n], seeds[b], sample_rate, tables, fir, out[b, n],
            blocks, state, control, work, phases, voices, frames, shapers, chorus, delay, pre, reverb, eq,
        )  # fmt: skip


def _signature() -> tuple[Any, ...]:
    """The types of `_render_rows`' arguments; its arrays are whole (C order) and may be written to."""

    def array(kind: Any, dimensions: int) -> Any:
        return numba.types.Array(numba.from_dtype(np.dtype(kind)), dimensions, "C")

    span = (numba.int64, numba.int64)
    presets = (array(np.float64, 2), array(np.float64, 3), array(np.uint32, 1), numba.float64)
    sound = (array(np.float32, 1), array(np.float32, FIR.ndim), array(np.float32, 4))
    return (*span, *presets, *sound, *(array(kind, len(shape)) for _, kind, shape in _SCRATCH))


def source_hash() -> str:
    """Of all that a sound depends on besides its preset; see `myna.compiled.source_hash`."""
    return compiled.source_hash([*Path(__file__).parent.glob("*.py"), Path(compiled.__file__)])


@functools.cache
def _cpu_kernel() -> Any:
    return load_kernel(_render_rows, _signature(), source_hash())


def compile_kernel(folder: str) -> None:
    """Compile the CPU kernel into numba's cache in a folder: what `load_kernel` runs in a process of its own."""
    compile_cached(_render_rows, Path(folder)).compile(_signature())


def _shapes(sample_rate: int) -> list[tuple[Any, tuple[int, ...]]]:
    lengths = dict(zip(("chorus", "delay", "reverb"), line_lengths(sample_rate), strict=True))
    return [(kind, tuple(lengths.get(s, s) for s in shape)) for _, kind, shape in _SCRATCH]  # type: ignore[misc]


class SerumLite:
    """The engine behind `myna.synth.base.Synth`.

    Args:
        device: `cpu` or `cuda`.
        threads: CPU threads; the bits do not depend on it.

    Raises:
        BackendError: CUDA is asked for and not there.
    """

    name = "serum-lite"
    channels = CHANNELS
    table: ParameterTable = TABLE

    def __init__(self, device: str = "cpu", threads: int = 1) -> None:
        """See the class."""
        if device not in ("cpu", "cuda"):
            raise BackendError(f"There is no device '{device}'; choose cpu or cuda.")
        if device == "cuda":
            from numba import cuda

            if not cuda.is_available():
                raise BackendError("No CUDA device was found; render with device cpu.")
        self.device = device
        self.threads = max(1, threads)
        self._local = threading.local()
        self._pool: ThreadPoolExecutor | None = None

    def row_bytes(self, sample_rate: int) -> int:
        """Scratch of a row: all rows of a call have their own on CUDA, on the CPU each thread has one."""
        if self.device == "cpu":
            return 0
        return sum(int(np.prod(shape)) * np.dtype(kind).itemsize for kind, shape in _shapes(sample_rate))

    def render(
        self, values: np.ndarray, probes: Sequence[Sequence[Probe]], sample_rate: int, seeds: np.ndarray, out: Any
    ) -> None:
        """Fill out (B, N, 2, T); see `Synth.render`. On CUDA `out` is a device array."""
        notes = np.array(
            [[[q.note_midi, q.velocity, q.gate_s, q.samples(sample_rate)] for q in own] for own in probes], np.float64
        )
        # The key of the counter-based generator is 32 bits wide.
        keys = (np.asarray(seeds, np.uint64) ^ (np.asarray(seeds, np.uint64) >> np.uint64(32))).astype(np.uint32)
        values = np.ascontiguousarray(values, np.float64)
        if self.device == "cuda":
            self._render_cuda(values, notes, keys, sample_rate, out)
        else:
            self._render_cpu(values, notes, keys, sample_rate, out)

    def _render_cpu(
        self, values: np.ndarray, notes: np.ndarray, keys: np.ndarray, sample_rate: int, out: np.ndarray
    ) -> None:
        kernel, bank = _cpu_kernel(), wavetable_bank()
        rows = notes.shape[0] * notes.shape[1]

        def work(first: int, last: int) -> None:
            scratch = self._scratch(sample_rate)
            kernel(first, last, values, notes, keys, float(sample_rate), bank, FIR, out, *scratch)

        if self.threads == 1 or rows == 1:
            work(0, rows)
            return
        # Small pieces, handed out as threads come free: rows differ tenfold in cost.
        piece = max(1, rows // (16 * self.threads))
        starts = range(0, rows, piece)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, "serum-lite")
        list(self._pool.map(lambda first: work(first, min(first + piece, rows)), starts))

    def _scratch(self, sample_rate: int) -> list[np.ndarray]:
        held = self._local.__dict__
        if held.get("rate") != sample_rate:
            held["rate"] = sample_rate
            held["arrays"] = [np.zeros(shape, kind) for kind, shape in _shapes(sample_rate)]
        return held["arrays"]

    def _render_cuda(self, values: np.ndarray, notes: np.ndarray, keys: np.ndarray, sample_rate: int, out: Any) -> None:
        from numba import cuda

        from myna.synth.serum_lite import cuda_kernel

        kernel: Any = cuda_kernel.kernel
        rows = notes.shape[0] * notes.shape[1]
        scratch = [cuda.device_array((rows, *shape), kind) for kind, shape in _shapes(sample_rate)]
        threads = 32
        blocks = -(-rows // threads)
        kernel[blocks, threads](
            cuda.to_device(values), cuda.to_device(notes), cuda.to_device(keys), float(sample_rate),
            _cuda_bank(), cuda.to_device(FIR), out, *scratch,
        )  # fmt: skip


@functools.cache
def _cuda_bank() -> Any:
    from numba import cuda

    return cuda.to_device(wavetable_bank())
