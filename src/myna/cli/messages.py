"""What the command line says: results on stdout, everything else on stderr, one line each."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Sequence
from typing import Any

from myna.errors import printable

__all__ = ["print_json", "say", "shown", "unknown"]


def say(message: object) -> None:
    """Tell the person something beside the result, on one line."""
    print(f"myna: {' '.join(str(message).split())}", file=sys.stderr, flush=True)


def shown(text: str) -> str:
    """A name or path as a terminal can take it, whole."""
    return printable(text, longest=4096)


def print_json(result: Any) -> None:
    """Print a result for a program; what is not finite must have become null before."""
    print(json.dumps(result, indent=2, allow_nan=False))


def unknown(kind: str, word: str, known: Sequence[str]) -> str:
    """The sentence for a word that is none of the known ones, with the nearest or all of them."""
    near = difflib.get_close_matches(word, known, n=1)
    mend = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}."
    return f"unknown {kind} '{printable(word)}': {mend}"
