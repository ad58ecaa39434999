"""Options of a verb: a frozen dataclass whose fields and docstrings are the flags and their help, read by tyro.

A mistake is one sentence (a `UsageError`), and an option cannot be shortened.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import tyro
from tyro import _errors as mistakes
from tyro.constructors import PrimitiveConstructorSpec

from myna.errors import UsageError, printable

__all__ = [
    "UNSAID",
    "Argument",
    "Flag",
    "chosen",
    "named",
    "names",
    "number",
    "one_or_more",
    "parse",
    "two",
    "whole",
    "wholes",
]

Options = TypeVar("Options")
Argument = tyro.conf.Positional
"""Marks what is given by its place, not by a flag."""
UNSAID = tyro.conf.arg(help_behavior_hint="")
"""Keeps a default that says nothing out of the help."""
Flag = Annotated[bool, UNSAID]
"""A switch that is off unless it is named."""


def parse(options: type[Options] | Any, prog: str, argv: Sequence[str], about: str | None = None) -> Options:
    """Read a verb's arguments.

    Args:
        options: the verb's dataclass, or a union of one for each of its subcommands.
        prog: what the person typed so far, for the help.
        argv: the arguments.
        about: what the verb is for, where it has subcommands; else its dataclass says it.

    Raises:
        UsageError: an argument is missing, unknown or has a bad value.
        SystemExit: the help was asked for and has been printed.
    """
    _check_flags(_flags(options), prog, argv)
    if os.environ.get("NO_COLOR"):
        tyro._experimental_options["ansi_codes"] = False
    # tyro's own answer to a mistake is a panel of many lines. The hook is its only way to the facts behind it; it is
    # private there, so pyproject.toml names the one version of tyro that is known to have it.
    with mistakes.on_parse_error(_stop):
        return tyro.cli(options, prog=prog, args=argv, description=about, config=(tyro.conf.FlagCreatePairsOff,))


def _flags(options: Any) -> dict[str, Any]:
    """Flags of a dataclass, or of all those in a union, with their types."""
    if not isinstance(options, type):
        return {flag: kind for part in get_args(options) for flag, kind in _flags(part).items()}
    hints = get_type_hints(options, include_extras=True)
    return {f"--{name.strip('_').replace('_', '-')}": kind for name, kind in hints.items()}


def _check_flags(flags: dict[str, Any], prog: str, argv: Sequence[str]) -> None:
    """Refuse what tyro would take for something else: an unknown option, a switch with a value, or half of a list."""
    seen: set[str] = set()
    for token in argv[: argv.index("--")] if "--" in argv else argv:
        flag, given, _ = token.partition("=")
        if not re.match("--?[A-Za-z]", token) or flag in ("-h", "--help"):
            continue
        if flag.replace("_", "-") not in flags:
            near = difflib.get_close_matches(flag, [*flags, "--help"], n=1)
            mend = f" (did you mean {near[0]}?)" if near else ""
            raise UsageError(f"unknown option {_quoted(flag)}{mend}: see `{prog} --help`.")
        if given and flags[flag.replace("_", "-")] == Flag:
            raise UsageError(f"{flag} takes no value: see `{prog} --help`.")
        if flag.replace("_", "-") in seen and _is_list(flags[flag.replace("_", "-")]):
            raise UsageError(f"{flag} is given twice, give it once with all its values: see `{prog} --help`.")
        seen.add(flag.replace("_", "-"))


def _is_list(kind: Any) -> bool:
    """Whether an option takes several words: of two of the same name the first would be forgotten."""
    own, *told = get_args(kind) or (kind,)
    return get_origin(own) is tuple and not any(isinstance(spec, PrimitiveConstructorSpec) for spec in told)


def _stop(event: mistakes.ParseErrorEvent) -> None:
    raise UsageError(f"{_sentence(event)}: see `{event.prog} --help`.")


def _sentence(event: mistakes.ParseErrorEvent) -> str:
    match event:
        case mistakes.MissingArgs():
            return f"{' and '.join(_label(missing.arg) for missing in event.missing_arguments)} is missing"
        case mistakes.MissingSubcommand():
            return f"say what to do, one of {', '.join(event.subcommand_spec.parser_from_name)}"
        case mistakes.BadValue():
            return f"{_label(event.argument)} needs a value"
        case mistakes.InvalidChoice():
            return f"{_label(event.argument)}: {_quoted(event.value)} is not one of {', '.join(event.choices)}"
        case mistakes.InstantiationFailure():
            return f"{_label(event.argument)}: {event.message}" if event.argument else event.message
        case mistakes.UnrecognizedArgs():
            return f"unexpected argument {_quoted(event.tokens[0])}"
    return "these arguments cannot be read"


def _label(argument: Any) -> str:
    """What a person calls the argument: tyro puts brackets around a place that takes several."""
    return argument.lowered.metavar.strip("[]") if argument.is_positional() else argument.lowered.name_or_flags[0]


def _quoted(text: str) -> str:
    return f"'{printable(text)}'"


def number(low: float, high: float, *, auto: bool = False) -> PrimitiveConstructorSpec[Any]:
    """A number from low to high, both included; with `auto`, that word may stand for None."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"{_quoted(text)} is not a number") from None
        if not low <= value <= high or not math.isfinite(value):
            raise ValueError(f"{text} is outside {low:g} to {high:g}")
        return value

    return _value("auto|NUMBER", _or_auto(convert)) if auto else _value("NUMBER", convert)


def whole(low: int, high: int) -> PrimitiveConstructorSpec[Any]:
    """A whole number from low to high, both included."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError(f"{_quoted(text)} is not a whole number") from None
        if not low <= value <= high:
            raise ValueError(f"{value} is outside {low:,} to {high:,}")
        return value

    return _value("NUMBER", convert)


def wholes(low: int, high: int) -> PrimitiveConstructorSpec[Any]:
    """Whole numbers from low to high with commas between them, each kept once, ascending."""
    one = whole(low, high).instance_from_str

    def convert(text: str) -> tuple[int, ...]:
        found = tuple(sorted({one([part.strip()]) for part in text.split(",") if part.strip()}))
        if not found:
            raise ValueError("name at least one")
        return found

    return _value("NUMBER,…", convert, lambda value: ",".join(map(str, value)))


def chosen(options: Sequence[str]) -> PrimitiveConstructorSpec[Any]:
    """One of some words."""
    spec = _value("|".join(options), str)
    return dataclasses.replace(spec, choices=tuple(options))


def names(metavar: str) -> PrimitiveConstructorSpec[Any]:
    """Names with commas between them, each kept once."""

    def convert(text: str) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
        if not found:
            raise ValueError("name at least one")
        return found

    return _value(metavar, convert, lambda value: "all" if value is None else ",".join(value))


def named(metavar: str, flag: str | None = None) -> Any:
    """A word or path under this name in the help; `flag` where Python keeps the field's own name to itself."""
    return tyro.conf.arg(name=flag, metavar=metavar, help_behavior_hint="")


def one_or_more(metavar: str) -> PrimitiveConstructorSpec[Any]:
    """One file or more, given by their place."""

    def convert(paths: list[str]) -> tuple[str, ...]:
        if not paths:
            raise ValueError("name at least one file")
        return tuple(paths)

    return PrimitiveConstructorSpec("*", metavar, convert, lambda value: isinstance(value, tuple), list)


def two(metavar: str) -> PrimitiveConstructorSpec[Any]:
    """Two words, or none where the flag is not given."""
    return PrimitiveConstructorSpec(2, metavar, tuple, lambda value: isinstance(value, tuple), list)


def _or_auto(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: None if text.strip().lower() == "auto" else convert(text)


def _shown(value: Any) -> str:
    return "auto" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _value(
    metavar: str, convert: Callable[[str], Any], shown: Callable[[Any], str] = _shown
) -> PrimitiveConstructorSpec[Any]:
    """What tyro needs to know of a single word."""
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: convert(words[0]),
        is_instance=lambda value: True,
        str_from_instance=lambda value: [shown(value)],
    )
