"""Figures for people."""

from __future__ import annotations

import doctest
import math

from myna import rounding
from myna.rounding import rounded


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(rounding).failed == 0


def test_what_is_no_float_stays_as_it_is() -> None:
    assert rounded({"n": 123_456_789, "yes": True, "far": math.inf, "none": None}) == {
        "n": 123_456_789,
        "yes": True,
        "far": math.inf,
        "none": None,
    }
