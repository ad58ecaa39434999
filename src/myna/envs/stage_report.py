"""What the stages are like, in numbers: `python -m myna.envs.stage_report --help`.

Shapes: n tasks, P parameters.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from myna.envs.action import ActionConfig, ActionDecoder
from myna.envs.curriculum import Curriculum
from myna.envs.draws import PresetDraws
from myna.envs.oracle import Journey, steps_needed
from myna.envs.stages import Stage, load_stages
from myna.envs.task import TaskBatch
from myna.features import Features, analyse
from myna.loss import TRAINING_LOSS, PerceptualLoss
from myna.presets.generator import audible
from myna.seeding import generator
from myna.synth.renderer import Renderer

__all__ = ["StageNumbers", "measure", "table"]


@dataclass(frozen=True)
class StageNumbers:
    """One stage; losses are medians.

    Attributes:
        name: of the stage.
        open: parameters that are open.
        silent: share of first draws that cannot be heard (and are drawn again).
        apart: loss between two targets of the stage.
        start: loss of the stage's mix of starts, at full distance.
        default: loss of the default preset.
        near, far: loss of near starts, as the stage begins and at full distance.
        floor, floor_95: loss of the target's own preset with another seed of noise and phases, median and 95 %.
        steps_all, steps_module: steps that the oracle needs from those starts, 95 %.
        solved_all, solved_module: share of tasks that it solves within the horizon.
    """

    name: str
    open: int
    silent: float
    apart: float
    start: float
    default: float
    near: float
    far: float
    floor: float
    floor_95: float
    steps_all: float
    solved_all: float
    steps_module: float
    solved_module: float


def measure(curriculum: Curriculum, stage: Stage, count: int, seed: int) -> StageNumbers:
    """Measure a stage on so many tasks, 2 or more, drawn from a seed."""
    renderer, table = curriculum.renderer, curriculum.renderer.table
    tasks = curriculum.sample(count, generator(seed, "stage-report", stage.name), stage.number)
    draws = PresetDraws(table, [stage])
    stages, rngs = [stage] * count, generator(seed, "stage-report", stage.name, "draws").spawn(count)
    target_u = tasks.target_u.cpu().numpy()

    def loss(u: np.ndarray, seeds: np.ndarray | None = None) -> np.ndarray:
        return _losses(renderer, tasks, u, seeds)

    near, far = (draws.near(target_u, stages, np.full(count, d), rngs) for d in stage.distance)
    floor = loss(target_u, np.arange(1, count + 1))
    first = renderer.render(draws.targets(stages, rngs), tasks.probes)
    steps = {mode: _steps(tasks, ActionDecoder(table, ActionConfig(mode), tasks.device)) for mode in stage.horizon}
    return StageNumbers(
        name=stage.name,
        open=len(stage.open),
        silent=float(np.mean(~audible(first))),
        apart=float(np.median(_compare(tasks.target, tasks[np.roll(np.arange(count), 1)].target))),
        start=float(np.median(loss(tasks.start_u.cpu().numpy()))),
        default=float(np.median(loss(np.repeat(draws.defaults[None], count, axis=0)))),
        near=float(np.median(loss(near))),
        far=float(np.median(loss(far))),
        floor=float(np.median(floor)),
        floor_95=float(np.quantile(floor, 0.95)),
        steps_all=float(np.quantile(steps["all"], 0.95)),
        solved_all=float(np.mean(steps["all"] <= stage.horizon["all"])),
        steps_module=float(np.quantile(steps["module"], 0.95)),
        solved_module=float(np.mean(steps["module"] <= stage.horizon["module"])),
    )


def _losses(renderer: Renderer, tasks: TaskBatch, u: np.ndarray, seeds: np.ndarray | None) -> np.ndarray:
    """(n,) of presets (n, P), 64 at a time."""
    parts = []
    for rows in torch.arange(len(tasks)).split(64):
        some = tasks[rows]
        audio = renderer.render(torch.from_numpy(u[rows]), some.probes, None if seeds is None else seeds[rows])
        heard = analyse(audio, renderer.sample_rate, some.target.config, renderer.threads, on_bad="mark")
        parts.append(_compare(heard, some.target))
    return np.concatenate(parts)


def _compare(sounds: Features, targets: Features) -> np.ndarray:
    return PerceptualLoss(TRAINING_LOSS)(sounds, targets).total.mean(1).cpu().numpy()


def _steps(tasks: TaskBatch, decoder: ActionDecoder) -> np.ndarray:
    journey = Journey(tasks.start_u, tasks.start_u, tasks.target_u, tasks.open, tasks.bound)
    return steps_needed(decoder, journey).cpu().numpy()


def table(rows: Sequence[StageNumbers]) -> str:
    """The numbers as text, a stage on each line."""
    names = [field.name for field in fields(StageNumbers)]
    lines = [names] + [[_short(getattr(row, name)) for name in names] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _short(value: float | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m myna.envs.stage_report", description="The stages in numbers.")
    parser.add_argument("--config", help="a curriculum in TOML; else the one that comes with myna")
    parser.add_argument("--tasks", type=int, default=500, help="tasks per stage")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    renderer = Renderer()
    curriculum = Curriculum(load_stages(renderer.table, chosen.config), renderer)
    print(table([measure(curriculum, stage, chosen.tasks, chosen.seed) for stage in curriculum.stages]))


if __name__ == "__main__":
    main()
