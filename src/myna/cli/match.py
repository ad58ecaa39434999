"""`myna match`: recordings in, presets out, with a report for each."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

from myna.agents.registry import AGENTS
from myna.cli.arguments import UNSAID, Argument, Flag, chosen, named, names, number, one_or_more, parse, whole
from myna.cli.folders import open_out
from myna.cli.messages import print_json, say, shown
from myna.cli.progress import BANK, Told, each_quarter, open_progress
from myna.errors import MynaError, UsageError
from myna.files import safe_stems
from myna.match_files import write_match
from myna.provenance import write_run
from myna.synth.registry import SYNTHS

__all__ = ["Options", "run"]

INTERRUPTED = 130


@dataclass(frozen=True)
class Options:
    """Find presets that sound like recordings: one note per file.

    Example: myna match trumpet.wav --budget 2000 --out out/trumpet
    """

    files: Annotated[tuple[str, ...], Argument, one_or_more("FILE…"), UNSAID]
    """recordings: WAV, FLAC, OGG, AIFF or MP3"""
    synth: Annotated[str, chosen(tuple(SYNTHS))] = "serum-lite"
    """the synth to program"""
    agent: Annotated[str, chosen(tuple(AGENTS))] = "auto"
    """the method that searches"""
    budget: Annotated[int, whole(1, 1_000_000)] = 1000
    """renders per file"""
    note: Annotated[float | None, number(0, 127, auto=True)] = None
    """MIDI note, or heard from the sound"""
    gate: Annotated[float | None, number(0.001, 60, auto=True)] = None
    """seconds the key is held, or heard from the sound"""
    seed: Annotated[int, whole(0, 2**63 - 1)] = 0
    """the same seed gives the same result"""
    top: Annotated[int, whole(1, 20)] = 4
    """presets to keep, the best included"""
    lock: Annotated[tuple[str, ...], names("MODULE,…"), UNSAID] = ()
    """modules to leave as they are in --start"""
    start: Annotated[str | None, named("PRESET")] = None
    """a preset file or factory preset to start from"""
    out: Annotated[str, named("DIR")] = "out/match"
    """a folder for each file is made in it (default out/match)"""
    json: Flag = False
    """print the results as JSON: an object, or an array for several files"""
    quiet: Flag = False
    """no progress"""


def run(argv: list[str]) -> int:
    """Match every file and return the exit code.

    0 if all went well, 3 if a file could not be used (the others still run), 130 after Ctrl-C, with what
    was found until then written; a second Ctrl-C stops at once.
    """
    options = parse(Options, "myna match", argv)
    with _Interrupt() as interrupt:
        out = open_out(options.out)
        settings = _settings(options)
        summaries, code = _match_all(options, settings, out, interrupt)
    if options.json and (summaries or len(options.files) > 1):
        print_json(summaries[0] if len(options.files) == 1 else summaries)
    return INTERRUPTED if interrupt.asked else code


def _settings(options: Options) -> Any:
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


def _match_all(options: Options, settings: Any, out: Path, interrupt: _Interrupt) -> tuple[list[dict[str, Any]], int]:
    """Match file after file; a bad one is named on stderr and the next one runs."""
    summaries: list[dict[str, Any]] = []
    code = 0
    for path, stem in zip(options.files, safe_stems(Path(path).stem for path in options.files), strict=True):
        if interrupt.asked:
            break
        try:
            summary = _match_one(path, out / stem, options, settings, interrupt)
        except MynaError as error:
            if len(options.files) == 1:
                raise
            say(error)
            code = MynaError.exit_code
            continue
        summaries.append(summary)
        if not options.json:
            print(_text(summary), flush=True)
    return summaries, code


def _match_one(path: str, folder: Path, options: Options, settings: Any, interrupt: _Interrupt) -> dict[str, Any]:
    from myna.audio.target import target_from_file
    from myna.matching import match_target

    target = target_from_file(path, note=options.note, gate=options.gate)
    with open_progress(options.quiet, each_quarter()) as progress:

        def searching(renders: int, budget: int, best_loss: float) -> None:
            progress.update(
                Told(target.name, renders, budget, f"{renders} of {budget} renders, best loss {best_loss:.3f}")
            )

        def preparing(done: int, total: int) -> None:
            if interrupt.asked:  # nothing has been found yet that could be kept
                raise KeyboardInterrupt
            progress.update(Told(BANK, done, total, f"{done} of {total}"))

        progress.update(Told(target.name, 0, settings.budget, "searching"))
        result = match_target(target, settings, progress=searching, stop=interrupt, preparing=preparing)
    summary = write_match(result, folder, path, interrupt.asked)
    write_run(folder, "match", {**asdict(options), "files": [path]})
    return summary


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
        with contextlib.suppress(RuntimeError):  # it may come in the middle of another print
            say("stopping and keeping the best so far (again to stop at once).")


def _text(summary: dict[str, Any]) -> str:
    """The result for a person, one short block."""
    name = shown(Path(summary["target"]).name)
    cut = ", cut short" if summary["interrupted"] else ""
    loss = "none, stopped before the first render" if summary["loss"] is None else f"{summary['loss']:.3f}"
    lines = [
        f"{name}: {summary['similarity_percent']:.0f} % similar, loss {loss}",
        f"  note {summary['note_midi']:g}, gate {summary['gate_s']:.2f} s, "
        f"{summary['renders']} renders in {summary['seconds']:.1f} s{cut}",
        f"  {shown(summary['preset'])}",
        f"  {shown(summary['report'])}",
    ]
    return "\n".join(lines + [f"  note: {warning}" for warning in summary["warnings"]])
