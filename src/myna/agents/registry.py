"""The agents by name: adding one is a file and a line here."""

from __future__ import annotations

import importlib

from myna.agents.base import Agent
from myna.errors import UsageError

__all__ = ["AGENTS", "make_agent"]

AGENTS = {
    "auto": ("myna.agents.auto", "Auto"),
    "random": ("myna.agents.random_search", "RandomSearch"),
    "retrieval": ("myna.agents.retrieval", "Retrieval"),
    "cma-es": ("myna.agents.cma_es", "ColdCMA"),
}


def make_agent(name: str) -> Agent:
    """Load an agent.

    Raises:
        UsageError: unknown name.
    """
    if name not in AGENTS:
        raise UsageError(f"There is no agent '{name}'; choose one of {', '.join(AGENTS)}.")
    module, cls = AGENTS[name]
    return getattr(importlib.import_module(module), cls)()
