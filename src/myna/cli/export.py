"""`myna export`: presets into a folder of sounds, for demos and sample packs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated, Any

from myna.cli.arguments import UNSAID, Argument, Flag, chosen, named, names, number, one_or_more, parse, whole
from myna.cli.messages import print_json, shown

__all__ = ["Options", "run"]

FORMATS = ("wav", "wav-float", "flac")
LEVELS = ("as-is", "peak", "loudness")


@dataclass(frozen=True)
class Options:
    """Play presets into a folder of sounds, with a page that shows them. What is there already is not played again.

    Example: myna export "Felt Upright" mine.json --notes 36,48,60 --level peak --out out/pack
    """

    presets: Annotated[tuple[str, ...], Argument, one_or_more("PRESET…"), UNSAID]
    """preset files, or names of factory presets"""
    out: Annotated[str, named("DIR")]
    """the folder"""
    notes: Annotated[tuple[str, ...], names("MIDI,…")] = ("60",)
    """MIDI notes that each preset is played at (default 60)"""
    velocities: Annotated[tuple[str, ...], names("NUMBER,…")] = ("100",)
    """1 to 127 (default 100)"""
    gate: Annotated[float, number(0.001, 60)] = 0.8
    """seconds the key is held"""
    total: Annotated[float, number(0.001, 60)] = 1.5
    """seconds in all"""
    sample_rate: Annotated[int, whole(8000, 192_000)] = 44_100
    """Hz"""
    format: Annotated[str, chosen(FORMATS)] = "wav"
    """16 bits, 32-bit float, or FLAC of 24 bits"""
    level: Annotated[str, chosen(LEVELS)] = "as-is"
    """as it is, peaks at -1 dBFS, or loudness at -18 LUFS"""
    pattern: Annotated[str, named("TEXT")] = "{name} {note}"
    """names of the files, of {number} {name} {category} {author} {synth} {note} {midi} {velocity}"""
    no_sheet: Flag = False
    """write no page"""
    quiet: Flag = False
    """say nothing while it runs"""
    json: Flag = False
    """print what is there as a JSON array"""


def run(argv: list[str]) -> int:
    """Export; 0."""
    options = parse(Options, "myna export", argv)
    from dataclasses import asdict

    from myna.exporting import ExportSettings, export
    from myna.render import find_preset

    settings = ExportSettings(
        _numbers("--notes", options.notes),
        _numbers("--velocities", options.velocities),
        options.gate,
        options.total,
        options.sample_rate,
        options.format,
        options.level,
        options.pattern,
        not options.no_sheet,
    )
    settings.probes()  # refuses what cannot be played before anything is read
    presets = [find_preset(name) for name in options.presets]
    found = export(presets, options.out, settings, progress=None if options.quiet else _say)
    if options.json:
        print_json([asdict(one) for one in found])
    else:
        print(f"{len(found)} sounds → {shown(options.out)}")
    return 0


def _numbers(flag: str, words: tuple[str, ...]) -> tuple[float, ...]:
    from myna.errors import UsageError, printable

    try:
        return tuple(float(word) for word in words)
    except ValueError:
        raise UsageError(
            f"{flag}: '{printable(','.join(words), 60)}' are not numbers: see `myna export --help`."
        ) from None


def _say(done: int, total: int) -> Any:
    """A line at every quarter."""
    if total >= 8 and (done * 4) // total > ((done - 1) * 4) // total:
        print(f"{done} of {total} sounds", file=sys.stderr, flush=True)
