"""The CUDA entry: one thread per row.

Apart from the engine, as importing numba.cuda is slow, and at module level, as numba's simulator finds `cuda` only
among a module's globals.
"""

from __future__ import annotations

from numba import cuda

from myna.synth.serum_lite.voice import render_row

__all__ = ["kernel"]


@cuda.jit
def kernel(
    values, notes, seeds, sample_rate, tables, fir, out,
    blocks, state, control, work, phases, voices, frames, shapers, chorus, delay, pre, reverb, eq,
):  # fmt: skip
    """Render row `cuda.grid(1)` of presets × probes."""
    row: int = cuda.grid(1)  # pyright: ignore[reportCallIssue] - numba ships no types
    probes = notes.shape[1]
    if row < values.shape[0] * probes:
        b, n = row // probes, row % probes
        render_row(
            values[b], notes[b, n], seeds[b], sample_rate, tables, fir, out[b, n],
            blocks[row], state[row], control[row], work[row], phases[row], voices[row], frames[row], shapers[row],
            chorus[row], delay[row], pre[row], reverb[row], eq[row],
        )  # fmt: skip
