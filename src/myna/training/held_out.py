"""Rows of a data set as tasks of the environment: what a learner's presets are really worth.

Shapes: n rows, P parameters.
"""

from __future__ import annotations

import numpy as np
import torch

from myna.agents.ear import LENGTH_S
from myna.envs.task import TaskBatch
from myna.features import TRAINING, analyse, one_core
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.training.data import SOURCES, DataSet

__all__ = ["goal_rows", "probes_of", "tasks_of"]

BOUND, HORIZON = 0.2, 16
"""Of the last stage of the packaged curriculum: what learned policies are trained for."""


def goal_rows(data: DataSet, rows: torch.Tensor, count: int) -> torch.Tensor:
    """Up to `count` of the rows, spread evenly, of those whose sound somebody might want: no defaults, no tries."""
    wanted = (data["source"][rows] == SOURCES["drawn"]) | (data["source"][rows] == SOURCES["target"])
    rows = rows[wanted]
    places = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(np.int64))
    return rows[torch.from_numpy(places)]


def probes_of(played: torch.Tensor) -> list[list[Probe]]:
    """What (n, 3) tell of a probe each, as a renderer takes it."""
    # Rounded, as float32 tells notes and velocities to five digits only.
    return [
        [Probe(round(note * 127.0, 3), round(velocity * 127.0, 3), round(held * LENGTH_S, 5), LENGTH_S)]
        for note, velocity, held in played.double().tolist()
    ]


@one_core()
def tasks_of(
    data: DataSet, rows: torch.Tensor, renderer: Renderer, bound: float = BOUND, horizon: int = HORIZON
) -> TaskBatch:
    """Rows (n,) as targets, everything open, to be reached from the default preset."""
    u = data["u"][rows].double()
    probes = probes_of(data["played"][rows])
    audio = renderer.render(u, probes)
    target = analyse(audio, renderer.sample_rate, TRAINING, renderer.threads).lean()
    table = renderer.table
    start = torch.from_numpy(table.encode(table.defaults)).expand(len(rows), -1).contiguous()
    tasks = TaskBatch(
        target=target,
        target_u=torch.from_numpy(table.snap(u.numpy())),
        start_u=start,
        open=torch.ones_like(start, dtype=torch.bool),
        bound=torch.full((len(rows),), bound, dtype=torch.float64),
        horizon=torch.full((len(rows),), horizon),
        stage=torch.zeros(len(rows), dtype=torch.int64),
        probes=tuple(tuple(own) for own in probes),
        names=tuple(f"row {row}" for row in rows.tolist()),
    )
    return tasks.to(renderer.device)
