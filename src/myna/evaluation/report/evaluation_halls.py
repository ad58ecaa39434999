"""Halls of fame and of shame: the sounds that were met best and worst, and those on which the leader loses most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from myna.evaluation.report.evaluation_board import Board
from myna.evaluation.statistics import SMALLEST_LOSS
from myna.evaluation.summary import by_target

__all__ = ["Entry", "Halls", "halls"]

PLACES = 6


@dataclass(frozen=True)
class Entry:
    """A target: its best agent with its loss, and the leader's loss, None where the leader was not run on it."""

    suite: str
    index: int
    target: str
    agent: str
    loss: float
    leader_loss: float | None

    @property
    def place(self) -> tuple[str, int]:
        """Which it is."""
        return self.suite, self.index


@dataclass(frozen=True)
class Halls:
    """With `renders`, and a `leader`: the agent with the lowest mean of the log loss over all targets.

    `lost` are targets on which another agent is better than the leader, by ratio; fewer than the others may be.
    """

    renders: int
    leader: str
    fame: tuple[Entry, ...]
    shame: tuple[Entry, ...]
    lost: tuple[Entry, ...]
    entries: tuple[Entry, ...]


def halls(board: Board) -> Halls:
    """At `board.listened_renders`."""
    renders = board.listened_renders
    losses = _losses(board, renders)
    leader = _leader(losses)
    entries = [_entry(place, name, own, leader) for (place, name), own in losses.items()]
    ranked = sorted(entries, key=lambda one: one.loss)
    lost = sorted((one for one in entries if _loss_ratio(one) > 1.0), key=_loss_ratio, reverse=True)
    half = min(PLACES, max(1, len(ranked) // 2))
    return Halls(
        renders, leader, tuple(ranked[:half]), tuple(ranked[::-1][:half]), tuple(lost[:PLACES]), tuple(entries)
    )


Losses = Mapping[tuple[tuple[str, int], str], Mapping[str, float]]


def _losses(board: Board, renders: int) -> Losses:
    """By target, (suite, index) and name, and by agent."""
    found: dict[tuple[tuple[str, int], str], dict[str, float]] = {}
    for panel in board.suites:
        names = {line.index: line.target for line in panel.lines}
        for one in panel.ranked(renders):
            for index, loss in by_target(panel.at(one.agent, renders)).items():
                found.setdefault(((panel.name, index), names[index]), {})[one.agent] = loss
    return dict(sorted(found.items(), key=lambda item: [panel.name for panel in board.suites].index(item[0][0][0])))


def _leader(losses: Losses) -> str:
    """Of the agents on most targets the one that is lowest on the whole; empty where there is none."""
    logs: dict[str, list[float]] = {}
    for own in losses.values():
        for agent, loss in own.items():
            logs.setdefault(agent, []).append(log(max(loss, SMALLEST_LOSS)))
    most = max(map(len, logs.values()), default=0)
    return min((sum(own), agent) for agent, own in logs.items() if len(own) == most)[1] if logs else ""


def _entry(place: tuple[str, int], name: str, own: Mapping[str, float], leader: str) -> Entry:
    agent = min(own, key=lambda one: own[one])
    return Entry(*place, name, agent, own[agent], own.get(leader))


def _loss_ratio(one: Entry) -> float:
    """The leader's loss over the best's."""
    return (one.leader_loss or 0.0) / max(one.loss, SMALLEST_LOSS)
