"""Which knobs of two presets differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myna.params import Parameter, ParameterTable

__all__ = ["Change", "changes"]

SAME = 1e-9
"""Of a knob's range: less than that is rounding, as a way from value to u and back leaves it."""


@dataclass(frozen=True)
class Change:
    """One knob and its physical values before and after."""

    parameter: Parameter
    before: float
    after: float


def changes(table: ParameterTable, before: np.ndarray, after: np.ndarray) -> list[Change]:
    """The knobs whose values differ, in the table's order.

    Args:
        table: the synth's parameters.
        before: physical values (P,).
        after: physical values (P,).
    """
    return [
        Change(parameter, float(a), float(b))
        for parameter, a, b in zip(table.parameters, before, after, strict=True)
        if abs(a - b) > SAME * (parameter.high - parameter.low)
    ]
