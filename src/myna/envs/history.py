"""What an episode did, as rows and as sentences that a musician reads.

Shapes: S steps made so far, P parameters. Values are physical, losses plain ratios.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from myna.params import Parameter, ParameterTable

__all__ = ["Edit", "edits", "loss_words", "sentences", "words"]

SAME_U = 1e-6
"""A position that changed by less has not been moved: float32 actions leave that much over."""
SHOWN = 3
"""Edits that a sentence tells; how many more there were is told as a number."""


@dataclass(frozen=True)
class Edit:
    """One knob that one step moved.

    Attributes:
        step: which step, from 1.
        parameter: its name.
        verb: what was done to it: `opened`, `raised`, `switched`, …
        from_value, to_value: physical values (the index of a choice).
        loss_before, loss_after: of the presets before and after the step, all its edits together.
    """

    step: int
    parameter: str
    verb: str
    from_value: float
    to_value: float
    loss_before: float
    loss_after: float


def edits(table: ParameterTable, u: Any, loss: Any) -> list[Edit]:
    """All edits of an episode, step by step; within a step choices come first, then what moved furthest.

    Args:
        table: the synth's parameters.
        u: (S + 1, P) presets from the start to the last step, in [0, 1].
        loss: (S + 1,) of each.
    """
    u, loss = table.snap(u), np.asarray(loss, np.float64)
    values = table.decode(u)
    rows = []
    for step, (before, after) in enumerate(itertools.pairwise(u), 1):
        far = np.abs(after - before)
        far[table.categorical & (far > 0.0)] = 1.0
        for p in np.argsort(-far, kind="stable")[: int((far > SAME_U).sum())].tolist():
            parameter, old, new = table.parameters[p], float(values[step - 1, p]), float(values[step, p])
            verb = _verb(table, parameter, new - old, values[step])
            rows.append(Edit(step, parameter.name, verb, old, new, float(loss[step - 1]), float(loss[step])))
    return rows


def words(table: ParameterTable, edit: Edit) -> str:
    """An edit in words, without the loss: `opened filter.cutoff_hz by 1.3 octaves (800 Hz → 1.97 kHz)`.

    Frequencies are told in octaves, rates as factors, all else in the parameter's own unit, choices by name.
    """
    parameter = table[edit.parameter]
    old, new = parameter.describe(edit.from_value), parameter.describe(edit.to_value)
    if parameter.kind == "boolean":
        return f"{edit.verb} {edit.parameter.removesuffix('.on')} {new}"
    if parameter.kind == "categorical":
        return f"{edit.verb} {edit.parameter} from {old} to {new}"
    return f"{edit.verb} {edit.parameter} by {_amount(parameter, edit.from_value, edit.to_value)} ({old} → {new})"


def sentences(table: ParameterTable, rows: Iterable[Edit], shown: int = SHOWN) -> list[str]:
    """One sentence for each step that moved something: its edits in words, and what they did to the loss.

    Args:
        table: the synth's parameters.
        rows: of `edits`.
        shown: edits to tell of each step; the others are counted.
    """
    return [_sentence(table, list(group), shown) for _, group in itertools.groupby(rows, key=lambda edit: edit.step)]


def _sentence(table: ParameterTable, rows: Sequence[Edit], shown: int) -> str:
    told = [words(table, edit) for edit in rows[:shown]]
    if len(rows) > shown:
        told.append(f"moved {len(rows) - shown} more")
    listed = ", ".join(told[:-1]) + (" and " if len(told) > 1 else "") + told[-1]
    return f"{listed}: {loss_words(rows[0].loss_before, rows[0].loss_after)}"


def loss_words(before: float, after: float) -> str:
    """What happened to the loss: `loss −0.12`.

    >>> loss_words(0.5, 0.38), loss_words(0.5, 0.5001), loss_words(0.5, 1.75)
    ('loss −0.12', 'loss unchanged', 'loss +1.25')
    """
    change = after - before
    if not math.isfinite(change):
        return "loss unknown"
    if abs(change) < 0.0005:
        return "loss unchanged"
    digits = 2 if abs(change) >= 0.095 else 3
    return f"loss {'−' if change < 0.0 else '+'}{abs(change):.{digits}f}"


def _verb(table: ParameterTable, parameter: Parameter, change: float, values: np.ndarray) -> str:
    up, down = _pair(table, parameter, values)
    return up if change > 0.0 else down


def _pair(table: ParameterTable, parameter: Parameter, values: np.ndarray) -> tuple[str, str]:
    """What people say of a knob that goes up, and of one that goes down, in the preset of these values (P,)."""
    knob = parameter.name.rpartition(".")[2]
    if parameter.kind in ("boolean", "categorical"):
        verb = "switched" if parameter.kind == "boolean" else "changed"
        return verb, verb
    if knob == "cutoff_hz":
        return _filter_pair(table, parameter.module, values)
    if knob == "rate_hz":
        return "sped up", "slowed down"
    if parameter.unit == "s":
        return "lengthened", "shortened"
    if not parameter.unit and parameter.low == -parameter.high:
        return "moved", "moved"  # left or right, dark or bright: neither is more
    return "raised", "lowered"


def _filter_pair(table: ParameterTable, module: str, values: np.ndarray) -> tuple[str, str]:
    """A low-pass opens upwards and a high-pass downwards; others have no open end."""
    column = table.index.get(f"{module}.type")
    kind = "low_pass" if column is None else table.parameters[column].to_json(float(values[column]))
    opening = {"low_pass": ("opened", "closed"), "high_pass": ("closed", "opened")}
    return opening.get(str(kind), ("raised", "lowered"))


def _amount(parameter: Parameter, old: float, new: float) -> str:
    if parameter.unit == "Hz" and parameter.curve == "exponential":
        ratio = max(old, new) / min(old, new)
        if parameter.name.endswith("rate_hz"):
            return f"a factor of {ratio:.3g}"
        octaves = math.log2(ratio)
        shown = f"{octaves:.2g} octaves" if octaves >= 0.95 else f"{12.0 * octaves:.2g} semitones"
        return shown.removesuffix("s") if shown.startswith("1 ") else shown
    shown = parameter.describe(abs(new - old))
    return "a trace" if shown.split()[0] == "0" else shown
