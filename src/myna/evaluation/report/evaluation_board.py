"""An evaluation as its report reads it: the standings of each suite, and of each kind of sound.

A kind pools suites whose targets are of one sort: drawn presets of the synth itself, presets made by hand, recordings,
another synth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from myna.evaluation.cells import Contender
from myna.evaluation.references import NOISE_FLOOR, TRUE_PRESET
from myna.evaluation.results import Line, results
from myna.evaluation.runner import CELLS, read_about, read_summary
from myna.evaluation.suites import load_suite
from myna.evaluation.suites.frozen import FrozenSet
from myna.evaluation.summary import Standing, standings

__all__ = ["Board", "Panel", "board_of", "read_board"]

REFERENCES = (TRUE_PRESET, NOISE_FLOOR)
ASKED_RENDERS = (16, 256, 1000)
"""What a reader wants to know about, where it was run."""
OWN = "presets"
KINDS = {
    OWN: "The synth's own sounds",
    "factory": "Presets made by hand",
    "real": "Recorded instruments",
    "vital": "Another synth: Vital",
}


@dataclass(frozen=True)
class Panel:
    """One suite, or several that were pooled.

    Attributes:
        name: of the suite or kind.
        title: for people.
        about: a sentence.
        suites: that are in it.
        lines: of agents; those of a pool bear its name.
        standings: of agents and references.
    """

    name: str
    title: str
    about: str
    suites: tuple[str, ...]
    lines: tuple[Line, ...]
    standings: tuple[Standing, ...]

    @cached_property
    def of(self) -> Mapping[tuple[str, int], Standing]:
        """Standings of agents by agent and renders."""
        return {(one.agent, one.renders): one for one in self.standings if one.agent not in REFERENCES}

    @cached_property
    def renders(self) -> tuple[int, ...]:
        """Numbers of renders that agents were run with, ascending."""
        return tuple(sorted({renders for _, renders in self.of}))

    @property
    def targets(self) -> int:
        """How many sounds there are."""
        return max((one.targets for one in self.standings), default=0)

    @property
    def floor(self) -> Standing | None:
        """The noise floor, where the presets are known."""
        return next((one for one in self.standings if one.agent == NOISE_FLOOR), None)

    def ranked(self, renders: int) -> list[Standing]:
        """Agents with so many renders, best first: those that were run on as many targets as any."""
        found = [one for one in self.of.values() if one.renders == renders]
        most = max((one.targets for one in found), default=0)
        return sorted((one for one in found if one.targets == most), key=lambda one: (one.median, one.agent))

    def at(self, agent: str, renders: int) -> list[Line]:
        """Lines of an agent with so many renders."""
        return self._cells.get((agent, renders), [])

    @cached_property
    def _cells(self) -> Mapping[tuple[str, int], list[Line]]:
        found: dict[tuple[str, int], list[Line]] = {}
        for line in self.lines:
            found.setdefault((line.agent, line.renders), []).append(line)
        return found


@dataclass(frozen=True)
class Board:
    """All of an evaluation.

    Attributes:
        agents: labels, in the order in which they were asked for.
        suites, kinds: panels.
        about: what `evaluation.json` says.
        summary: what `summary.json` says.
    """

    agents: tuple[str, ...]
    suites: tuple[Panel, ...]
    kinds: tuple[Panel, ...]
    about: Mapping[str, Any]
    summary: Mapping[str, Any]

    @property
    def baseline(self) -> str:
        """What the others are tested against."""
        return self.summary["baseline"]

    @cached_property
    def renders(self) -> tuple[int, ...]:
        """Numbers of renders that occur, ascending."""
        return tuple(sorted({mark for panel in self.suites for mark in panel.renders}))

    @cached_property
    def asked_renders(self) -> tuple[int, ...]:
        """Those that the verdict is about: 16, 256 and 1,000 where they were run, else the largest three."""
        return tuple(mark for mark in ASKED_RENDERS if mark in self.renders) or self.renders[-3:]

    @cached_property
    def listened_renders(self) -> int:
        """The largest number of renders that two agents or more were run with on every suite, if there is one."""
        most = max((self._fewest(mark) for mark in self.renders), default=0)
        return max((mark for mark in self.renders if self._fewest(mark) >= min(most, 2)), default=0)

    def _fewest(self, renders: int) -> int:
        """Agents with so many renders on the suite that has fewest of them."""
        return min(len(panel.ranked(renders)) for panel in self.suites)


def read_board(out: Path) -> Board:
    """From the folder of an evaluation.

    Raises:
        MynaError: the folder holds no evaluation.
    """
    about = read_about(out)
    return board_of(results(out / CELLS), read_summary(out), about)


def board_of(lines: Sequence[Line], summary: Mapping[str, Any], about: Mapping[str, Any]) -> Board:
    """From its lines, their summary, and what was asked for."""
    played = [line for line in lines if line.agent not in REFERENCES]
    found = [Standing(**one) for one in summary["standings"]]
    suites = tuple(
        _suite(name, [line for line in played if line.suite == name], [one for one in found if one.suite == name])
        for name in dict.fromkeys(line.suite for line in played)
    )
    return Board(_agents(played, about), suites, _kinds(suites, lines), about, summary)


def _suite(name: str, lines: Sequence[Line], found: Sequence[Standing]) -> Panel:
    return Panel(name, name, _about(name), (name,), tuple(lines), tuple(found))


def _about(name: str) -> str:
    said = load_suite(name).about
    return said[:1].upper() + said[1:].rstrip(".") + "."


def _agents(lines: Sequence[Line], about: Mapping[str, Any]) -> tuple[str, ...]:
    asked = [Contender.parse(text).name for run in about.get("runs", []) for text in run["asked"]["agents"]]
    there = {line.agent for line in lines}
    return tuple(label for label in dict.fromkeys([*asked, *sorted(there)]) if label in there)


def _kinds(suites: Sequence[Panel], lines: Sequence[Line]) -> tuple[Panel, ...]:
    """One panel for each kind; a kind of one suite has its very numbers."""
    kinds: dict[str, list[Panel]] = {}
    for panel in suites:
        kinds.setdefault(_kind(panel.name), []).append(panel)
    ranked = sorted(kinds, key=lambda kind: [*KINDS].index(kind) if kind in KINDS else len(KINDS))
    return tuple(_pooled(kind, kinds[kind], lines) for kind in ranked)


def _kind(suite: str) -> str:
    return OWN if suite not in KINDS and isinstance(load_suite(suite), FrozenSet) else suite


def _pooled(kind: str, panels: Sequence[Panel], lines: Sequence[Line]) -> Panel:
    title = KINDS.get(kind, kind)
    if len(panels) == 1:
        return replace(panels[0], title=title)
    names = [panel.name for panel in panels]
    own = [line for line in lines if line.suite in names]
    places = {place: number for number, place in enumerate(sorted({(line.suite, line.index) for line in own}))}
    pool = [
        replace(line, suite=kind, index=places[line.suite, line.index], group=f"{line.suite} {line.group}")
        for line in own
    ]
    about = f"{len(names)} suites pooled, each target counted once: {', '.join(names)}."
    played = [line for line in pool if line.agent not in REFERENCES]
    return Panel(kind, title, about, tuple(names), tuple(played), tuple(standings(pool)))
