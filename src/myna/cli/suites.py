"""`myna suites`: list, show, render and check the frozen lists of targets that agents are judged on."""

from __future__ import annotations

import functools
import operator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from myna.cli.arguments import UNSAID, Argument, Flag, chosen, named, parse
from myna.cli.messages import print_json, unknown
from myna.errors import MynaError, UsageError
from myna.evaluation.suites import SUITES, load_suite, verify_suite
from myna.evaluation.suites.frozen import FrozenSet
from myna.evaluation.suites.sets import RecordingSet
from myna.files import make_folder

__all__ = ["run"]

Suite = Annotated[str, Argument, chosen(SUITES)]


@dataclass(frozen=True)
class List:
    """List the suites.

    Example: myna suites list
    """

    json: Flag = False
    """print a JSON array"""

    def run(self) -> int:
        """Print a line each; 0."""
        found = [_about(name) for name in SUITES]
        if self.json:
            print_json(found)
        for one in [] if self.json else found:
            print(f"{one['name']:<8} {one['targets']:>3}  {one['about']}")
        return 0


@dataclass(frozen=True)
class Show:
    """Show the targets of a suite: what is played, and of presets what differs from the defaults.

    Example: myna suites show stage-2
    """

    suite: Suite
    """which"""
    json: Flag = False
    """print JSON"""

    def run(self) -> int:
        """Print it; 0."""
        suite = load_suite(self.suite)
        targets = _presets(suite) if isinstance(suite, FrozenSet) else _recordings(suite)
        if self.json:
            print_json({**_about(self.suite), "items": targets})
            return 0
        for one in targets:
            what = f"{len(one['values'])} knobs turned, {one['prior']}" if "values" in one else one["instrument"]
            print(f"{one['name']:<28} note {one['note_midi']:g}, held {one['gate_s']:.3f} s  {what}")
        return 0


@dataclass(frozen=True)
class Render:
    """Write the sounds of a suite, and the presets that made them where there are some.

    Example: myna suites render stage-2 --out out/stage-2
    """

    suite: Suite
    """which"""
    out: Annotated[str, named("DIR")]
    """where the files go; those of the same name are overwritten"""
    json: Flag = False
    """print the files as a JSON array"""

    def run(self) -> int:
        """Write NAME.wav and NAME.json; 0."""
        from myna.audio.wav import write_wav
        from myna.presets import save_preset
        from myna.synth.renderer import Renderer

        suite, folder, renderer = load_suite(self.suite), make_folder(self.out), Renderer()
        written: list[Path] = []
        for index in range(len(suite)):
            target = suite.target(index, renderer)
            written.append(folder / f"{target.name}.wav")
            write_wav(written[-1], target.audio, target.sample_rate)
            if isinstance(suite, FrozenSet):
                written.append(folder / f"{target.name}.json")
                save_preset(suite.preset(index), written[-1])
        if self.json:
            print_json([str(path) for path in written])
        else:
            print(f"{len(suite)} sounds of {self.suite} in {folder}")
        return 0


@dataclass(frozen=True)
class Verify:
    """Check that suites are those that were frozen, file by file.

    Example: myna suites verify
    """

    suites: Annotated[tuple[str, ...], Argument, UNSAID] = ()
    """which; all, where none is named"""
    json: Flag = False
    """print the verdicts as a JSON array"""

    def run(self) -> int:
        """0 if all are sound, else the code of a failure."""
        verdicts = [_verdict(name) for name in self.suites or SUITES]
        if self.json:
            print_json(verdicts)
        for one in [] if self.json else verdicts:
            print(f"{one['name']}: {one['error'] or 'ok'}")
        return 0 if all(one["ok"] for one in verdicts) else MynaError.exit_code


VERBS = {"list": List, "show": Show, "render": Render, "verify": Verify}
OPTIONS = functools.reduce(
    operator.or_, (Annotated[options, tyro.conf.subcommand(verb)] for verb, options in VERBS.items())
)


ABOUT = """The frozen lists of targets that agents are judged on, so that everyone compares the same.

Example: myna suites show stage-1"""


def run(argv: list[str]) -> int:
    """Run one of the four and return the exit code."""
    if argv and argv[0] in VERBS:
        return parse(VERBS[argv[0]], f"myna suites {argv[0]}", argv[1:]).run()
    if argv and not argv[0].startswith("-"):
        raise UsageError(unknown("verb", argv[0], [*VERBS]))
    return parse(OPTIONS, "myna suites", argv, ABOUT).run()  # its help, or what is missing


def _about(name: str) -> dict[str, Any]:
    suite = load_suite(name)
    return {"name": name, "targets": len(suite), "about": suite.about}


def _presets(suite: FrozenSet) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "prior": one.prior, **asdict(one.probe), "values": dict(one.values)} for one in suite.targets
    ]


def _recordings(suite: RecordingSet) -> list[dict[str, Any]]:
    return [
        {"name": one.path.stem, "instrument": one.instrument, "note_midi": one.note_midi, "gate_s": one.gate_s}
        for one in suite.recordings
    ]


def _verdict(name: str) -> dict[str, Any]:
    if name not in SUITES:
        raise UsageError(unknown("suite", name, SUITES))
    try:
        verify_suite(name)
    except MynaError as error:
        return {"name": name, "ok": False, "error": str(error)}
    return {"name": name, "ok": True, "error": None}
