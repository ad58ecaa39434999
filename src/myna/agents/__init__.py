"""The methods, learned or not, behind one interface."""

from __future__ import annotations

from myna.agents.base import Agent, Goal, Match, Objective, Search, Watch
from myna.agents.registry import AGENTS, make_agent

__all__ = ["AGENTS", "Agent", "Goal", "Match", "Objective", "Search", "Watch", "make_agent"]
