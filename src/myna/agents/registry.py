"""The agents by name: adding one is a file and a line here."""

from __future__ import annotations

import importlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from myna.agents.base import Agent
from myna.errors import UsageError
from myna.synth.renderer import Renderer

__all__ = ["AGENTS", "ANYTIME", "make_agent", "plan", "worth"]


@dataclass(frozen=True)
class _Entry:
    """An agent.

    Attributes:
        module, cls: where it is, and the name of its class.
        anytime: it does the same whatever the budget, only longer: what it has after fewer renders is what it finds
            with a smaller budget. Searches that follow a first agent have a `plan(budget)` in their module: budgets of
            equal plans differ in length alone.
        worth: renders after which it has nothing more to say, or None.
    """

    module: str
    cls: str
    anytime: bool = False
    worth: int | None = None


_ENTRIES = {
    "random": _Entry("myna.agents.random_search", "RandomSearch", anytime=True),
    "mean-preset": _Entry("myna.agents.mean_preset", "MeanPreset", anytime=True, worth=1),
    "retrieval": _Entry("myna.agents.retrieval", "Retrieval", anytime=True, worth=256),
    "cma-es": _Entry("myna.agents.cma_es", "ColdCMA", anytime=True),
    "cat-cma-es": _Entry("myna.agents.cat_cma_es", "CatCMA", anytime=True),
    "regression": _Entry("myna.agents.regression", "Regression", anytime=True, worth=64),
    "cloning": _Entry("myna.agents.policy", "CloningPolicy", anytime=True, worth=64),
    "sac": _Entry("myna.agents.policy", "SACPolicy", anytime=True, worth=64),
    "proxy": _Entry("myna.agents.proxy", "ProxyPlanner", anytime=True, worth=64),
    "sac+bank": _Entry("myna.agents.several_starts", "SeveralStarts", anytime=True, worth=64),
    "sac+proxy": _Entry("myna.agents.by_turns", "ByTurns", anytime=True, worth=64),
}
_POLISH = _Entry("myna.agents.polished", "Polished")
_DESCENT = _Entry("myna.agents.descended", "Descended")
_THEN = {
    "retrieval+cma-es": ("retrieval", _POLISH),
    "regression+cma-es": ("regression", _POLISH),
    "cloning+cma-es": ("cloning", _POLISH),
    "policy+cma-es": ("sac", _POLISH),
    "proxy+cma-es": ("proxy", _POLISH),
    "regression+descent": ("regression", _DESCENT),
    "proxy+descent": ("proxy", _DESCENT),
    "auto": ("sac", _DESCENT),
}
"""Agents whose presets are then bettered by a search: name → the first agent, and the search."""
AGENTS = (*_ENTRIES, *_THEN)
"""The names."""
ANYTIME = frozenset(name for name, entry in _ENTRIES.items() if entry.anytime)
"""Those that do the same whatever the budget, only longer: one run tells all budgets below its own."""


def worth(name: str, budget: int) -> int:
    """Of a budget, the renders after which an agent has nothing more to say.

    >>> worth("mean-preset", 1000), worth("cma-es", 1000)
    (1, 1000)
    """
    most = _ENTRIES[name].worth if name in _ENTRIES else None
    return budget if most is None else min(budget, most)


def plan(name: str, budget: int) -> Hashable:
    """What a budget decides of what an agent does: of two budgets with equal plans the longer search tells both.

    Args:
        name: of the agent; one that is not known plans by its budget.
        budget: renders.

    >>> plan("cma-es", 16) == plan("cma-es", 2000), plan("auto", 1000) == plan("auto", 2000)
    (True, True)
    """
    if name in ANYTIME:
        return None
    return _planned(_THEN[name][1], budget) if name in _THEN else budget


def _planned(entry: _Entry, budget: int) -> Hashable:
    return getattr(importlib.import_module(entry.module), "plan", lambda budget: budget)(budget)


def make_agent(name: str, renderer: Renderer, **settings: Any) -> Agent:
    """An agent by its name, bound to a renderer.

    Args:
        name: one of AGENTS.
        renderer: of candidates.
        settings: keyword arguments of its class; of `X+cma-es`, `X+descent` and `auto`, those of the first agent.

    Raises:
        UsageError: unknown name.
        MynaError: a learned agent whose weights cannot be used.
        TypeError: a setting that it does not have.
    """
    if name not in AGENTS:
        raise UsageError(f"There is no agent '{name}'; choose one of {', '.join(AGENTS)}.")
    if name in _THEN:
        first, search = _THEN[name]
        return _class(search)(make_agent(first, renderer, **settings))
    return _class(_ENTRIES[name])(renderer, **settings)


def _class(entry: _Entry) -> Any:
    return getattr(importlib.import_module(entry.module), entry.cls)
