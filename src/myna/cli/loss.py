"""`myna loss`: how far a sound is from another, and why."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated

from myna.cli.arguments import Argument, Flag, named, parse
from myna.cli.messages import print_json
from myna.rounding import rounded

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """Tell how far a sound is from a target: two audio files, neither trimmed nor brought to one level.

    Example: myna loss mine.wav trumpet.wav --explain
    """

    sound: Annotated[str, Argument, named("SOUND")]
    """the recording that is judged (play a preset into a file with `myna render`)"""
    target: Annotated[str, Argument, named("TARGET")]
    """the recording that it should sound like; the shorter of the two is filled up with silence"""
    explain: Flag = False
    """show how each part comes about: weight, raw value and scale"""
    json: Flag = False
    """print everything as JSON"""


def run(argv: list[str]) -> int:
    """Compare two files and tell; 0 if all went well."""
    options = parse(Options, "myna loss", argv)
    from myna.analysis.compare import compare_files
    from myna.analysis.text import describe_comparison

    comparison = compare_files(options.sound, options.target)
    if options.json:
        files = {"sound": options.sound, "target": options.target}
        print_json(rounded(dataclasses.asdict(comparison) | files))
    else:
        print(describe_comparison(comparison, explain=options.explain))
    return 0
