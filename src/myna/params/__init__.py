"""Knobs and tables of knobs: what a synth can be set to, and how that maps to [0, 1]."""

from __future__ import annotations

from myna.params.parameter import Parameter
from myna.params.table import ParameterTable

__all__ = ["Parameter", "ParameterTable"]
