"""The `myna` command: finds the verb, runs it, and turns errors into one line and an exit code.

Exit codes: 0 ok, 2 usage, 3 bad input, 4 incompatible version, 5 backend failed, 128 + n ended by signal n (130:
Ctrl-C), 141 the reader of our output went away.
Nothing but the standard library is imported here, so that `--help` answers at once; a verb loads when called.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence

from myna import __version__
from myna.cli.messages import say, unknown
from myna.errors import MynaError, UsageError

__all__ = ["VERBS", "main"]

VERBS: dict[str, tuple[str, str]] = {
    "match": ("myna.cli.match:run", "recording in, preset out"),
    "presets": ("myna.cli.presets:run", "list, show, validate and generate presets"),
    "app": ("myna.cli.app:run", "play, match and compare in the browser"),
    "library": ("myna.cli.library:run", "keep presets, and find them by words, tags or sound"),
    "render": ("myna.cli.render:run", "play a preset into an audio file"),
    "export": ("myna.cli.export:run", "play presets into a folder of sounds"),
    "analyse": ("myna.cli.analyse:run", "show what a sound is like"),
    "loss": ("myna.cli.loss:run", "tell how far a sound is from another, and why"),
    "play": ("myna.cli.play:run", "play an episode of the environment and show it"),
    "train": ("myna.cli.train:run", "teach an agent, and keep the best"),
    "resume": ("myna.cli.resume:run", "go on with a training that was stopped"),
    "ablate": ("myna.cli.ablate:run", "tell what each part of the training is worth"),
    "collect": ("myna.cli.collect:run", "make a data set to train on"),
    "evaluate": ("myna.cli.evaluate:run", "compare agents on frozen suites at equal budgets"),
    "suites": ("myna.cli.suites:run", "list, show, render and check the frozen lists of targets"),
    "listen": ("myna.cli.listen:run", "make a blind listening test, and count its votes"),
    "bench": ("myna.cli.bench:run", "list and run the benchmarks of a checkout"),
    "completion": ("myna.cli.completion:run", "print the script by which a shell completes all this"),
    "doctor": ("myna.cli.doctor:run", "tell what is installed and what is missing, and check that all works"),
}
"""Verb → ("module:function", what it does); a new verb is one file and one line here."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        argv: The arguments after the program's name; those of the process if absent.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()  # a reader that has gone shows here, not after the last handler
        return code
    except MynaError as error:
        say(error)
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted.")
        return 130
    except BrokenPipeError:
        return _leave_pipe()


def _dispatch(arguments: list[str]) -> int:
    try:
        return _run(arguments)
    except SystemExit as stop:  # how tyro ends after --help
        if isinstance(stop.code, str):
            raise UsageError(stop.code) from stop
        return stop.code or 0


def _run(arguments: list[str]) -> int:
    if not arguments:
        print(_help(), file=sys.stderr)
        return UsageError.exit_code
    first, rest = arguments[0], arguments[1:]
    if first in ("-h", "--help", "help"):
        print(_help())
        return 0
    if first in ("-V", "--version"):
        print(f"myna {__version__}")
        return 0
    return _load(first)(rest)


def _load(verb: str) -> Callable[[list[str]], int]:
    if verb not in VERBS:
        option = verb.startswith("-")
        raise UsageError(
            unknown("option", verb, ["--help", "--version"]) if option else unknown("verb", verb, [*VERBS])
        )
    module, function = VERBS[verb][0].split(":")
    return getattr(importlib.import_module(module), function)


def _help() -> str:
    verbs = "\n".join(f"  {verb:<10} {what}" for verb, (_, what) in VERBS.items())
    return (
        "usage: myna VERB [options]\n\n"
        "Hears a sound and programs the synthesizer.\n\n"
        f"verbs:\n{verbs}\n\n"
        "options:\n"
        "  -h, --help     show this help; `myna VERB --help` shows a verb's options\n"
        "  -V, --version  show the version\n\n"
        "exit codes:\n"
        "  0        all went well\n"
        "  2        the command was typed wrongly\n"
        "  3        a file or a setting cannot be used\n"
        "  4        a file was written by a newer myna\n"
        "  5        something that myna needs is missing, or failed\n"
        "  128 + n  ended by signal n: 130 is Ctrl-C\n"
        "  141      nobody reads the output any more\n\n"
        "Results go to stdout, everything else to stderr; with --json the result is JSON.\n\n"
        "examples:\n"
        "  myna match trumpet.wav --out out/trumpet    a preset that sounds like the recording\n"
        "  myna presets list                           what there is to play with\n"
        "  myna doctor                                 whether all works here"
    )


def _leave_pipe() -> int:
    """The reader has gone (`myna … | head`): stop quietly, as a Unix tool that SIGPIPE ends (128 + 13)."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)
    return 141


if __name__ == "__main__":
    sys.exit(main())
