"""`myna resume`: go on with a training from its last checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from myna.cli.arguments import Argument, Flag, named, parse
from myna.cli.messages import shown
from myna.cli.train import drive
from myna.errors import MynaError

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """Go on with a training from its last checkpoint, with the configuration that it has.

    Example: myna resume out/train --override run.steps=200000
    """

    folder: Annotated[str, Argument, named("DIR")]
    """the folder of the training, the --out of `myna train`"""
    override: Annotated[tuple[str, ...], named("KEY=VALUE")] = ()
    """settings to change: of run (how long, how often) and device"""
    quiet: Flag = False
    """say nothing while it runs"""
    json: Flag = False
    """print how it ended as JSON"""


def run(argv: list[str]) -> int:
    """Go on; 0 if it came to its end, 128 and the signal's number if one stopped it."""
    options = parse(Options, "myna resume", argv)
    from pathlib import Path

    from myna.training.checkpoint import checkpoints
    from myna.training.config import read_config

    folder = Path(options.folder)
    config = read_config(folder, options.override)
    if not checkpoints(folder / "checkpoints"):
        raise MynaError(f"{shown(options.folder)} holds no checkpoint yet: begin again with `myna train --resume`.")
    return drive(config, options.folder, resume=True, quiet=options.quiet, as_json=options.json)
