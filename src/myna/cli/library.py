"""`myna library`: keep presets, find them by words, tags or sound, and move them in and out."""

from __future__ import annotations

import functools
import operator
from typing import Annotated

import tyro

from myna.cli.arguments import parse
from myna.cli.library_change import Add, Export, Import, Remove, Tag
from myna.cli.library_find import Duplicates, Like, List, Search, Show
from myna.cli.messages import unknown
from myna.errors import UsageError

__all__ = ["run"]

VERBS = {
    "add": Add,
    "list": List,
    "show": Show,
    "search": Search,
    "like": Like,
    "import": Import,
    "export": Export,
    "tag": Tag,
    "remove": Remove,
    "duplicates": Duplicates,
}
OPTIONS = functools.reduce(
    operator.or_, (Annotated[options, tyro.conf.subcommand(verb)] for verb, options in VERBS.items())
)


ABOUT = """The presets that you keep: add them, find them by words, tags or sound, move them in and out.

Example: myna library list"""


def run(argv: list[str]) -> int:
    """Run one of the ten and return the exit code."""
    if argv and not argv[0].startswith("-") and argv[0] not in VERBS:
        raise UsageError(unknown("verb", argv[0], [*VERBS]))
    if argv and argv[0] in VERBS:
        return parse(VERBS[argv[0]], f"myna library {argv[0]}", argv[1:]).run()
    return parse(OPTIONS, "myna library", argv, ABOUT).run()  # its help, or what is missing
