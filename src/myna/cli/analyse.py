"""`myna analyse`: what a sound is like, in words, as JSON and as a picture."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from myna.cli.arguments import Argument, Flag, named, number, parse
from myna.cli.messages import print_json, shown
from myna.rounding import rounded

if TYPE_CHECKING:
    from myna.analysis.sound import Sound

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """Show what a sound is like: level, loudness, pitch, envelope, brightness, noisiness, stereo width.

    Example: myna analyse trumpet.wav --plot trumpet.png
    """

    file: Annotated[str, Argument, named("FILE")]
    """the recording: WAV, FLAC, OGG, AIFF or MP3"""
    note: Annotated[float | None, number(0, 127, auto=True)] = None
    """MIDI note, or heard from the sound"""
    plot: Annotated[str | None, named("FILE.png")] = None
    """draw waveform, spectrogram, loudness and brightness into this file"""
    json: Flag = False
    """print the numbers as JSON"""


def run(argv: list[str]) -> int:
    """Analyse one file and tell; 0 if all went well."""
    options = parse(Options, "myna analyse", argv)
    from myna.analysis.sound import analyse_file
    from myna.analysis.text import describe

    sound = analyse_file(options.file, options.note)
    if options.plot is not None:
        _write_plot(sound, options.plot)
    if options.json:
        summary = {"file": options.file, **dataclasses.asdict(sound.summary), "plot": options.plot}
        print_json(rounded(summary))
    else:
        print(describe(sound.summary))
        if options.plot is not None:
            print(f"  {'picture':<11}{shown(os.fspath(options.plot))}")
    return 0


def _write_plot(sound: Sound, path: str) -> None:
    from myna.analysis.plot import plot_sound
    from myna.files import make_folder, write_atomic

    make_folder(Path(path).parent)
    write_atomic(path, plot_sound(sound))
