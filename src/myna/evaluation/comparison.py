"""Agents on the same targets at the same budgets: runs that can be cut short and go on, their curves kept on disk.

A cell (see `myna.evaluation.cells`) is one contender on one set with one budget. Its rows are written group by group:
a kill loses a group for each process, and no finished target is run again. A row depends on its cell and target alone,
not on the groups, the processes or what else is run.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any, NamedTuple

from myna.agents import Goal
from myna.evaluation.cells import Cell, append, begin
from myna.evaluation.measured import measured
from myna.evaluation.suites.sets import TargetSet
from myna.features import FULL, analyse
from myna.files import make_folder
from myna.loss import score
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.renderer import Renderer

__all__ = ["GROUP", "Step", "run", "yardstick"]

GROUP = 8
"""Targets that are matched in lock-step and written together."""
_YARDSTICKS = 8


class Step(NamedTuple):
    """How far a run is.

    Attributes:
        cell: of which a group is done.
        done, wanted: its targets.
        share: of the renders that this run had to make, in [0, 1].
    """

    cell: Cell
    done: int
    wanted: int
    share: float


def run(
    cells: Sequence[Cell],
    folder: Path,
    *,
    limit: int | None = None,
    processes: int = 1,
    about: Mapping[str, Any] | None = None,
) -> Iterator[Step]:
    """Run what is missing, and tell after each group.

    A cell whose header is another one by now (other weights, other ears) is begun anew, its file renamed to `….old`.

    Args:
        cells: in the order in which they are run.
        folder: of the files.
        limit: only the first targets of each set.
        processes: of one thread each; 1 works in this one.
        about: what to add to each row, as the commit.

    Raises:
        MynaError: an agent that cannot be made, or a folder that cannot be written.
    """
    make_folder(folder)
    jobs: list[_Job] = []
    done: dict[Path, int] = {}
    for cell in cells:
        path = cell.path(folder)
        finished = begin(path, cell.header(_renderer(), yardstick(cell.targets)))
        missing = [index for index in range(_wanted(cell, limit)) if index not in finished]
        done[path] = _wanted(cell, limit) - len(missing)
        jobs += [_Job(cell, tuple(missing[i : i + GROUP])) for i in range(0, len(missing), GROUP)]
    spent, total = 0, sum(job.renders for job in jobs)
    for job, rows in _results(jobs, processes):
        path = job.cell.path(folder)
        append(path, [{**row, **(about or {})} for row in rows])
        done[path] += len(rows)
        spent += job.renders
        yield Step(job.cell, done[path], _wanted(job.cell, limit), spent / total)


def _wanted(cell: Cell, limit: int | None) -> int:
    return len(cell.targets) if limit is None else min(limit, len(cell.targets))


@functools.cache
def yardstick(targets: TargetSet) -> tuple[float, ...]:
    """Losses of one musical preset towards the first targets: they move when the engine, the ears or the set change."""
    renderer = _renderer()
    u = MusicalPrior(renderer.table).sample(1, generator(0, "comparison", "yardstick"))
    found = []
    for index in range(min(_YARDSTICKS, len(targets))):
        goal = Goal.of(targets.target(index, renderer), renderer)
        target = analyse(goal.audio[None], renderer.sample_rate, FULL)
        breakdown, _ = score(renderer.render(u, goal.probe)[:, 0], renderer.sample_rate, target)
        found.append(round(float(breakdown.total[0]), 5))
    return tuple(found)


# The work, in processes of one thread each


@dataclass(frozen=True)
class _Job:
    """A group of targets of a cell."""

    cell: Cell
    indices: tuple[int, ...]

    @property
    def renders(self) -> int:
        """That it may spend."""
        return self.cell.budget * len(self.indices)


def _results(jobs: Sequence[_Job], processes: int) -> Iterator[tuple[_Job, list[dict[str, Any]]]]:
    if processes <= 1:
        yield from ((job, _work(job)) for job in jobs)
        return
    others = set(active_children())
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(_work, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            # A group may take many minutes: whoever stops the run, by a signal or otherwise, shall not wait for it.
            for process in set(active_children()) - others:
                process.terminate()
            pool.shutdown(cancel_futures=True)
            raise


@functools.cache
def _renderer() -> Renderer:
    return Renderer(threads=1)


def _work(job: _Job) -> list[dict[str, Any]]:
    """Rows of a group."""
    cell, renderer = job.cell, _renderer()
    goals = [Goal.of(cell.targets.target(index, renderer), renderer) for index in job.indices]
    agent = cell.contender.make(renderer)
    began = time.perf_counter()
    matches = agent.match(goals, cell.budget, generator(cell.seed, "comparison", cell.contender.agent))
    seconds = round((time.perf_counter() - began) / len(goals), 3)
    return [
        {
            "target": goal.name,
            "index": index,
            "renders": match.renders,
            "loss": round(match.loss, 6),
            "curve": [[at, round(loss, 6)] for at, loss in match.curve],
            "seconds": seconds,
            **(measured(match, cell.targets, index, goal, renderer, cell.measures) if cell.measures else {}),
        }
        for index, goal, match in zip(job.indices, goals, matches, strict=True)
    ]
