"""What a listening test can play: targets, and beside each what two agents, or two folders of matches, made of it.

Shapes: C channels, T samples, P parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from myna.agents import Goal
from myna.agents.registry import worth
from myna.audio.files import load_audio
from myna.errors import UsageError, printable
from myna.evaluation.cells import runs_of, same_ears, tells
from myna.evaluation.comparison import yardstick
from myna.evaluation.runner import CELLS
from myna.evaluation.suites import load_suite
from myna.synth.renderer import Renderer

__all__ = ["Sounds", "Three", "from_evaluation", "from_matches"]

Three = tuple[np.ndarray, np.ndarray, np.ndarray]
"""The target, what the first contender made of it, and the second: each float32 (C, T)."""
SAMPLE_RATE = 44_100
SAME_TARGET = 1e-3
"""Samples of one target may differ by so much between two folders: 16-bit rounding is 30 times less."""

Run = tuple[dict[str, Any], list[dict[str, Any]]]


@dataclass(frozen=True)
class Sounds:
    """Targets that two contenders were matched to.

    Attributes:
        labels: of the two contenders.
        names: of the targets.
        load: the three sounds of a target, by its place in `names`.
        about: where they come from, as JSON; for the key.
        sample_rate: Hz.
    """

    labels: tuple[str, str]
    names: tuple[str, ...]
    load: Callable[[int], Three]
    about: Mapping[str, Any] = field(default_factory=dict)
    sample_rate: int = SAMPLE_RATE

    def __post_init__(self) -> None:
        """See the class.

        Raises:
            UsageError: both are the same, or there is no target.
        """
        if self.labels[0] == self.labels[1]:
            raise UsageError(f"'{printable(self.labels[0])}' would be compared with itself: name two.")
        if not self.names:
            raise UsageError(f"There is no target that both {_and(self.labels)} were matched to.")


# Of an evaluation


def from_evaluation(
    folder: Path,
    suite: str,
    labels: tuple[str | None, str | None] = (None, None),
    renders: int | None = None,
    seed: int = 0,
) -> Sounds:
    """What two agents had found after so many renders, rendered anew from the presets that an evaluation kept.

    Args:
        folder: of the evaluation, see `myna.evaluation.runner`.
        suite: whose targets.
        labels: of the two; those that are None are filled in where the folder holds just two.
        renders: a number that both were measured at; None is the largest one.
        seed: of the evaluation.

    Raises:
        UsageError: the folder holds no such presets, or they were found with another engine.
    """
    targets = load_suite(suite)
    first, second = _both(folder, suite, labels, seed)
    of = {label: runs_of(folder / CELLS, label, suite, seed) for label in (first, second)}
    at = renders or _most(of, suite)
    headers, presets = zip(*(_presets(of, label, suite, at) for label in of), strict=True)
    if not all(same_ears(header, {"yardstick": yardstick(targets)}) for header in headers):
        raise UsageError(
            f"The presets in {_shown(folder)} were found with another engine: {_mend(suite, (first, second), at)}."
        )
    names = {row["index"]: row["target"] for _, rows in of[first] for row in rows}
    indices = sorted(index for index in presets[0].keys() & presets[1].keys() if index < len(targets))
    renderer = Renderer()

    def load(place: int) -> Three:
        index = indices[place]
        goal = Goal.of(targets.target(index, renderer), renderer)
        audio = renderer.render(np.array([found[index] for found in presets]), goal.probe)
        return goal.audio, audio[0, 0], audio[1, 0]

    about = {"evaluation": str(folder), "suite": suite, "renders": at, "seed": seed}
    return Sounds((first, second), tuple(names[index] for index in indices), load, about)


def _both(folder: Path, suite: str, labels: tuple[str | None, str | None], seed: int) -> tuple[str, str]:
    """The two labels, checked against the folder."""
    end = f".seed{seed}.jsonl" if seed else ".jsonl"
    there = sorted({path.name.split(".")[0] for path in (folder / CELLS).glob(f"*.{suite}.*{end}")})
    if not there:
        raise UsageError(f"There is no evaluation on '{suite}' in {_shown(folder)}: {_mend(suite, labels)}.")
    for label in labels:
        if label is not None and label not in there:
            raise UsageError(f"'{printable(label)}' was not run on '{suite}': {_shown(folder)} holds {_list(there)}.")
    a, b = labels
    others = [label for label in there if label not in labels]
    if (a is None or b is None) and len(there) != 2:
        raise UsageError(f"Name two with --a and --b: {_shown(folder)} holds {_list(there)}.")
    a = a or others.pop(0)
    return a, b or others.pop(0)


def _marks(runs: Sequence[Run]) -> set[int]:
    """Numbers of renders at which the presets of a contender are known."""
    return {
        mark["renders"]
        for header, rows in runs
        for row in rows
        for mark in row.get("marks", ())
        if tells(header, mark["renders"])
    }


def _own(runs: Sequence[Run], renders: int) -> int:
    """The mark that says what a contender has after so many renders; some agents have nothing more to say before."""
    return worth(runs[0][0]["agent"], renders) if runs else renders


def _most(of: Mapping[str, Sequence[Run]], suite: str) -> int:
    """The largest number of renders that both contenders tell."""
    marks = {label: _marks(runs) for label, runs in of.items()}
    for label, known in marks.items():
        if not known:
            raise UsageError(f"The presets that '{label}' found on '{suite}' were not kept: {_mend(suite, tuple(of))}.")
    both = [at for at in set().union(*marks.values()) if all(_own(of[label], at) in marks[label] for label in of)]
    if not both:
        raise UsageError(f"{_and(tuple(of))} tell different numbers of renders: {_mend(suite, tuple(of))}.")
    return max(both)


def _presets(
    of: Mapping[str, Sequence[Run]], label: str, suite: str, renders: int
) -> tuple[dict[str, Any], dict[int, list[float]]]:
    """The header of the contender's run that tells, and its presets (P,) by index of the target."""
    at = _own(of[label], renders)
    for header, rows in of[label]:
        found = {row["index"]: mark["u"] for row in rows for mark in row.get("marks", ()) if mark["renders"] == at}
        if tells(header, at) and found:
            return header, found
    known = _list(sorted(_marks(of[label]))) or "no number of renders"
    mend = _mend(suite, tuple(of), renders)
    raise UsageError(f"What '{label}' had found on '{suite}' is known at {known}, not at {renders}: {mend}.")


# Of two folders of matches


def from_matches(first: Path, second: Path) -> Sounds:
    """What `myna match` wrote into two folders, paired by the names of the folders within.

    Raises:
        UsageError: one is no folder, or none of the matches is in both.
    """
    for folder in (first, second):
        if not folder.is_dir():
            raise UsageError(f"{_shown(folder)} is no folder: give one that `myna match … --out` wrote.")
    names = tuple(sorted(_matched(first) & _matched(second)))

    def load(place: int) -> Three:
        sounds = [_stereo(folder / names[place] / "match.wav") for folder in (first, second)]
        targets = [_stereo(folder / names[place] / "target.wav") for folder in (first, second)]
        if targets[0].shape != targets[1].shape or np.abs(targets[0] - targets[1]).max() > SAME_TARGET:
            raise UsageError(f"“{printable(names[place])}” is another target in each folder: match the same files.")
        return targets[0], sounds[0], sounds[1]

    return Sounds((str(first), str(second)), names, load, {"matches": [str(first), str(second)]})


def _matched(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.glob("*/match.wav") if (path.parent / "target.wav").is_file()}


def _stereo(path: Path) -> np.ndarray:
    samples = load_audio(path, sample_rate=SAMPLE_RATE).samples
    return np.repeat(samples, 2, axis=0) if len(samples) == 1 else samples[:2]


# Words


def _mend(suite: str, labels: Sequence[str | None] = (), renders: int | None = None) -> str:
    """The command that makes what is missing."""
    agents = ",".join(label for label in labels if label is not None) if all(labels) else ""
    budgets = f" --budgets {renders}" if renders else ""
    return f"run `myna evaluate --suite {suite} --agents {agents or '…,…'}{budgets}`"


def _shown(folder: Path) -> str:
    return printable(str(folder))


def _list(words: Sequence[Any]) -> str:
    return ", ".join(printable(str(word)) for word in words)


def _and(labels: Sequence[str]) -> str:
    return " and ".join(f"'{printable(label)}'" for label in labels)
