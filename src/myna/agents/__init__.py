"""The methods, learned or not, behind one interface."""

from __future__ import annotations

from myna.agents.base import Agent, Match, Objective
from myna.agents.registry import AGENTS, make_agent

__all__ = ["AGENTS", "Agent", "Match", "Objective", "make_agent"]
