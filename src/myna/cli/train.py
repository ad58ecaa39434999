"""`myna train`: teach a policy, a regression or a cloning, and keep the best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from myna.cli.arguments import Flag, named, parse
from myna.cli.messages import print_json, say, shown
from myna.cli.progress import Told, each_minute, open_progress
from myna.rounding import rounded

if TYPE_CHECKING:
    from myna.training.config import TrainConfig
    from myna.training.run import Status

__all__ = ["Options", "drive", "run", "told_of"]


@dataclass(frozen=True)
class Options:
    """Train an agent as a configuration says.

    Example: myna train --config smoke --out out/smoke --override run.steps=2000 seed=1
    """

    config: Annotated[str, named("NAME")] = "laptop"
    """of a configuration that comes with myna (smoke, laptop, gpu), or a TOML file (default laptop)"""
    out: Annotated[str, named("DIR")] = "out/train"
    """the folder for log, checkpoints and what was learnt (default out/train)"""
    override: Annotated[tuple[str, ...], named("KEY=VALUE")] = ()
    """settings to change, such as run.steps=100000"""
    resume: Flag = False
    """go on from the last checkpoint in the folder, with the configuration that the training has"""
    quiet: Flag = False
    """say nothing while it runs"""
    json: Flag = False
    """print how it ended as JSON"""


def run(argv: list[str]) -> int:
    """Train; 0 if it came to its end, 128 and the signal's number if one stopped it."""
    options = parse(Options, "myna train", argv)
    from myna.training.config import load_config

    config = load_config(options.config, options.override)
    return drive(config, options.out, resume=options.resume, quiet=options.quiet, as_json=options.json)


def drive(config: TrainConfig, folder: str, *, resume: bool, quiet: bool, as_json: bool) -> int:
    """Run a training, show how it goes, and tell how it ended; the exit code, see `run`."""
    from pathlib import Path

    from myna.training.run import Training
    from myna.training.signals import Stop

    with Stop() as stop, open_progress(quiet, each_minute()) as progress:
        training = Training(
            config, Path(folder), resume=resume, watch=lambda status: progress.update(told_of(status)), stop=stop
        )
        training.run()
    told = {
        "out": folder,
        "finished": stop.signal is None,
        "steps": training.learner.steps_done,
        "minutes": training.seconds / 60.0,
        "best_score": training.best if math.isfinite(training.best) else None,
    }
    if as_json:
        print_json(rounded(told))
    elif stop.signal is None:
        minutes = f"{told['steps']:,} steps in {told['minutes']:.1f} minutes"
        print(f"{minutes}, best score {training.best:.4f}: {shown(folder)}/best")
    if stop.signal is None:
        return 0
    say(f"stopped by {stop.signal.name} after {told['steps']:,} steps: go on with `myna resume {shown(folder)}`.")
    return 128 + stop.signal


def told_of(status: Status) -> Told:
    """Where a training stands, for its progress."""
    words = [f"{status.steps_done:,} of {status.total:,} steps", f"{status.steps_per_s:.0f} steps/s"]
    if "curriculum/stage" in status.figures:
        words.append(f"stage {status.figures['curriculum/stage']:.0f}")
    for name in ("match/best_loss", "train/loss"):
        if name in status.figures:
            words.append(f"loss {status.figures[name]:.3f}")
    return Told("training", status.steps_done, status.total, ", ".join(words))
