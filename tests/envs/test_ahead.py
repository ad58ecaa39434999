"""Episodes that began ahead of time are those that would have begun later, and no more are kept than are coming."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait

import pytest
import torch
from tests.envs.worlds import same, short

from myna.envs.ahead import AT_ONCE, Ahead, Key
from myna.envs.assembly import Assembly
from myna.envs.state import State
from myna.envs.vector import MynaVectorEnv
from myna.errors import MynaError
from myna.seeding import generator
from myna.synth.renderer import Renderer


@pytest.fixture
def parts(renderer: Renderer) -> Assembly:
    return Assembly(renderer=renderer, overrides=short())


@pytest.fixture
def calls() -> list[list[Key]]:
    return []


@pytest.fixture
def ahead(parts: Assembly, calls: list[list[Key]]) -> Ahead:
    def begin(seeds, numbers) -> State:
        calls.append(list(zip(seeds, numbers, strict=True)))
        return parts.begin(seeds, numbers)

    return Ahead(begin)


def coming(*keys: Key) -> Callable[[], list[Key]]:
    return lambda: list(keys)


def tensors_of(state: State) -> dict:
    found = {name: value for name, value in vars(state).items() if isinstance(value, torch.Tensor)}
    task = {name: value for name, value in vars(state.tasks).items() if isinstance(value, torch.Tensor)}
    goal = {name: value for name, value in vars(state.goal).items() if isinstance(value, torch.Tensor)}
    words = {"probes": hash(state.tasks.probes), "names": hash(state.tasks.names)}
    trail = {"trail_u": state.trail_u, "trail_loss": state.trail_loss}
    return {**found, **trail, "terms": dict(state.terms), "target": state.tasks.target.tensors()} | {
        "task": task,
        "goal": goal,
        "words": words,
    }


def test_an_episode_is_the_same_whether_it_began_ahead_or_alone(ahead: Ahead, parts: Assembly, calls) -> None:
    ahead.take([(5, 0)], coming((6, 0), (7, 3), (8, 1)))
    mixed = ahead.take([(7, 3), (9, 2), (6, 0)], coming((8, 1), (5, 1)))
    assert calls == [[(5, 0), (6, 0), (7, 3), (8, 1)], [(9, 2), (5, 1)]]
    assert same(tensors_of(mixed), tensors_of(parts.begin([7, 9, 6], [3, 2, 0])))
    kept = ahead.take([(5, 1), (8, 1)], coming())
    assert len(calls) == 2
    assert same(tensors_of(kept), tensors_of(parts.begin([5, 8], [1, 1])))


def test_what_is_no_longer_coming_is_dropped(ahead: Ahead, calls) -> None:
    ahead.take([(0, 0)], coming((1, 0), (2, 0)))
    ahead.take([(3, 0)], coming((2, 0)))
    ahead.take([(1, 0)], coming())
    assert calls == [[(0, 0), (1, 0), (2, 0)], [(3, 0)], [(1, 0)]]


def test_two_environments_of_one_seed_each_get_the_episode(ahead: Ahead, calls) -> None:
    twins = ahead.take([(4, 0), (4, 0)], coming())
    assert torch.equal(twins.u[0], twins.u[1])
    ahead.take([(4, 1)], coming((4, 1), (4, 2)))
    ahead.take([(4, 1)], coming((4, 2)))
    assert calls == [[(4, 0)], [(4, 1), (4, 2)], [(4, 1)]]


def test_as_many_begin_at_once_as_are_worth_it_and_all_that_are_wanted(ahead: Ahead, calls) -> None:
    many = [(seed, 0) for seed in range(AT_ONCE + 8)]
    ahead.take(many[:2], coming(*many[2:]))
    assert [len(call) for call in calls] == [AT_ONCE]
    ahead.take(many, coming((99, 0)))
    assert sorted(calls[1]) == many[:2] + many[AT_ONCE:] + [(99, 0)]


def finish(ahead: Ahead) -> None:
    """Wait for the background."""
    if ahead._job:
        wait([ahead._job.state])


def background() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("myna-ahead")]


def gone(threads: list[threading.Thread]) -> bool:
    """Whether they end, within ten seconds."""
    until = time.monotonic() + 10.0
    while any(thread.is_alive() for thread in threads) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(thread.is_alive() for thread in threads)


def test_an_episode_is_the_same_when_it_began_in_the_background(ahead: Ahead, parts: Assembly, calls) -> None:
    ahead.prepare([(5, 0), (6, 0), (7, 3)])
    waited_for = ahead.take([(7, 3), (5, 0)], coming())
    assert same(tensors_of(waited_for), tensors_of(parts.begin([7, 5], [3, 0])))
    ahead.prepare([(6, 0), (8, 1)])
    finish(ahead)
    ahead.prepare([(6, 0), (8, 1)])  # it is collected, and there is nothing left to do
    both = ahead.take([(8, 1), (6, 0)], coming())
    assert same(tensors_of(both), tensors_of(parts.begin([8, 6], [1, 0])))
    assert calls == [[(5, 0), (6, 0), (7, 3)], [(8, 1)]]
    ahead.close()


def test_the_background_begins_one_batch_at_a_time_and_none_that_is_too_small(parts: Assembly) -> None:
    calls, go = [], threading.Event()

    def begin(seeds, numbers) -> State:
        calls.append((threading.current_thread() is threading.main_thread(), list(seeds)))
        assert threading.current_thread() is threading.main_thread() or go.wait(10)
        return parts.begin(seeds, numbers)

    ahead = Ahead(begin)
    ahead.prepare([(1, 0), (2, 0)], least=3)
    ahead.prepare([(1, 0), (2, 0), (3, 0)], least=3)
    ahead.prepare([(4, 0), (5, 0), (6, 0)], least=3)  # the first still runs
    ahead.take([(9, 0)], coming((2, 0), (7, 0)))  # and nobody waits for it who wants something else
    go.set()
    ahead.take([(3, 0)], coming())
    assert calls == [(False, [1, 2, 3]), (True, [9, 7])]
    ahead.close()


def test_an_error_in_the_background_is_met_by_those_alone_who_want_the_episode(parts: Assembly) -> None:
    tries = []

    def begin(seeds, numbers) -> State:
        tries.append(list(seeds))
        if 13 in seeds:
            raise MynaError("The target of 13 stays silent.")
        return parts.begin(seeds, numbers)

    ahead = Ahead(begin)
    ahead.prepare([(12, 0), (13, 0)])
    finish(ahead)
    ahead.prepare([(12, 0), (13, 0)])
    assert same(tensors_of(ahead.take([(12, 0)], coming((13, 0)))), tensors_of(parts.begin([12], [0])))
    with pytest.raises(MynaError, match="13 stays silent"):
        ahead.take([(13, 0)], coming())
    assert tries == [[12, 13], [12], [13]]
    ahead.close()


def test_closed_or_forgotten_it_leaves_no_thread(parts: Assembly) -> None:
    before = background()
    for forget in (False, True):
        ahead = Ahead(parts.begin)
        ahead.prepare([(5, 0), (6, 0)])
        own = [thread for thread in background() if thread not in before]
        assert len(own) == 1
        if forget:
            del ahead
            gc.collect()
        else:
            ahead.close()
        assert gone(own)


def test_vector_environments_leave_no_thread_whether_closed_or_forgotten(renderer: Renderer) -> None:
    before = background()
    for forget in (False, True):
        envs = MynaVectorEnv(2, renderer=renderer, overrides=short(), ends={"patience": 0.25})
        envs.reset(seed=0)
        for actions in generator(0, "actions").uniform(-1, 1, (6, *envs.action_space.shape)):
            envs.step(actions)
        own = [thread for thread in background() if thread not in before]
        assert len(own) == 1
        if forget:
            del envs
            gc.collect()
        else:
            envs.close()
        assert gone(own)


def test_environments_that_end_one_by_one_rarely_begin_anything(renderer: Renderer) -> None:
    envs = MynaVectorEnv(6, renderer=renderer, overrides=short(), ends={"patience": 0.25})
    calls = []
    sample = envs.curriculum.sample_each

    def counted(generators, stage=None):
        calls.append((threading.current_thread() is threading.main_thread(), len(generators)))
        return sample(generators, stage)

    envs.curriculum.sample_each = counted
    envs.reset(seed=0)
    ends = 0
    for actions in generator(0, "actions").uniform(-1, 1, (24, *envs.action_space.shape)):
        finish(envs._ahead)
        *_, terminated, truncated, _ = envs.step(actions)
        ends += bool((terminated | truncated).any())
    envs.close()
    assert calls[0] == (True, 6) and all(count > 1 for _, count in calls)
    assert len(calls) - 1 < ends / 2
    assert sum(waited for waited, _ in calls[1:]) < ends / 8


def test_a_curriculum_that_moves_on_has_nothing_drawn_ahead(renderer: Renderer) -> None:
    envs = MynaVectorEnv(6, renderer=renderer, overrides=short(), stage=None, ends={"patience": 0.25})
    calls, over = [], []
    sample = envs.curriculum.sample_each
    envs.curriculum.sample_each = lambda generators, stage: calls.append(len(generators)) or sample(generators, stage)
    envs.reset(seed=0)
    for actions in generator(0, "actions").uniform(-1, 1, (12, *envs.action_space.shape)):
        *_, terminated, truncated, _ = envs.step(actions)
        over.append(int((terminated | truncated).sum()))
    assert calls == [6, *(count for count in over if count)]
