"""Errors have their exit codes, and what they quote is safe to print."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myna import errors
from myna.errors import MynaError, printable


def test_the_worked_examples_hold() -> None:
    assert doctest.testmod(errors).failed == 0


def test_every_error_is_a_myna_error_with_the_documented_code() -> None:
    codes = {
        "UsageError": 2, "MynaError": 3, "BadAudioError": 3, "BadPresetError": 3, "IncompatibleVersionError": 4,
        "BackendError": 5,
    }  # fmt: skip
    classes = [getattr(errors, name) for name in errors.__all__ if name != "printable"]
    assert all(issubclass(cls, MynaError) for cls in classes)
    assert {cls.__name__: cls.exit_code for cls in classes} == codes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 🎵", "plain é 🎵"),
        ("", ""),
        ("a\nb\tc\x00", r"a\nb\tc\x00"),
        ("\x1b[2J", r"\x1b[2J"),
        ("gpj\u202evaw", r"gpj\u202evaw"),
        ("bad\udcff", r"bad\udcff"),
        ("\x9b1m", r"\x9b1m"),
    ],
)
def test_odd_characters_are_escaped_and_others_kept(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(max_size=300), st.integers(4, 100))
@settings(derandomize=True)
def test_the_result_is_printable_and_never_too_long(text: str, longest: int) -> None:
    shown = printable(text, longest)
    assert shown.isprintable() and len(shown) <= longest


def test_what_is_too_long_keeps_its_beginning_and_its_end() -> None:
    shown = printable("begin" + "x" * 999 + "end")
    assert len(shown) == 80 and shown.startswith("beginx") and shown.endswith("xend") and "…" in shown
