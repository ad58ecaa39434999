"""A training from its first step to its last: logging, evaluation, checkpoints, and what stops it.

A folder of a training:

    config.json     the whole configuration
    run.json        the same with every default, the command, versions and the commit, see `provenance`
    log.jsonl       figures, a line for each time that they are logged; tensorboard/, wandb/ the same for trackers
    media/          what the last evaluations sound and look like
    checkpoints/    the last two
    best/           what was learnt, as the evaluations liked it best
    final/          what was learnt, at the end
    broken/         the batch on which learning met a number that is none, if it did
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myna.envs.loggers import Once
from myna.errors import MynaError, UsageError, printable
from myna.files import make_folder, write_atomic
from myna.provenance import write_run
from myna.training.checkpoint import (
    checkpoints,
    clean_up,
    read_checkpoint,
    replace_folder,
    write_checkpoint,
    write_tensors,
)
from myna.training.config import TrainConfig
from myna.training.learner import BrokenError, Learner
from myna.training.logging import Loggers, check_trackers, open_log
from myna.training.media import Media
from myna.training.meter import Meter

__all__ = ["MAKERS", "Status", "Training", "make_learner"]

MAKERS = {
    "sac": "myna.training.sac:make",
    "regression": "myna.training.regression:make",
    "cloning": "myna.training.cloning:make",
    "proxy": "myna.training.proxy:make",
}
"""Kind → what makes its learner of a `TrainConfig`."""
_MAY_CHANGE = ("run", "device")  # when a training is resumed
_MOST_SHOWN = 64  # evaluations of a training whose sounds and pictures are told, evenly spread: trackers keep copies


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
        resume: go on from the last checkpoint in there, or from the beginning where there is none.
        watch: told how things are, after every step.
        stop: asked after every step whether to end early.

    Attributes:
        learner: what learns.
        best: the lowest score so far, and `score` that of the last evaluation.

    Raises:
        UsageError: a folder that holds a training already, or one of another configuration.
        MynaError: a folder or a tracker that cannot be used.
    """

    def __init__(
        self,
        config: TrainConfig,
        out: Path,
        *,
        resume: bool = False,
        watch: Callable[[Status], None] = lambda status: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """See the class."""
        check_trackers(config.run.trackers)
        self.config, self.out, self._watch, self._stop = config, make_folder(out), watch, stop
        self.best, self.score, self._judged_at = math.inf, math.inf, -1
        self._seconds = 0.0  # of all runs up to the last checkpoint
        self._checkpoints = self.out / "checkpoints"
        self._resumed_at = -1 if resume else None
        if not resume and checkpoints(self._checkpoints):
            raise UsageError(f"{printable(str(out))} holds a training: go on with --resume, or choose another folder.")
        state = self._last_state() if resume else None
        if state is not None:
            self._check_alike(state["config"])
        write_atomic(self.out / "config.json", json.dumps(dataclasses.asdict(config), indent=1) + "\n")
        self.learner = make_learner(config)
        if state is not None:
            self._take_up(state)
        write_run(self.out, "train", self._resolved(), resumed=resume)
        self._meter, self._told, self._unsaved = Meter(), {}, Once()
        self._media = Media(self.out / "media", config.run.media)
        self._begun = time.perf_counter()

    def _resolved(self) -> dict[str, Any]:
        """The configuration with all settings of the learner, and without those of others."""
        own = {name: getattr(self.config, name) for name in ("kind", "seed", "device")}
        return {
            **own,
            "run": dataclasses.asdict(self.config.run),
            self.config.kind: dataclasses.asdict(self.learner.settings),
        }

    def _last_state(self) -> dict[str, Any] | None:
        """Of the newest checkpoint that can be read."""
        clean_up(self.out)
        clean_up(self._checkpoints)
        found = checkpoints(self._checkpoints)
        for path in found:
            try:
                return read_checkpoint(path)
            except MynaError as error:
                if path == found[-1]:
                    raise
                logging.getLogger("myna.training").warning("%s", error)
        return None

    def _check_alike(self, begun: Mapping[str, Any]) -> None:
        now = json.loads(json.dumps(dataclasses.asdict(self.config)))
        for name, value in begun.items():
            if name not in _MAY_CHANGE and value != now.get(name):
                raise UsageError(f"The training was begun with another {name}: resume with the configuration it had.")

    def _take_up(self, state: Mapping[str, Any]) -> None:
        self.learner.load_state_dict(state["learner"])
        self.best, self._seconds = state["best"], state["seconds"]
        self.score = state.get("score", self.best)
        self._judged_at = state.get("judged_at", -1)
        self._resumed_at = self.learner.steps_done

    @property
    def seconds(self) -> float:
        """That the training has taken, over all resumptions."""
        return self._seconds + time.perf_counter() - self._begun

    # The loop

    def run(self) -> bool:
        """Train until all steps are done, time is up, or somebody says stop; whether it came to its end.

        However it ends, there is a checkpoint of it, but where learning broke.

        Raises:
            BrokenError: a loss or gradient is not a number; the batch has been saved.
            MynaError: what was learnt cannot be written.
        """
        log = open_log(self.out, self.config, self._resumed_at)
        try:
            finished = self._loop(log)
            if finished:
                if self._judged_at != self.learner.steps_done:
                    self._evaluate(log)
                replace_folder(self.out / "final", self.learner.save)
            self._checkpoint()
            return finished
        except BrokenError as error:
            raise self._told_of(error) from error
        finally:
            log.close()

    def _loop(self, log: Loggers) -> bool:
        learner, run, logged = self.learner, self.config.run, self.learner.steps_done
        while not self._over():
            before = learner.steps_done
            self._meter.add(learner.step())
            if _passed(before, learner.steps_done, run.log_every):
                self._told = self._meter.told(learner.steps_done - logged) | self._clock()
                log.scalars(learner.steps_done, self._told)
                logged = learner.steps_done
            if _passed(before, learner.steps_done, run.evaluate_every):
                self._evaluate(log)
            if _passed(before, learner.steps_done, run.checkpoint_every):
                self._try_checkpoint()
            self._watch(self._status())
            if self._stop():
                return False
        return True

    def _over(self) -> bool:
        late = 0.0 < 60.0 * self.config.run.minutes <= self.seconds
        return late or self.learner.steps_done >= self.learner.total

    def _evaluate(self, log: Loggers) -> None:
        begun = time.perf_counter()
        figures = {**self.learner.evaluate(), **self._clock()}
        self.score, self._judged_at = figures["eval/score"], self.learner.steps_done
        log.scalars(self.learner.steps_done, figures)
        if figures["eval/score"] < self.best:
            self.best = figures["eval/score"]
            self._try(lambda: replace_folder(self.out / "best", lambda folder: self._save_best(folder, figures)))
        self._meter.spend("evaluate", time.perf_counter() - begun)
        if self.config.run.media and self.learner.shown and self._shows():
            self._show(log)

    def _shows(self) -> bool:
        """Whether this evaluation is one of those that are shown; the last one always is."""
        every = self.config.run.evaluate_every
        stride = max(1, math.ceil(self.learner.total / every / _MOST_SHOWN))
        return self._over() or self.learner.steps_done // every % stride == 0

    def _show(self, log: Loggers) -> None:
        begun, steps = time.perf_counter(), self.learner.steps_done
        self._try(lambda: self._media.write(steps, self.learner.shown, log))
        self._meter.spend("media", time.perf_counter() - begun)

    def _clock(self) -> dict[str, float]:
        """How far it is, and how fast it has been."""
        steps, seconds = self.learner.steps_done, self.seconds
        return {
            "time/total_timesteps": float(steps),
            "time/time_elapsed": seconds,
            "time/fps": steps / max(seconds, 1e-9),
        }

    def _save_best(self, folder: Path, figures: Mapping[str, float]) -> None:
        self.learner.save(folder)
        told = {"steps": self.learner.steps_done, **figures}
        write_atomic(folder / "evaluation.json", json.dumps(told, indent=1) + "\n")

    def _status(self) -> Status:
        rate = self._told.get("time/steps_per_s", 0.0)
        left = (self.learner.total - self.learner.steps_done) / rate if rate else math.inf
        if self.config.run.minutes:
            left = min(left, 60.0 * self.config.run.minutes - self.seconds)
        return Status(self.learner.steps_done, self.learner.total, rate, left, self._told)

    # Checkpoints

    def _try_checkpoint(self) -> None:
        begun = time.perf_counter()
        self._try(self._checkpoint)
        self._meter.spend("checkpoint", time.perf_counter() - begun)

    def _try(self, write: Callable[[], object]) -> None:
        """Training goes on where something cannot be written: the disk may have room again before the end."""
        try:
            write()
        except MynaError as error:
            self._unsaved.say(f"{error} The last good one is kept, and the training goes on.")
        else:
            self._unsaved.clear()

    def _checkpoint(self) -> None:
        state = {
            "learner": self.learner.state_dict(),
            "config": dataclasses.asdict(self.config),
            "best": self.best,
            "score": self.score,
            "judged_at": self._judged_at,
            "seconds": self.seconds,
        }
        write_checkpoint(self._checkpoints, self.learner.steps_done, state, self.learner.save)

    def _told_of(self, error: BrokenError) -> BrokenError:
        """The error with what became of its batch."""
        folder = self.out / "broken"
        try:
            write_tensors(make_folder(folder) / "batch.safetensors", error.batch)
            kept = f"the batch is in {printable(str(folder))}"
        except (OSError, MynaError) as failure:
            kept = f"the batch could not be saved ({failure})"
        return BrokenError(
            f"{str(error).rstrip('.')}: {kept}; go on from the last checkpoint, more slowly.", error.batch
        )


def _passed(before: int, after: int, every: int) -> bool:
    """Whether a multiple of `every` was reached."""
    return before // every != after // every
