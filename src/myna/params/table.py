"""An ordered table of parameters: encode, decode, snap, sample and mask, vectorised over (B, P).

Shapes: B presets, P parameters. `values` are physical (categoricals as indices), `u` normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from myna.errors import UsageError
from myna.params.parameter import Parameter

__all__ = ["ParameterTable"]


class ParameterTable:
    """The knobs of one synth, in a fixed order.

    Args:
        synth: the synth's id, written into presets (`serum-lite`).
        version: format version of the table, raised when a knob changes meaning.
        parameters: the knobs; names are unique.
        canonical: maps (B, P) physical values to the one chosen among equal-sounding twins.

    Example:
        >>> table = ParameterTable("toy", 1, [Parameter("osc.level", "continuous", 0, 2, 1)])
        >>> table.decode(np.array([[0.25]]))
        array([[0.5]])
    """

    def __init__(
        self,
        synth: str,
        version: int,
        parameters: Iterable[Parameter],
        canonical: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        """See the class."""
        self.synth = synth
        self.version = version
        self.parameters = tuple(parameters)
        self._canonical = canonical
        self.index = {p.name: i for i, p in enumerate(self.parameters)}
        if len(self.index) != len(self.parameters):
            raise ValueError("parameter names must be unique")

    def __len__(self) -> int:
        """Number of parameters, P."""
        return len(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        """The parameter of that name.

        Raises:
            UsageError: no such parameter; the nearest name is given.
        """
        if name not in self.index:
            raise UsageError(f"There is no parameter '{name}' in {self.synth}{_nearest(name, self.names)}.")
        return self.parameters[self.index[name]]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Parameter names in order."""
        return tuple(p.name for p in self.parameters)

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Module names in the order in which they first appear."""
        return tuple(dict.fromkeys(p.module for p in self.parameters))

    @cached_property
    def defaults(self) -> np.ndarray:
        """Default physical values, (P,)."""
        return np.array([p.default for p in self.parameters], np.float64)

    @cached_property
    def steps(self) -> np.ndarray:
        """Distinct values per parameter, (P,) int; 0 where continuous."""
        return np.array([p.steps for p in self.parameters])

    @cached_property
    def discrete(self) -> np.ndarray:
        """Which parameters are integer, boolean or categorical, (P,) bool."""
        return self.steps > 0

    @cached_property
    def categorical(self) -> np.ndarray:
        """Which parameters are categorical or boolean, so without an order worth following, (P,) bool."""
        return np.array([p.kind in ("categorical", "boolean") for p in self.parameters])

    def decode(self, u: Any) -> np.ndarray:
        """Map u (…, P) to physical values (…, P) float64.

        Raises:
            UsageError: the last axis is not P long, or a value is not finite.
        """
        return self._columns("decode", u)

    def encode(self, values: Any) -> np.ndarray:
        """Map physical values (…, P) to u (…, P) float64; see `decode` for errors."""
        return self._columns("encode", values)

    def snap(self, u: Any) -> np.ndarray:
        """Move discrete entries of u (…, P) to the centres of their bins."""
        return self._columns("snap", u)

    def _columns(self, method: str, array: Any) -> np.ndarray:
        array = np.asarray(array, np.float64)
        if array.shape[-1:] != (len(self),):
            raise UsageError(f"{self.synth} has {len(self)} parameters; got an array of shape {array.shape}.")
        if not np.isfinite(array).all():
            raise UsageError("Parameter values must be finite; found NaN or infinity.")
        columns = [getattr(p, method)(array[..., i]) for i, p in enumerate(self.parameters)]
        return np.stack(columns, axis=-1)

    def mask(self, modules: Iterable[str]) -> np.ndarray:
        """Which parameters belong to the named modules, (P,) bool.

        Raises:
            UsageError: an unknown module.
        """
        wanted = set(modules)
        for name in sorted(wanted - set(self.modules)):
            raise UsageError(f"There is no module '{name}' in {self.synth}{_nearest(name, self.modules)}.")
        return np.array([p.module in wanted for p in self.parameters])

    def sample(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Draw u uniformly, discrete knobs at bin centres; (count, P)."""
        return self.snap(generator.random((count, len(self))))

    def canonical(self, u: Any) -> np.ndarray:
        """Replace each u row by the chosen one among its symmetric twins (the same sound), (…, P)."""
        if self._canonical is None:
            return self.snap(u)
        return self.encode(self._canonical(self.decode(u)))

    def from_dict(self, settings: Mapping[str, Any]) -> np.ndarray:
        """Physical values (P,) from names; names left out keep their defaults.

        Choices are given by name, booleans as bool or 0/1. Values are checked against the range.

        Raises:
            UsageError: unknown name, unknown choice, or a value out of range.
        """
        values = self.defaults.copy()
        for name, setting in settings.items():
            parameter = self[name]
            values[self.index[name]] = _to_value(parameter, setting)
        return values

    def to_dict(self, values: np.ndarray) -> dict[str, float | int | bool | str]:
        """Physical values (P,) as a mapping of names to JSON values."""
        return {p.name: p.to_json(float(v)) for p, v in zip(self.parameters, values, strict=True)}


def _to_value(parameter: Parameter, setting: Any) -> float:
    if parameter.kind == "categorical":
        if setting not in parameter.choices:
            options = ", ".join(parameter.choices)
            raise UsageError(f"{parameter.name} must be one of {options}; got {setting!r}.")
        return float(parameter.choices.index(setting))
    if isinstance(setting, str) or (isinstance(setting, bool) and parameter.kind != "boolean"):
        raise UsageError(f"{parameter.name} must be a number; got {setting!r}.")
    value = float(setting)
    if not parameter.low <= value <= parameter.high:  # also false for NaN
        span = f"{parameter.low:g} to {parameter.high:g} {parameter.unit}".strip()
        raise UsageError(f"{parameter.name} must lie in {span}; got {value:g}.")
    if parameter.kind != "continuous" and value != round(value):
        raise UsageError(f"{parameter.name} must be a whole number; got {value:g}.")
    return value


def _nearest(name: str, names: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(names), 1)
    return f"; did you mean '{close[0]}'" if close else ""
