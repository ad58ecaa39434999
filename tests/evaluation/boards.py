"""Evaluations that were never run: lines whose losses a rule tells, and their boards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from myna.evaluation.report.evaluation_board import Board, board_of
from myna.evaluation.results import Line, groups_of
from myna.evaluation.suites import load_suite
from myna.evaluation.suites.frozen import FrozenSet
from myna.evaluation.summary import summarise

AGENTS = ("cma-es", "policy+cma-es", "sac")
MARKS = (1, 16, 256)
ABOUT = {
    "runs": [
        {
            "asked": {
                "suites": ["stage-1", "real"],
                "agents": ["policy+cma-es", "cma-es", "sac"],
                "budgets": [1, 16, 256],
                "seeds": 2,
                "measured_seeds": 1,
                "limit": 15,
            },
            "commit": "0123456789ab",
            "machine": {"processor": "a processor", "cores": 2},
            "packages": {"numpy": "2"},
            "began": "2026-01-02T03:04:05+00:00",
        }
    ]
}
Loss = Callable[[str, int, int, int], float]


@cache
def names_of(suite: str) -> list[tuple[str, str]]:
    """Name and group of each target."""
    found = load_suite(suite)
    if isinstance(found, FrozenSet):
        names = [one.name for one in found.targets]
    else:
        names = [one.path.stem for one in found.recordings]
    return [*zip(names, groups_of(suite), strict=True)]


def scripted(
    loss: Loss,
    suites: Sequence[str] = ("stage-1", "stage-2", "real"),
    agents: Sequence[str] = AGENTS,
    marks: Sequence[int] = MARKS,
    targets: int = 15,
    seeds: int = 2,
) -> list[Line]:
    """Lines whose losses are told by agent, renders, target and seed, in the order of `results`."""
    return [
        Line(
            suite,
            names_of(suite)[index][0],
            index,
            names_of(suite)[index][1],
            agent,
            seed,
            mark,
            loss(agent, mark, index, seed),
            loss(agent, mark, index, seed) < 0.084,
            budget=mark,
            seconds=0.01 * mark,
            metrics={"mss": 3.25} if seed == 0 else {},
        )
        for suite in suites
        for agent in agents
        for seed in range(seeds)
        for mark in marks
        for index in range(targets)
    ]


def board(lines: Sequence[Line], about: Mapping[str, object] = ABOUT) -> Board:
    return board_of(lines, summarise(lines), about)


def halved(agent: str, mark: int, index: int, seed: int) -> float:
    """The policy's search has half the loss of CMA-ES, sac a tenth more than that; sac wins on the eighth target."""
    start = (1.0 + 0.05 * index + 0.01 * seed) * mark**-0.25
    factor = {"cma-es": 1.0, "policy+cma-es": 0.5, "sac": 0.4 if index == 7 else 0.55}
    return round(start * factor.get(agent, 0.9), 6)


def swaying(agent: str, mark: int, index: int, seed: int) -> float:
    """Each agent is as often better as worse than another."""
    way = {"cma-es": 0.0, "policy+cma-es": 0.3, "sac": -0.3}[agent]
    return 0.3 * float(np.exp(way if index % 2 else -way))
