"""What may be typed after `myna`, read from the verbs themselves: for shell completion, and for tests of all verbs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from tyro.constructors import PrimitiveConstructorSpec

from myna.cli.arguments import Argument, Flag

__all__ = ["Place", "grammar"]


@dataclass(frozen=True)
class Place:
    """What may come at one place of the command line: after a verb, or after a verb's own verb.

    Attributes:
        about: what the verb does.
        options: flag → the words that may follow it; empty where nothing follows, None where anything may.
        words: those that may stand by themselves; None for anything, such as files.
        verbs: name → place, of a verb that has verbs of its own.
    """

    about: str
    options: Mapping[str, tuple[str, ...] | None]
    words: tuple[str, ...] | None
    verbs: Mapping[str, Place]


def grammar(verbs: Mapping[str, tuple[str, str]]) -> dict[str, Place]:
    """The places after each verb, by its name.

    Args:
        verbs: as `cli.main.VERBS`; the module of each holds the dataclass `Options`, or several in `VERBS`.
    """
    return {name: _place(importlib.import_module(where.split(":")[0]), about) for name, (where, about) in verbs.items()}


def _place(module: Any, about: str) -> Place:
    own = getattr(module, "VERBS", None)
    if own is None:
        return _of(module.Options, about)
    return Place(about, {"--help": ()}, (), {name: _of(options, _first(options)) for name, options in own.items()})


def _of(options: type, about: str) -> Place:
    flags: dict[str, tuple[str, ...] | None] = {"--help": ()}
    words: tuple[str, ...] | None = ()
    for name, kind in get_type_hints(options, include_extras=True).items():
        if Argument in get_args(kind)[1:]:
            words = _choices(kind)
        else:
            flags[f"--{name.strip('_').replace('_', '-')}"] = () if kind == Flag else _choices(kind)
    return Place(about, flags, words, {})


def _choices(kind: Any) -> tuple[str, ...] | None:
    specs = [spec for spec in get_args(kind)[1:] if isinstance(spec, PrimitiveConstructorSpec)]
    found = next((spec.choices for spec in specs if spec.choices), None)
    return None if found is None else tuple(found)


def _first(options: type) -> str:
    """The first line of a description."""
    return (options.__doc__ or "").split("\n", 1)[0].rstrip(".")
