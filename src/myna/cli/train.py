"""`myna train`: teach a policy, a regression or a cloning, and keep the best."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

from myna.cli.arguments import Flag, named, parse
from myna.cli.messages import shown

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
    quiet: Flag = False
    """say nothing while it runs"""


def run(argv: list[str]) -> int:
    """Train; 0 if it came to its end."""
    options = parse(Options, "myna train", argv)
    from pathlib import Path

    from myna.cli.train_progress import open_progress
    from myna.training.config import load_config
    from myna.training.run import Training

    config = load_config(options.config, options.override)
    with open_progress(options.quiet) as progress:
        training = Training(config, Path(options.out), progress.update)
        training.run()
    print(f"{training.learner.steps_done:,} steps; the best is in {shown(options.out)}/best", file=sys.stdout)
    return 0
