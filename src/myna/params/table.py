"""An ordered table of parameters: encode, decode, snap, sample and mask, vectorised over (B, P).

Shapes: B presets, P parameters. `values` are physical (categoricals as indices), `u` normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

from myna.errors import UsageError, printable
from myna.files import sha256_hex
from myna.params import curves
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
            raise UsageError(f"There is no parameter {_unknown(name, self.names)} in {self.synth}.")
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

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that u's meaning hangs on, 64 hex digits: what was learnt or stored fits this table alone."""
        knobs = [
            (p.name, p.kind, *map(float, (p.low, p.high, p.default, p.exponent)), p.curve, p.choices)
            for p in self.parameters
        ]
        return sha256_hex(repr((self.synth, self.version, knobs)))

    def decode(self, u: Any) -> np.ndarray:
        """Map u (…, P) to physical values (…, P) float64.

        Raises:
            UsageError: the last axis is not P long, or a value is not finite.
        """
        return self._columns(curves.decode, u)

    def encode(self, values: Any) -> np.ndarray:
        """Map physical values (…, P) to u (…, P) float64; see `decode` for errors."""
        return self._columns(curves.encode, values)

    def snap(self, u: Any) -> np.ndarray:
        """Move discrete entries of u (…, P) to the centres of their bins."""
        return self._columns(curves.snap, u)

    @cached_property
    def _groups(self) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """Columns that share a curve: its name, their indices, lows, highs and exponents."""
        groups = []
        for shape in dict.fromkeys(p.shape for p in self.parameters):
            columns = [i for i, p in enumerate(self.parameters) if p.shape == shape]
            ends = [(self.parameters[i].low, self.parameters[i].high, self.parameters[i].exponent) for i in columns]
            groups.append((shape, np.array(columns), *np.array(ends, np.float64).T))
        return groups

    def _columns(self, method: Callable[..., np.ndarray], array: Any) -> np.ndarray:
        array = np.asarray(array, np.float64)
        if array.shape[-1:] != (len(self),):
            raise UsageError(f"{self.synth} has {len(self)} parameters; got an array of shape {array.shape}.")
        if not np.isfinite(array).all():
            raise UsageError("Parameter values must be finite; found NaN or infinity.")
        out = np.empty_like(array)
        for shape, columns, low, high, exponent in self._groups:
            out[..., columns] = method(shape, array[..., columns], low, high, exponent)
        return out

    def mask(self, modules: Iterable[str]) -> np.ndarray:
        """Which parameters belong to the named modules, (P,) bool.

        Raises:
            UsageError: an unknown module.
        """
        wanted = set(modules)
        for name in sorted(wanted - set(self.modules)):
            raise UsageError(f"There is no module {_unknown(name, self.modules)} in {self.synth}.")
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
        if not isinstance(setting, str) or setting not in parameter.choices:
            options = ", ".join(parameter.choices)
            raise UsageError(f"{parameter.name} must be one of {options}; got {_brief(setting)}.")
        return float(parameter.choices.index(setting))
    if not _is_number(setting, parameter):
        raise UsageError(f"{parameter.name} must be a number; got {_brief(setting)}.")
    if not parameter.low <= setting <= parameter.high:  # also false for NaN
        span = f"{parameter.low:g} to {parameter.high:g} {parameter.unit}".strip()
        raise UsageError(f"{parameter.name} must lie in {span}; got {_brief(setting)}.")
    value = float(setting)
    if parameter.kind != "continuous" and value != round(value):
        raise UsageError(f"{parameter.name} must be a whole number; got {value:g}.")
    return value


def _is_number(setting: Any, parameter: Parameter) -> bool:
    if type(setting) is float:  # most are, and asking for the others takes a microsecond
        return True
    if isinstance(setting, bool | np.bool_):  # a bool is a Real too, but only a switch takes it
        return parameter.kind == "boolean"
    return isinstance(setting, Real)


def _brief(setting: Any) -> str:
    return f"{float(setting):g}" if isinstance(setting, float) else printable(repr(setting), 40)


def _unknown(name: str, names: Iterable[str]) -> str:
    """The name as a message shows it, with the known one that it is nearest to."""
    import difflib

    shown = printable(name, 40)
    close = difflib.get_close_matches(shown, list(names), 1)
    return f"'{shown}' (did you mean '{close[0]}'?)" if close else f"'{shown}'"
