"""`myna match`: recordings in, presets out, with a report for each."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from myna.cli.arguments import Parser, number_or_auto, shown, whole
from myna.cli.match_files import open_out, safe_stems, write_match
from myna.cli.match_progress import open_progress
from myna.errors import MynaError, UsageError

__all__ = ["run"]

AGENTS = ("auto", "random", "retrieval", "cma-es", "retrieval+cma-es")
INTERRUPTED = 130


def run(argv: list[str]) -> int:
    """Match every file and return the exit code.

    0 if all went well, 3 if a file could not be used (the others still run), 130 after Ctrl-C, with what
    was found until then written; a second Ctrl-C stops at once.
    """
    options = _parser().parse_args(argv)
    with _Interrupt() as interrupt:
        out = open_out(options.out)
        settings = _settings(options)
        summaries, code = _match_all(options, settings, out, interrupt)
    if options.json and (summaries or len(options.files) > 1):
        print(json.dumps(summaries[0] if len(options.files) == 1 else summaries, indent=2))
    return INTERRUPTED if interrupt.asked else code


def _parser() -> Parser:
    parser = Parser("myna match", "Find presets that sound like recordings: one note per file.")
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="recordings: WAV, FLAC, OGG, AIFF or MP3")
    add(
        "--synth",
        default="serum-lite",
        choices=["serum-lite"],
        help="the synth to program (default serum-lite)",
    )
    add("--agent", default="auto", choices=AGENTS, metavar="AGENT", help=f"one of {', '.join(AGENTS)}")
    add("--budget", type=whole(1, 1_000_000), default=1000, help="renders per file (default 1000)")
    add(
        "--note",
        type=number_or_auto(0, 127),
        default=None,
        help="MIDI note, or auto (default): heard from the sound",
    )
    add(
        "--gate",
        type=number_or_auto(0.001, 60),
        default=None,
        help="seconds the key is held, or auto (default)",
    )
    add("--seed", type=whole(0, 2**63 - 1), default=0, help="the same seed gives the same result (default 0)")
    add("--top", type=whole(1, 20), default=4, help="presets to keep, the best included (default 4)")
    add(
        "--lock",
        type=_modules,
        default=(),
        metavar="MODULE,…",
        help="modules to leave as they are in --start",
    )
    add("--start", metavar="PRESET", help="a preset file or factory preset to start from")
    add(
        "--out",
        default="out/match",
        metavar="DIR",
        help="a folder per file is made in it (default out/match)",
    )
    add(
        "--json",
        action="store_true",
        help="print the results as JSON: an object, or an array for several files",
    )
    add("--quiet", action="store_true", help="no progress")
    return parser


def _modules(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise argparse.ArgumentTypeError("name at least one module")
    return names


def _settings(options: argparse.Namespace) -> Any:
    """Check what can be checked before any work, and gather the settings."""
    if options.lock and not options.start:
        raise UsageError("--lock needs a preset to keep the modules of: give one with --start.")
    from myna.matching import MatchSettings
    from myna.render import find_preset
    from myna.synth.registry import synth_table

    start = find_preset(options.start, options.synth) if options.start else None
    synth_table(options.synth).mask(options.lock)
    return MatchSettings(
        synth=options.synth,
        agent=options.agent,
        budget=options.budget,
        seed=options.seed,
        top=options.top,
        lock=options.lock,
        start=start,
    )


def _match_all(
    options: argparse.Namespace, settings: Any, out: Path, interrupt: _Interrupt
) -> tuple[list[dict[str, Any]], int]:
    """Match file after file; a bad one is named on stderr and the next one runs."""
    summaries: list[dict[str, Any]] = []
    code = 0
    for path, stem in zip(options.files, safe_stems(options.files), strict=True):
        if interrupt.asked:
            break
        try:
            summary = _match_one(path, out / stem, options, settings, interrupt)
        except MynaError as error:
            if len(options.files) == 1:
                raise
            print(f"myna: {' '.join(str(error).split())}", file=sys.stderr)
            code = MynaError.exit_code
            continue
        summaries.append(summary)
        if not options.json:
            print(_text(summary), flush=True)
    return summaries, code


def _match_one(
    path: str, folder: Path, options: argparse.Namespace, settings: Any, interrupt: _Interrupt
) -> dict[str, Any]:
    from myna.audio.target import target_from_file
    from myna.matching import match_target

    target = target_from_file(path, note=options.note, gate=options.gate)
    with open_progress(target.name, options.quiet) as progress:
        result = match_target(target, settings, progress=progress.update, stop=interrupt)
    return write_match(result, folder, path, interrupt.asked)


class _Interrupt:
    """Turns the first Ctrl-C into a question that the search asks; the second one stops at once."""

    def __init__(self) -> None:
        self.asked = False
        self._before: Callable[[int, FrameType | None], Any] | int | None = None

    def __enter__(self) -> _Interrupt:
        # Signals belong to the main thread; elsewhere somebody else handles them.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def __call__(self) -> bool:
        return self.asked

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print("myna: stopping and keeping the best so far (again to stop at once).", file=sys.stderr, flush=True)


def _text(summary: dict[str, Any]) -> str:
    """The result for a person, one short block."""
    name = shown(Path(summary["target"]).name)
    cut = ", cut short" if summary["interrupted"] else ""
    lines = [
        f"{name}: {summary['similarity_percent']:.0f} % similar, loss {summary['loss']:.3f}",
        f"  note {summary['note_midi']:g}, gate {summary['gate_s']:.2f} s, "
        f"{summary['renders']} renders in {summary['seconds']:.1f} s{cut}",
        f"  {shown(summary['preset'])}",
        f"  {shown(summary['report'])}",
    ]
    return "\n".join(lines + [f"  note: {warning}" for warning in summary["warnings"]])
