"""Episodes that ended, as callbacks see them: figures at once, sounds and words when asked.

Shapes: N probes, C channels, T samples, P parameters.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import torch

from myna.envs.callbacks import Episode, Sounds, Trail
from myna.envs.core import Core
from myna.envs.history import edits, sentences
from myna.envs.state import State
from myna.errors import UsageError

__all__ = ["episode"]


def episode(core: Core, state: State, row: int) -> Episode:
    """The episode of one environment; it holds on to its own rows and not to the whole state."""
    u, losses = (values.cpu().numpy() for values in state.history(row))
    target_u = state.tasks.target_u[row].cpu().numpy() if bool(state.tasks.known[row]) else None
    return Episode(
        env=row,
        stage=int(state.tasks.stage[row]),
        steps=int(state.step[row]),
        first_loss=float(losses[0]),
        best_loss=float(state.best_loss[row]),
        success=bool(state.terminated[row] & ~state.broken[row]),
        sounds=_sounds(core, state, row),
        edits=lambda: sentences(core.renderer.table, edits(core.renderer.table, u, losses)),
        trail=Trail(core.renderer.table, u, losses, target_u),
    )


def _sounds(core: Core, state: State, row: int) -> Callable[[], Sounds]:
    """Renders what is needed on the first call and keeps it."""
    tasks = state.tasks[row]
    presets = torch.stack([tasks.start_u[0], state.best_u[row], torch.nan_to_num(tasks.target_u[0], nan=0.5)])

    @functools.cache
    def render() -> Sounds:
        if tasks.target_audio is None and not bool(tasks.known[0]):
            raise UsageError("The recording is not at hand: make the curriculum with keep_audio=True.")
        audio = core.renderer.render(presets, tasks.probes[0]).cpu().numpy()
        target = audio[2] if tasks.target_audio is None else tasks.target_audio[0].cpu().numpy()
        start, best = _in_a_row(audio[0]), _in_a_row(audio[1])
        return Sounds(_in_a_row(target), start, best, core.renderer.sample_rate)

    return render


def _in_a_row(audio: np.ndarray) -> np.ndarray:
    """Probes (N, C, T) one after the other, (C, N T)."""
    return np.concatenate(list(audio), -1)
