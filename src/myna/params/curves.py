"""The maps between u in [0, 1] and a knob's value, elementwise; ranges broadcast against the values.

One set of formulas serves a single knob and whole tables of them. Both ends of a range are exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["CURVES", "decode", "encode", "snap"]

CURVES = ("linear", "power", "exponential", "decibel")


def decode(curve: str, u: Any, low: Any, high: Any, exponent: Any = 1.0) -> np.ndarray:
    """Values of u (clipped to [0, 1]), float64.

    Args:
        curve: one of CURVES, or `steps` for whole numbers from low to high.
        u: normalised values.
        low: least value.
        high: greatest value.
        exponent: of the power curve.
    """
    u = np.clip(np.asarray(u, np.float64), 0.0, 1.0)
    if curve == "steps":
        # Equal bins, so that a uniform u draws every option equally often.
        return np.minimum(low + np.floor(u * (high - low + 1.0)), high)
    value = _between(curve, u, low, high, exponent)
    return np.where(u == 0.0, low, np.where(u == 1.0, high, np.clip(value, low, high)))


def _between(curve: str, u: np.ndarray, low: Any, high: Any, exponent: Any) -> np.ndarray:
    if curve == "exponential":
        return low * (high / low) ** u
    if curve == "decibel":
        quiet, loud = _gain(low), _gain(high)
        return 20.0 * np.log10(quiet + u * (loud - quiet))
    return low + (u**exponent if curve == "power" else u) * (high - low)


def encode(curve: str, value: Any, low: Any, high: Any, exponent: Any = 1.0) -> np.ndarray:
    """The u in [0, 1] of values (clipped to the range), float64; whole numbers map to the centre of their bin."""
    value = np.clip(np.asarray(value, np.float64), low, high)
    if curve == "steps":
        return (np.round(value - low) + 0.5) / (high - low + 1.0)
    if curve == "exponential":
        u = np.log(value / low) / np.log(high / low)
    elif curve == "decibel":
        u = (_gain(value) - _gain(low)) / (_gain(high) - _gain(low))
    else:
        u = (value - low) / (high - low)
        u = u ** (1.0 / exponent) if curve == "power" else u
    return np.where(value == low, 0.0, np.where(value == high, 1.0, np.clip(u, 0.0, 1.0)))


def snap(curve: str, u: Any, low: Any, high: Any, exponent: Any = 1.0) -> np.ndarray:
    """U of whole numbers at the centre of their bin, of others as it is (clipped)."""
    if curve == "steps":
        return encode(curve, decode(curve, u, low, high, exponent), low, high, exponent)
    return np.clip(np.asarray(u, np.float64), 0.0, 1.0)


def _gain(level_db: Any) -> Any:
    return 10.0 ** (np.asarray(level_db) / 20.0)
