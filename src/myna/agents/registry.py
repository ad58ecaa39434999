"""The agents by name: adding one is a file and a line here."""

from __future__ import annotations

import importlib

from myna.agents.base import Agent
from myna.errors import UsageError
from myna.synth.renderer import Renderer

__all__ = ["AGENTS", "make_agent"]

AGENTS = {
    "auto": ("myna.agents.auto", "Auto"),
    "random": ("myna.agents.random_search", "RandomSearch"),
    "mean-preset": ("myna.agents.mean_preset", "MeanPreset"),
    "retrieval": ("myna.agents.retrieval", "Retrieval"),
    "cma-es": ("myna.agents.cma_es", "ColdCMA"),
}


def make_agent(name: str, renderer: Renderer) -> Agent:
    """An agent by its name, bound to a renderer.

    Raises:
        UsageError: unknown name.
    """
    if name not in AGENTS:
        raise UsageError(f"There is no agent '{name}'; choose one of {', '.join(AGENTS)}.")
    module, cls = AGENTS[name]
    return getattr(importlib.import_module(module), cls)(renderer)
