"""`myna train`: teach a policy, a regression or a cloning, and keep the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from myna.cli.arguments import Flag, named, parse
from myna.cli.messages import say, shown

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """Train an agent as a configuration says."""

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


def run(argv: list[str]) -> int:
    """Train; 0 if it came to its end, 128 and the signal's number if one stopped it."""
    options = parse(Options, "myna train", argv)
    from pathlib import Path

    from myna.cli.train_progress import open_progress
    from myna.training.config import load_config
    from myna.training.run import Training
    from myna.training.signals import Stop

    config = load_config(options.config, options.override)
    with Stop() as stop, open_progress(options.quiet) as progress:
        training = Training(config, Path(options.out), resume=options.resume, watch=progress.update, stop=stop)
        training.run()
    steps, out = f"{training.learner.steps_done:,} steps", shown(options.out)
    if stop.signal is not None:
        say(f"stopped by {stop.signal.name} after {steps}: go on with --resume; the checkpoint is in {out}.")
        return 128 + stop.signal
    print(f"{steps} in {training.seconds / 60:.1f} minutes, best score {training.best:.4f}: {out}/best")
    return 0
