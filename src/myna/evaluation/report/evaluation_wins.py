"""Where each agent wins: on which share of the sounds of a suite, or of a family of instruments, it is the best one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from myna.evaluation.report.evaluation_board import Board, Panel
from myna.evaluation.results import Line
from myna.evaluation.summary import by_target

__all__ = ["FAMILIES", "WinTable", "family_of", "family_wins", "suite_wins"]

# General MIDI's families, of eight programs each.
FAMILIES = (
    "piano", "chromatic percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass",
    "reed", "pipe", "synth lead", "synth pad", "synth effects", "ethnic", "percussive", "sound effects",
)  # fmt: skip
TIE = 1e-6
"""Losses are kept to so much."""


@dataclass(frozen=True)
class WinTable:
    """With so many renders: for each agent its shares in [0, 1], by `columns`, each of so many `targets`.

    `ties` names agents that are best together on some targets, which count for none of them.
    """

    renders: int
    columns: tuple[str, ...]
    targets: tuple[int, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]
    tied: tuple[float, ...]
    ties: tuple[str, ...]


def suite_wins(board: Board, renders: int) -> WinTable | None:
    """By suite; None where fewer than two agents were run with so many renders."""
    panels = [panel for panel in board.suites if len(panel.ranked(renders)) > 1]
    return _table(board, renders, {panel.name: best_by_target(panel, renders) for panel in panels})


def family_wins(board: Board, renders: int) -> WinTable | None:
    """By family of the instruments of `real`; None where that was not run with two agents or more."""
    panel = next((panel for panel in board.suites if panel.name == "real"), None)
    if panel is None or len(panel.ranked(renders)) < 2:
        return None
    families = {line.index: family_of(line) for line in panel.lines}
    best = best_by_target(panel, renders)
    order = sorted({families[index] for index in best}, key=FAMILIES.index)
    columns = {name: {index: one for index, one in best.items() if families[index] == name} for name in order}
    return _table(board, renders, columns)


def family_of(line: Line) -> str:
    """Of a recording, whose group starts with its program."""
    return FAMILIES[int(line.group.partition(" ")[0]) // 8 % len(FAMILIES)]


def best_by_target(panel: Panel, renders: int) -> dict[int, tuple[str, ...]]:
    """The agents with the lowest loss on each target that all of the ranked were run on, by its index."""
    losses = {one.agent: by_target(panel.at(one.agent, renders)) for one in panel.ranked(renders)}
    shared = set.intersection(*(set(own) for own in losses.values())) if losses else set()
    return {index: _lowest(losses, index) for index in sorted(shared)}


def _lowest(losses: Mapping[str, Mapping[int, float]], index: int) -> tuple[str, ...]:
    lowest = min(own[index] for own in losses.values())
    return tuple(agent for agent, own in losses.items() if own[index] <= lowest + TIE)


def _table(board: Board, renders: int, columns: Mapping[str, Mapping[int, Sequence[str]]]) -> WinTable | None:
    if not any(columns.values()):
        return None
    bests = [[*best.values()] for best in columns.values()]
    there = {agent for best in bests for one in best for agent in one}
    return WinTable(
        renders,
        tuple(columns),
        tuple(map(len, bests)),
        tuple(
            (agent, tuple(_share(best, lambda one, own=agent: one == (own,)) for best in bests))
            for agent in board.agents
            if agent in there
        ),
        tuple(_share(best, lambda one: len(one) > 1) for best in bests),
        tuple(sorted({" = ".join(sorted(one)) for best in bests for one in best if len(one) > 1})),
    )


def _share(best: Sequence[Sequence[str]], holds: Callable[[tuple[str, ...]], bool]) -> float:
    return sum(holds(tuple(one)) for one in best) / max(1, len(best))
