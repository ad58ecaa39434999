"""What the registry says of agents is what they do."""

from __future__ import annotations

import pytest

from myna.agents.registry import AGENTS, ANYTIME, plan, worth


@pytest.mark.parametrize("name", sorted(ANYTIME))
def test_an_anytime_agent_plans_all_budgets_alike(name: str) -> None:
    assert plan(name, 1) == plan(name, 5000)


@pytest.mark.parametrize("name", [name for name in AGENTS if name not in ANYTIME])
def test_what_follows_a_first_agent_plans_by_its_budget(name: str) -> None:
    assert plan(name, 16) != plan(name, 64) and plan(name, 1000) == plan(name, 2000)


def test_a_stranger_plans_by_its_budget() -> None:
    assert plan("a stranger", 1000) != plan("a stranger", 2000)


def test_no_agent_is_worth_more_than_its_budget() -> None:
    for name in (*AGENTS, "a stranger"):
        assert 1 <= worth(name, 50) <= 50
    assert worth("mean-preset", 50) == 1 and worth("cma-es", 5000) == 5000
