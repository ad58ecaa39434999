"""`myna render`: play a preset into an audio file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from myna.cli.arguments import Parser, number, shown, whole
from myna.errors import MynaError

__all__ = ["run"]


def run(argv: list[str]) -> int:
    """Render one preset file, or a factory preset by name, and say where the sound is; 0 if all went well."""
    options = _parser().parse_args(argv)
    summary = _render(options)
    print(json.dumps(summary, indent=2) if options.json else _text(summary))
    return 0


def _parser() -> Parser:
    parser = Parser("myna render", "Play a preset into a WAV file.")
    parser.add_argument("preset", metavar="PRESET", help="a preset file, or the name of a factory preset")
    parser.add_argument("--note", type=number(0, 127), default=60.0, help="MIDI note, 60 is middle C")
    parser.add_argument("--velocity", type=number(1, 127), default=100.0, help="1 to 127 (default 100)")
    parser.add_argument("--gate", type=number(0.001, 60), default=0.8, help="seconds the key is held (default 0.8)")
    parser.add_argument("--total", type=number(0.001, 60), default=1.5, help="seconds in all (default 1.5)")
    parser.add_argument("--sample-rate", type=whole(8000, 192_000), default=44_100, help="Hz (default 44100)")
    parser.add_argument("--out", metavar="FILE.wav", required=True, help="the file to write")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _render(options: argparse.Namespace) -> dict[str, Any]:
    import numpy as np

    from myna.audio.loudness import loudness_lufs
    from myna.files import write_atomic
    from myna.render import encode_sound, find_preset, render_preset
    from myna.synth.base import Probe
    from myna.units import gain_to_db

    preset = find_preset(options.preset)
    _make_folder(Path(options.out).parent)
    probe = Probe(options.note, options.velocity, options.gate, options.total)
    audio = render_preset(preset, probe, options.sample_rate)
    write_atomic(options.out, encode_sound(audio, options.sample_rate))
    peak = float(np.abs(audio).max(initial=0.0))
    if peak == 0.0:
        print("myna: the sound is silent: try another note or a longer --total.", file=sys.stderr)
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


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MynaError(f"cannot make the folder {folder}: {reason}: choose another --out.") from error


def _text(summary: dict[str, Any]) -> str:
    return (
        f"{shown(summary['name'])}: note {summary['note_midi']:g}, {summary['total_s']:g} s, "
        f"peak {summary['peak_db']:.1f} dB → {shown(summary['audio'])}"
    )
