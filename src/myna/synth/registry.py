"""The synths by name: adding one is a file and a line here."""

from __future__ import annotations

import importlib
from typing import Any

from myna.errors import UsageError
from myna.params import ParameterTable

__all__ = ["SYNTHS", "make_synth", "synth_table"]

# name → (module of the engine, its class, module of the table)
SYNTHS = {
    "serum-lite": ("myna.synth.serum_lite.engine", "SerumLite", "myna.synth.serum_lite.parameters"),
}


def _entry(name: str) -> tuple[str, str, str]:
    if name not in SYNTHS:
        raise UsageError(f"There is no synth '{name}'; choose one of {', '.join(SYNTHS)}.")
    return SYNTHS[name]


def make_synth(name: str, *, device: str, threads: int) -> Any:
    """Load a synth's engine.

    Raises:
        UsageError: unknown name.
        BackendError: the device is not there.
    """
    module, cls, _ = _entry(name)
    return getattr(importlib.import_module(module), cls)(device=device, threads=threads)


def synth_table(name: str) -> ParameterTable:
    """The parameter table of a synth, without loading its engine."""
    return importlib.import_module(_entry(name)[2]).TABLE
