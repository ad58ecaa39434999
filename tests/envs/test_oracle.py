"""The oracle arrives at the known preset in as few steps as the bound allows."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from myna.envs.action import ActionConfig, ActionDecoder
from myna.envs.oracle import Journey, oracle, remaining, steps_needed
from myna.seeding import generator
from myna.synth.serum_lite.parameters import TABLE

P = len(TABLE)
CONFIGS = [ActionConfig(mode, absolute) for mode in ("all", "module") for absolute in (False, True)]
each_config = pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.mode}-{c.absolute}")
NEAR = 1e-6  # what float32 actions leave over


def journey(count: int, seed: int, share_open: float = 1.0) -> Journey:
    rng = generator(seed, "journey")
    start, target = (torch.from_numpy(TABLE.sample(count, rng)) for _ in range(2))
    open = torch.from_numpy(rng.random((count, P)) < share_open)
    bound = torch.from_numpy(rng.uniform(0.05, 0.4, count))
    return Journey(start, start, torch.where(open, target, start), open, bound)


def walk(decoder: ActionDecoder, at: Journey, steps: int, flat: bool = False) -> Journey:
    for _ in range(steps):
        heads = oracle(decoder, at)
        action = decoder.to_flat(heads) if flat else heads
        raw_u, u, _ = decoder.apply(at.raw_u, at.u, action, at.open, at.bound)
        at = replace(at, raw_u=raw_u, u=u)
    return at


def off(at: Journey) -> torch.Tensor:
    """(B,) the largest distance to the target."""
    return (at.u - at.target_u).abs().amax(-1)


def rows(at: Journey) -> list[Journey]:
    return [Journey(*(getattr(at, field.name)[b : b + 1] for field in fields(at))) for b in range(len(at.u))]


@each_config
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("share_open", [1.0, 0.3])
def test_it_arrives_in_the_steps_that_it_says(config: ActionConfig, flat: bool, share_open: float) -> None:
    decoder, start = ActionDecoder(TABLE, config), journey(12, 1, share_open)
    for needed, one in zip(steps_needed(decoder, start).tolist(), rows(start), strict=True):
        assert float(off(walk(decoder, one, needed, flat))) <= NEAR


@each_config
def test_it_arrives_no_sooner_but_for_integers_which_need_only_reach_their_bin(config: ActionConfig) -> None:
    decoder, start = ActionDecoder(TABLE, config), journey(12, 1)
    integers = torch.from_numpy(TABLE.discrete & ~TABLE.categorical)
    start = replace(start, target_u=torch.where(integers, start.u, start.target_u))
    for needed, one in zip(steps_needed(decoder, start).tolist(), rows(start), strict=True):
        assert float(off(walk(decoder, one, needed - 1))) > NEAR


def test_all_at_once_it_needs_the_largest_distance_over_the_bound() -> None:
    decoder, start = ActionDecoder(TABLE), journey(50, 2)
    # Of what has an order and no bins the plain distance is what is left; choices take one step.
    continuous = torch.from_numpy(~TABLE.discrete)
    start = replace(start, open=start.open & continuous, target_u=torch.where(continuous, start.target_u, start.u))
    distance = (start.target_u - start.u).abs().amax(-1)
    assert torch.equal(steps_needed(decoder, start), torch.ceil(distance / start.bound).to(torch.int64))


def test_choices_take_one_step_all_at_once() -> None:
    decoder, start = ActionDecoder(TABLE), journey(20, 3)
    choices = torch.from_numpy(TABLE.categorical)
    start = replace(start, open=start.open & choices, target_u=torch.where(choices, start.target_u, start.u))
    assert torch.equal(walk(decoder, start, 1).u, start.target_u)


def test_by_module_it_visits_the_one_with_most_left_to_do_first() -> None:
    decoder = ActionDecoder(TABLE, ActionConfig("module"))
    start = torch.from_numpy(TABLE.encode(TABLE.defaults)[None])
    target = start.clone()
    target[0, TABLE.index["filter.resonance"]] += 0.3
    target[0, TABLE.index["env_1.attack_s"]] += 0.4
    target[0, TABLE.index["osc_a.table"]] = 0.99
    at = Journey(start, start, decoder.twin.snap(target), torch.ones((1, P), dtype=torch.bool), torch.tensor([0.2]))
    visited = []
    for _ in range(5):
        visited.append(TABLE.modules[int(oracle(decoder, at)["module"])])
        at = walk(decoder, at, 1)
    assert visited == ["osc_a", "env_1", "filter", "env_1", "filter"]
    assert float(off(at)) <= NEAR


@each_config
def test_what_is_left_never_grows(config: ActionConfig) -> None:
    decoder, at = ActionDecoder(TABLE, config), journey(8, 4)
    for _ in range(10):
        after = walk(decoder, at, 1)
        gaps = [remaining(decoder, state) for state in (at, after)]
        assert bool((gaps[1][0].abs() <= gaps[0][0].abs() + NEAR).all())
        assert bool((gaps[1][1] <= gaps[0][1]).all())
        at = after


@each_config
def test_without_a_known_preset_it_holds_still(config: ActionConfig) -> None:
    decoder, at = ActionDecoder(TABLE, config), journey(3, 5)
    at = replace(at, target_u=torch.full_like(at.target_u, torch.nan))
    assert steps_needed(decoder, at).tolist() == [0, 0, 0]
    assert torch.allclose(walk(decoder, at, 3).u, at.u, atol=NEAR, rtol=0.0)


@each_config
def test_at_the_target_it_stays(config: ActionConfig) -> None:
    decoder, at = ActionDecoder(TABLE, config), journey(3, 6)
    there = replace(at, raw_u=at.target_u, u=at.target_u)
    assert float(off(walk(decoder, there, 3)).max()) <= NEAR
    assert np.array_equal(oracle(decoder, there)["choice"].numpy(), np.zeros((3, int(TABLE.categorical.sum()))))


def test_a_closed_parameter_is_no_part_of_the_way() -> None:
    decoder, at = ActionDecoder(TABLE), journey(4, 7)
    closed = replace(at, open=torch.zeros_like(at.open))
    assert steps_needed(decoder, closed).tolist() == [0, 0, 0, 0]
    assert torch.equal(walk(decoder, closed, 2).u, at.u)
