"""A training from its first step to its last: logging, evaluation, checkpoints, and what stops it.

A folder of a training:

    config.json     the whole configuration
    log.jsonl       figures, a line for each time that they are logged; tensorboard/ the same for TensorBoard
    checkpoints/    the last two, each a folder
    best/           what was learnt, as the evaluations liked it best
    final/          what was learnt, at the end
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from myna.files import make_folder, write_atomic
from myna.training.config import TrainConfig
from myna.training.learner import Learner
from myna.training.logging import Loggers, Meter, open_log

__all__ = ["MAKERS", "Status", "Training", "make_learner"]

MAKERS = {
    "sac": "myna.training.sac:make",
    "regression": "myna.training.regression:make",
    "cloning": "myna.training.cloning:make",
}
"""Kind → what makes its learner of a `TrainConfig`."""


@dataclass(frozen=True)
class Status:
    """What a progress bar tells: steps done of all, steps per second, seconds left, figures that were logged last."""

    steps_done: int
    total: int
    steps_per_s: float
    left_s: float
    figures: Mapping[str, float]


def make_learner(config: TrainConfig) -> Learner:
    """The learner of a configuration.

    Raises:
        MynaError: a setting, weights or data that cannot be used.
    """
    module, _, function = MAKERS[config.kind].partition(":")
    return getattr(importlib.import_module(module), function)(config)


class Training:
    """Drives a learner.

    Args:
        config: see `TrainConfig`.
        out: the training's folder, made where it is missing.
        watch: told how things are, after every step.
        stop: asked after every step whether to end early.

    Raises:
        MynaError: the folder cannot be used.
    """

    def __init__(
        self,
        config: TrainConfig,
        out: Path,
        watch: Callable[[Status], None] = lambda status: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """See the class."""
        self.config, self.out, self._watch, self._stop = config, make_folder(out), watch, stop
        write_atomic(self.out / "config.json", json.dumps(dataclasses.asdict(config), indent=1) + "\n")
        self.learner = make_learner(config)
        self.best = math.inf
        self.seconds = 0.0
        self._meter, self._shown = Meter(), {}

    def run(self) -> bool:
        """Train until all steps are done, time is up, or somebody says stop; whether it came to its end.

        Raises:
            BrokenError: a loss or gradient is not a number.
            MynaError: what was learnt cannot be written.
        """
        log = open_log(self.out)
        try:
            return self._run(log)
        finally:
            log.close()

    def _run(self, log: Loggers) -> bool:
        learner, run = self.learner, self.config.run
        logged, begun = learner.steps_done, time.perf_counter()
        while learner.steps_done < learner.total and not self._over(begun):
            before = learner.steps_done
            self._meter.add(learner.step())
            if _passed(before, learner.steps_done, run.log_every):
                self._log(log, learner.steps_done - logged)
                logged = learner.steps_done
            if _passed(before, learner.steps_done, run.evaluate_every):
                self._evaluate(log)
            self._tell(begun)
            if self._stop():
                return False
        self._evaluate(log)
        self._save("final", {})
        return True

    def _over(self, begun: float) -> bool:
        minutes = self.config.run.minutes
        return bool(minutes) and self.seconds + time.perf_counter() - begun >= 60.0 * minutes

    def _log(self, log: Loggers, steps: int) -> None:
        self._shown = self._meter.told(steps)
        log.scalars(self.learner.steps_done, self._shown)

    def _evaluate(self, log: Loggers) -> None:
        begun = time.perf_counter()
        figures = dict(self.learner.evaluate())
        self._meter.spend("evaluate", time.perf_counter() - begun)
        log.scalars(self.learner.steps_done, figures)
        if figures["score"] < self.best:
            self.best = figures["score"]
            self._save("best", figures)

    def _save(self, name: str, figures: Mapping[str, float]) -> None:
        folder = make_folder(self.out / name)
        self.learner.save(folder)
        write_atomic(folder / "evaluation.json", json.dumps({"steps": self.learner.steps_done, **figures}) + "\n")

    def _tell(self, begun: float) -> None:
        rate = self._shown.get("steps_per_s", 0.0)
        left = (self.learner.total - self.learner.steps_done) / rate if rate else math.inf
        minutes = self.config.run.minutes
        if minutes:
            left = min(left, 60.0 * minutes - self.seconds - (time.perf_counter() - begun))
        self._watch(Status(self.learner.steps_done, self.learner.total, rate, left, self._shown))


def _passed(before: int, after: int, every: int) -> bool:
    """Whether a multiple of `every` was reached."""
    return before // every != after // every
