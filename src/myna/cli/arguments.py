"""Argument parsing that answers a mistake in one sentence, without the usage text."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import NoReturn

from myna.errors import UsageError

__all__ = ["Parser", "number", "number_or_auto", "shown", "whole"]


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are `UsageError`s; options cannot be shortened."""

    def __init__(self, prog: str, description: str) -> None:
        """See the class."""
        super().__init__(
            prog=prog,
            description=description,
            allow_abbrev=False,
            formatter_class=argparse.RawTextHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Raise the mistake with the way to the help."""
        raise UsageError(f"{message.rstrip('.')}: see `{self.prog} --help`.")


def number(low: float, high: float) -> Callable[[str], float]:
    """A converter for numbers from low to high, both included."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not low <= value <= high or not math.isfinite(value):
            raise argparse.ArgumentTypeError(f"{text} is outside {low:g} to {high:g}")
        return value

    return convert


def whole(low: int, high: int) -> Callable[[str], int]:
    """A converter for whole numbers from low to high, both included."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is outside {low:,} to {high:,}")
        return value

    return convert


def number_or_auto(low: float, high: float) -> Callable[[str], float | None]:
    """A converter for a number from low to high, or `auto`, which gives None."""
    convert = number(low, high)
    return lambda text: None if text.strip().lower() == "auto" else convert(text)


def shown(text: str) -> str:
    r"""A path or name that a terminal can take: as it is, or escaped where it holds control characters.

    >>> shown("a.wav"), shown("a\x1b[2J.wav")
    ('a.wav', "'a\\x1b[2J.wav'")
    """
    return text if text.isprintable() else ascii(text)
