"""One knob: its name, unit, range, curve and default, and the map between u in [0, 1] and its value.

Units: `u` is normalised; values are physical, in the parameter's own unit. Categorical values are
handled as the index of the choice inside arrays and as the choice's name in presets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from myna.params import curves

__all__ = ["Parameter"]

KINDS = ("continuous", "integer", "boolean", "categorical")


@dataclass(frozen=True)
class Parameter:
    """A knob that knows its range and curve.

    Attributes:
        name: `module.knob`, for example `osc_a.level`; the module is the part before the dot.
        kind: `continuous`, `integer`, `boolean` or `categorical`.
        low, high: the physical range, ends included (0 and 1 for a boolean, 0 and n-1 for choices).
        default: physical value (index for a categorical).
        unit: `Hz`, `s`, `dB`, `cents`, `semitones`, … or empty for a plain ratio.
        curve: how u maps to the value:
            `linear`       low + u (high - low)
            `power`        low + u**exponent (high - low)   (Vital's quadratic and quartic knobs)
            `exponential`  low (high / low)**u              (frequencies: equal steps are equal ratios)
            `decibel`      the value is in dB, and u moves its *amplitude* linearly between the ends
        exponent: of the power curve.
        choices: names of a categorical's options, in index order.
        help: one line for a person.

    Example:
        >>> attack = Parameter("env_1.attack_s", "continuous", 0.0, 10.0, 0.01, "s", "power", 4.0)
        >>> round(float(attack.decode(0.5)), 4)
        0.625
        >>> round(float(attack.encode(0.625)), 4)
        0.5
    """

    name: str
    kind: str
    low: float
    high: float
    default: float
    unit: str = ""
    curve: str = "linear"
    exponent: float = 1.0
    choices: tuple[str, ...] = ()
    help: str = ""

    def __post_init__(self) -> None:
        """Refuse a knob that contradicts itself (a programming error, hence ValueError)."""
        if self.kind not in KINDS or self.curve not in curves.CURVES:
            raise ValueError(f"{self.name}: unknown kind or curve")
        if not self.low < self.high or not self.low <= self.default <= self.high:
            raise ValueError(f"{self.name}: default or range out of order")
        if self.curve == "exponential" and self.low <= 0.0:
            raise ValueError(f"{self.name}: an exponential range starts above 0")
        if (self.kind == "categorical") != bool(self.choices):
            raise ValueError(f"{self.name}: choices belong to categoricals")

    @property
    def module(self) -> str:
        """The module that the knob sits in."""
        return self.name.partition(".")[0]

    @property
    def steps(self) -> int:
        """Number of distinct values, 0 for a continuous knob."""
        return 0 if self.kind == "continuous" else round(self.high - self.low) + 1

    @property
    def shape(self) -> str:
        """How u maps to the value, as `myna.params.curves` names it: the curve, or `steps`."""
        return self.curve if self.kind == "continuous" else "steps"

    def decode(self, u: Any) -> np.ndarray:
        """Map u in [0, 1] (any shape; clipped) to physical values (float64, same shape)."""
        return curves.decode(self.shape, u, self.low, self.high, self.exponent)

    def encode(self, value: Any) -> np.ndarray:
        """Map physical values (any shape; clipped to the range) to u in [0, 1]; bins map to their centre."""
        return curves.encode(self.shape, value, self.low, self.high, self.exponent)

    def snap(self, u: Any) -> np.ndarray:
        """Move u of a discrete knob to the centre of its bin; leave a continuous one alone (clipped)."""
        return curves.snap(self.shape, u, self.low, self.high)

    def to_json(self, value: float) -> float | int | bool | str:
        """The physical value as a preset writes it: a number, a boolean or a choice's name."""
        if self.kind == "categorical":
            return self.choices[round(value)]
        if self.kind == "boolean":
            return value >= 0.5
        return round(value) if self.kind == "integer" else float(value)

    def describe(self, value: float) -> str:
        """The value as a person reads it, with its unit: `1.2 kHz`, `35 ms`, `saw`."""
        shown = self.to_json(value)
        if self.kind == "boolean":
            return "on" if shown else "off"
        if not isinstance(shown, float):
            return f"{shown} {self.unit.removesuffix('s') if shown in (1, -1) else self.unit}".strip()
        if abs(shown) < (1e-5 if self.unit == "s" else 1e-4 * (self.high - self.low)) and self.low <= 0.0:
            shown = 0.0  # what a search leaves over means nothing to a person
        if self.unit == "Hz" and shown >= 999.5:  # what three digits would round to 1e+03
            return f"{shown / 1000:.2f} kHz"
        if self.unit == "s" and shown < 0.9995:
            return f"{shown * 1000:.3g} ms"
        return f"{shown:.3g} {self.unit}".strip()
