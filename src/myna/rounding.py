"""Figures for people: six significant digits, as more would be noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["rounded"]


def rounded(value: Any) -> Any:
    """A result with all its floats to six digits.

    >>> rounded({"a": 1234.56789, "b": [3, 0.1 + 0.2, None, "x"]})
    {'a': 1234.57, 'b': [3, 0.3, None, 'x']}
    """
    if isinstance(value, Mapping):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(part) for part in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
