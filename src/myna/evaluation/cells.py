"""The cells of a comparison, each a file of JSON lines: a header that says what was run, and a row for each target."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from myna.agents import Agent, make_agent, registry
from myna.errors import MynaError, UsageError, printable
from myna.evaluation.measured import Measures
from myna.evaluation.suites.sets import TargetSet
from myna.files import write_atomic
from myna.synth.renderer import Renderer

__all__ = [
    "Cell",
    "Contender",
    "append",
    "begin",
    "best_at",
    "best_losses",
    "paired_losses",
    "read",
    "runs_of",
    "same_ears",
    "settings_of",
    "tells",
    "weights_digest",
]

SAME_EARS = 1e-3
"""Yardsticks may differ by so much between machines; a change of engine, ears or targets moves them more."""
_PATHS = frozenset(("weights", "guess"))
_LABEL = re.compile(r"[a-zA-Z0-9+_-]+(?:@[1-9][0-9]*)?")


@dataclass(frozen=True)
class Contender:
    """An agent with its settings, under a label of its own.

    Attributes:
        label: letters, digits and `+-_`; names the files. `@2`, `@3` and so on behind it say that it is what another
            training seed made of the agent that is called so far, see `name`.
        agent: its name in the registry.
        settings: keyword arguments of the agent, JSON values.

    Raises:
        UsageError: a label of another form.
    """

    label: str
    agent: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """See the class."""
        if not _LABEL.fullmatch(self.label):
            told = printable(self.label)
            raise UsageError(f"The label {told!r} may hold letters, digits and +-_ alone, and end in @ and a number.")

    @classmethod
    def parse(cls, text: str) -> Contender:
        """From NAME or LABEL=NAME[:SETTING=VALUE…], as a command line has it; values are JSON or plain words.

        Raises:
            UsageError: it is not of that form.

        >>> Contender.parse("cma=cma-es:sigma=0.2")
        Contender(label='cma', agent='cma-es', settings={'sigma': 0.2})
        """
        first, *settings = text.strip().split(":")
        label, _, agent = first.rpartition("=")
        pairs = [setting.partition("=") for setting in settings]
        if any(not sign for _, sign, _ in pairs):
            raise UsageError(f"The agent '{printable(text)}' is not LABEL=NAME:SETTING=VALUE.")
        return cls(label or agent, agent, {key: _value(value) for key, _, value in pairs})

    @property
    def name(self) -> str:
        """Its label without its training.

        >>> Contender.parse("sac@2=sac:weights=out/train/sac").name
        'sac'
        """
        return self.label.partition("@")[0]

    @property
    def training(self) -> int:
        """Which training made it, from 1."""
        return int(self.label.partition("@")[2] or 1)

    @property
    def anytime(self) -> bool:
        """Whether one run tells all budgets below its own."""
        return self.agent in registry.ANYTIME

    def plan(self, budget: int) -> Hashable:
        """What a budget decides: a run tells all smaller budgets of the same plan as well."""
        return registry.plan(self.agent, budget)

    def make(self, renderer: Renderer) -> Agent:
        """The agent, bound to a renderer.

        Raises:
            MynaError: an unknown agent, settings that it does not have, or weights that cannot be used.
        """
        try:
            return make_agent(self.agent, renderer, **self.settings)
        except TypeError as error:
            raise UsageError(f"The agent '{self.agent}' does not take these settings: {error}.") from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass(frozen=True)
class Cell:
    """What one file holds: `contender` on `targets` with `budget` renders each, its draws from `seed`.

    `measures` asks for more than the loss, see `myna.evaluation.measured`.
    """

    contender: Contender
    targets: TargetSet
    budget: int
    seed: int = 0
    measures: Measures | None = None

    def path(self, folder: Path) -> Path:
        """Its file."""
        seed = f".seed{self.seed}" if self.seed else ""
        return folder / f"{self.contender.label}.{self.targets.name}.{self.budget}{seed}.jsonl"

    def header(self, renderer: Renderer, yardstick: Sequence[float]) -> dict[str, Any]:
        """What its rows depend on, as JSON holds it; see `myna.evaluation.comparison.yardstick`."""
        agent = self.contender.make(renderer)
        return {
            "label": self.contender.label,
            "agent": self.contender.agent,
            "settings": dict(self.contender.settings),
            "all_settings": settings_of(agent),
            "weights": weights_digest(agent),
            "anytime": self.contender.anytime,
            "set": self.targets.name,
            "budget": self.budget,
            "seed": self.seed,
            "measures": json.loads(json.dumps(asdict(self.measures))) if self.measures else None,
            "yardstick": list(yardstick),
        }


def settings_of(agent: Agent) -> dict[str, Any]:
    """All settings of an agent that are plain values, its defaults included, and those of agents within."""
    found: dict[str, Any] = {}
    for name, value in sorted(vars(agent).items()):
        if isinstance(value, (bool, int, float, str)):
            found[name] = value
        elif isinstance(value, Agent):
            found[name] = settings_of(value)
    return found


def weights_digest(agent: Agent) -> str | None:
    """SHA-256 of what an agent has learnt, its parts included; None where it has learnt nothing."""
    digest, found = hashlib.sha256(), False
    for name, tensor in _tensors(agent, ""):
        found = True
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest() if found else None


def _tensors(part: Any, path: str) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors of the networks that hang on an agent, in the order of their names."""
    for name, value in sorted(vars(part).items()):
        if isinstance(value, torch.nn.Module):
            yield from ((f"{path}{name}.{key}", tensor) for key, tensor in sorted(value.state_dict().items()))
        elif isinstance(value, Agent):
            yield from _tensors(value, f"{path}{name}.")


# Files


def begin(path: Path, header: Mapping[str, Any]) -> set[int]:
    """Make a cell's file ready for rows: the indices of the targets that it holds.

    One with another header is renamed to `….old` and begun anew; a row that was cut off is dropped.
    """
    kept = read(path)
    if kept is not None and not _same(kept[0], header):
        os.replace(path, path.with_suffix(".old"))
        kept = None
    first, rows = kept or (header, [])
    text = "".join(json.dumps(line) + "\n" for line in (first, *rows))
    if kept is None or path.read_text(encoding="utf-8") != text:
        write_atomic(path, text)
    return {row["index"] for row in rows}


def append(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a cell's file.

    Raises:
        MynaError: the disk is full, or the folder gone.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise MynaError(f"cannot write {printable(os.fspath(path))}: {error.strerror}.") from error


def read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """Header and rows of a cell, in the order of the targets; None where there is no file, or none that was begun."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    found = [line for line in map(_parsed, lines) if line is not None]
    if not found or "yardstick" not in found[0]:
        return None
    rows = {row["index"]: row for row in found[1:]}
    return found[0], [rows[index] for index in sorted(rows)]


def _parsed(line: str) -> dict[str, Any] | None:
    """None for a line that a kill cut off."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the headers agree in all that both tell; weights count by their digest, wherever they lie."""
    if old.get("measures") != new.get("measures"):
        return False
    told = [{**header, "settings": _without_paths(header["settings"])} for header in (old, new)]
    both = (old.keys() & new.keys()) - {"yardstick"}
    return all(told[0][key] == told[1][key] for key in both) and same_ears(old, new)


def _without_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in _PATHS}


def same_ears(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether the rows under two headers of one set can be compared."""
    a, b = np.array(one["yardstick"]), np.array(other["yardstick"])
    return a.shape == b.shape and bool(np.all(np.abs(a - b) <= SAME_EARS))


# Reading


def best_losses(
    folder: Path, label: str, name: str, renders: int, seed: int = 0
) -> tuple[dict[str, Any], dict[int, float]]:
    """The best losses of a contender on a set after so many renders, by index of the target, and the cell's header.

    An anytime agent's are read off the curve of its shortest run that is long enough; others need a run of that budget.

    Raises:
        UsageError: there is no such run.
    """
    for header, rows in runs_of(folder, label, name, seed):
        if tells(header, renders):
            return header, {row["index"]: best_at(row, renders) for row in rows}
    raise UsageError(f"'{label}' was not run on '{name}' with {renders} renders.")


def runs_of(folder: Path, label: str, name: str, seed: int = 0) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """All runs of a contender on a set, as `read` gives them, the smallest budget first."""
    suffix = f".seed{seed}.jsonl" if seed else ".jsonl"
    paths = sorted(folder.glob(f"{label}.{name}.*"), key=_budget)
    found = (read(path) for path in paths if path.name == f"{label}.{name}.{_budget(path)}{suffix}")
    return [kept for kept in found if kept is not None]


def tells(header: Mapping[str, Any], renders: int) -> bool:
    """Whether a run says how the contender does with so many renders."""
    marks = (header.get("measures") or {}).get("marks", ())
    return header["budget"] == renders or renders in marks or (header["anytime"] and header["budget"] > renders)


def paired_losses(folder: Path, contenders: Sequence[tuple[str, int]], name: str, seed: int = 0) -> list[np.ndarray]:
    """Best losses (n,) of each contender, a label and renders, on the targets of a set that all were run on.

    Raises:
        UsageError: one was not run, or they heard with different ears.
    """
    found = [best_losses(folder, label, name, renders, seed) for label, renders in contenders]
    for (label, _), (header, _) in zip(contenders, found, strict=True):
        if not same_ears(found[0][0], header):
            first = contenders[0][0]
            raise UsageError(
                f"'{first}' and '{label}' heard '{name}' with different engines or losses: run both again."
            )
    shared = sorted(set.intersection(*(set(losses) for _, losses in found)))
    return [np.array([losses[index] for index in shared]) for _, losses in found]


def _budget(path: Path) -> int:
    """Of a cell's file, LABEL.SET.BUDGET[.seedN].jsonl; 0 for another file."""
    parts = path.name.split(".")
    return int(parts[2]) if len(parts) > 3 and parts[2].isdigit() else 0


def best_at(row: Mapping[str, Any], renders: int) -> float:
    """Infinite before the first render."""
    return min((loss for at, loss in row["curve"] if at <= renders), default=np.inf)
