"""The agents by name: adding one is a file and a line here."""

from __future__ import annotations

import importlib
from typing import Any

from myna.agents.base import Agent
from myna.errors import UsageError
from myna.synth.renderer import Renderer

__all__ = ["AGENTS", "make_agent"]

_CLASSES = {
    "auto": ("myna.agents.auto", "Auto"),
    "random": ("myna.agents.random_search", "RandomSearch"),
    "mean-preset": ("myna.agents.mean_preset", "MeanPreset"),
    "retrieval": ("myna.agents.retrieval", "Retrieval"),
    "cma-es": ("myna.agents.cma_es", "ColdCMA"),
    "cat-cma-es": ("myna.agents.cat_cma_es", "CatCMA"),
    "regression": ("myna.agents.regression", "Regression"),
    "cloning": ("myna.agents.policy", "CloningPolicy"),
    "sac": ("myna.agents.policy", "SACPolicy"),
    "proxy": ("myna.agents.proxy", "ProxyPlanner"),
}
POLISHED = {
    "retrieval+cma-es": "retrieval",
    "regression+cma-es": "regression",
    "cloning+cma-es": "cloning",
    "policy+cma-es": "sac",
    "proxy+cma-es": "proxy",
}
"""Agents whose presets are then polished, see `myna.agents.polished`: name → the first agent."""
AGENTS = (*_CLASSES, *POLISHED)
"""The names."""


def make_agent(name: str, renderer: Renderer, **settings: Any) -> Agent:
    """An agent by its name, bound to a renderer.

    Args:
        name: one of AGENTS.
        renderer: of candidates.
        settings: keyword arguments of its class; of a polished agent, those of the first agent.

    Raises:
        UsageError: unknown name.
        MynaError: a learned agent whose weights cannot be used.
        TypeError: a setting that it does not have.
    """
    if name not in AGENTS:
        raise UsageError(f"There is no agent '{name}'; choose one of {', '.join(AGENTS)}.")
    if name in POLISHED:
        from myna.agents.polished import Polished

        return Polished(make_agent(POLISHED[name], renderer, **settings))
    module, cls = _CLASSES[name]
    return getattr(importlib.import_module(module), cls)(renderer, **settings)
