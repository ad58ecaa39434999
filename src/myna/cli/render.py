"""`myna render`: play a preset into an audio file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from myna.cli.arguments import Argument, Flag, named, number, parse, whole
from myna.cli.messages import print_json, say, shown

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """Play a preset into a WAV file.

    Example: myna render "Felt Upright" --out piano.wav --note 48
    """

    preset: Annotated[str, Argument, named("PRESET")]
    """a preset file, or the name of a factory preset"""
    out: Annotated[str, named("FILE.wav")]
    """the file to write"""
    note: Annotated[float, number(0, 127)] = 60.0
    """MIDI note, 60 is middle C"""
    velocity: Annotated[float, number(1, 127)] = 100.0
    """how hard the key is struck, 1 to 127"""
    gate: Annotated[float, number(0.001, 60)] = 0.8
    """seconds the key is held"""
    total: Annotated[float, number(0.001, 60)] = 1.5
    """seconds in all"""
    sample_rate: Annotated[int, whole(8000, 192_000)] = 44_100
    """Hz"""
    json: Flag = False
    """print the result as JSON"""


def run(argv: list[str]) -> int:
    """Render one preset file, or a factory preset by name, and say where the sound is; 0 if all went well."""
    options = parse(Options, "myna render", argv)
    summary = _render(options)
    if options.json:
        print_json(summary)
    else:
        print(_text(summary))
    return 0


def _render(options: Options) -> dict[str, Any]:
    import numpy as np

    from myna.audio.loudness import loudness_lufs
    from myna.files import make_folder, write_atomic
    from myna.render import encode_sound, find_preset, render_preset
    from myna.synth.base import Probe
    from myna.units import gain_to_db

    preset = find_preset(options.preset)
    make_folder(Path(options.out).parent)
    probe = Probe(options.note, options.velocity, options.gate, options.total)
    audio = render_preset(preset, probe, options.sample_rate)
    write_atomic(options.out, encode_sound(audio, options.sample_rate))
    peak = float(np.abs(audio).max(initial=0.0))
    if peak == 0.0:
        say("the sound is silent: try another note or a longer --total.")
    return {
        "preset": options.preset,
        "name": preset.name,
        "synth": preset.synth,
        "note_midi": probe.note_midi,
        "velocity": probe.velocity,
        "gate_s": probe.gate_s,
        "total_s": probe.total_s,
        "sample_rate": options.sample_rate,
        "peak_db": round(float(gain_to_db(peak)), 2),
        "loudness_lufs": round(loudness_lufs(audio, options.sample_rate), 2),
        "audio": os.fspath(options.out),
    }


def _text(summary: dict[str, Any]) -> str:
    return (
        f"{shown(summary['name'])}: note {summary['note_midi']:g}, {summary['total_s']:g} s, "
        f"peak {summary['peak_db']:.1f} dB → {shown(summary['audio'])}"
    )
