"""Whatever is done to them, episodes stay within bounds, snapped and masked, with honest books and without NaN."""

from __future__ import annotations

import gc
import os
import time

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.envs.worlds import Breaking, short

from myna.envs.vector import MynaVectorEnv
from myna.seeding import generator
from myna.synth.renderer import Renderer

SOAK_S = float(os.environ.get("MYNA_SOAK_SECONDS", "3600"))
RENDERER, BREAKING = Renderer(threads=1), Breaking(threads=1)
ENVS = 10
FORMS = {"still": 0.0, "gentle": 0.2, "wild": 1.0, "beyond": 3.0}


class Episodes(RuleBasedStateMachine):
    """Ten environments, stepped and reset at will."""

    @initialize(
        seed=st.integers(0, 2**31),
        stage=st.sampled_from([None, 1, 2, 3, 4, 5, 6]),
        mode=st.sampled_from(["all", "module"]),
        absolute=st.booleans(),
        autoreset=st.sampled_from(["SAME_STEP", "NEXT_STEP", "DISABLED"]),
        broken=st.booleans(),
    )
    def begin(self, seed: int, stage: int | None, mode: str, absolute: bool, autoreset: str, broken: bool) -> None:
        overrides = short(horizon={"all": 12, "module": 25})
        self.envs = MynaVectorEnv(
            ENVS,
            stage=stage,
            mode=mode,
            absolute=absolute,
            autoreset_mode=autoreset,
            overrides=overrides,
            renderer=BREAKING if broken else RENDERER,
        )
        self.observation, _ = self.envs.reset(seed=seed)
        self.absolute = absolute
        self.before = None

    @rule(seed=st.integers(0, 2**31), form=st.sampled_from(sorted(FORMS)))
    def act(self, seed: int, form: str) -> None:
        size = self.envs.action_space.shape
        action = (FORMS[form] * generator(seed, "machine").uniform(-1.0, 1.0, size)).astype(np.float32)
        self.before = self.envs.state
        self.observation, *self.result, self.info = self.envs.step(action)
        self.check_step(self.before.ended.numpy())

    @rule(bits=st.integers(1, 2**ENVS - 1))
    def begin_some_anew(self, bits: int) -> None:
        mask = np.array([bool(bits >> row & 1) for row in range(ENVS)])
        kept = self.envs.state
        self.observation, _ = self.envs.reset(options={"reset_mask": mask})
        now = self.envs.state
        assert not now.step[mask].any() and not now.ended[mask].any()
        assert torch.equal(now.u[~mask], kept.u[~mask]) and torch.equal(now.step[~mask], kept.step[~mask])

    def check_step(self, waited: np.ndarray) -> None:
        rewards, terminated, truncated = self.result
        assert np.isfinite(rewards).all()
        assert not (terminated & truncated).any()
        assert not rewards[waited].any()
        parts = [part for name, part in self.info["reward_parts"].items() if name[0] != "_"]
        told = self.info["_reward_parts"]
        assert np.allclose(np.sum(parts, axis=0)[told], rewards[told], atol=1e-12)
        if "final_info" in self.info:
            assert np.array_equal(self.info["_final_info"], terminated | truncated)
            assert self.info["final_obs"] in self.envs.observation_space

    @invariant()
    def presets_lie_within_bounds_and_are_snapped_and_masked(self) -> None:
        state, table = self.envs.state, self.envs.core.renderer.table
        for u in (state.u, state.raw_u, state.best_u):
            assert torch.isfinite(u).all() and (u >= 0.0).all() and (u <= 1.0).all()
        assert np.array_equal(table.snap(state.u.numpy()), state.u.numpy())
        assert np.array_equal(table.snap(state.raw_u.numpy()), state.u.numpy())
        closed = ~state.tasks.open
        assert torch.equal(state.u[closed], state.tasks.start_u[closed])
        assert not state.moved[closed].any()
        if not self.absolute:
            ordered = self.envs.core.decoder.ordered
            assert (state.moved[:, ordered].abs() <= state.tasks.bound[:, None] + 1e-12).all()

    @invariant()
    def the_books_are_right(self) -> None:
        state = self.envs.state
        assert torch.isfinite(state.loss).all() and (state.loss >= 0.0).all()
        assert torch.allclose(sum(state.terms.values(), torch.zeros(ENVS)), state.loss, atol=1e-4)
        assert (state.step <= state.tasks.horizon).all()
        assert (state.ended | (state.step < state.tasks.horizon)).all()
        for row in range(ENVS):
            u, loss = state.history(row)
            if len(loss) == int(state.step[row]) + 1:  # one that has waited for long has lost its beginning
                first = int(loss.argmin())
                assert (state.best_loss[row], state.best_step[row]) == (loss[first], first)
                assert torch.equal(state.best_u[row], u[first])
                assert torch.equal(u[0], state.tasks.start_u[row])
            assert torch.equal(u[-1], state.u[row]) and loss[-1] == state.loss[row]

    @invariant()
    def observations_lie_in_their_space(self) -> None:
        assert self.observation in self.envs.observation_space
        assert np.isfinite(self.observation).all()


def test_episodes_keep_their_rules() -> None:
    run(examples=10, steps=20)


@pytest.mark.soak
def test_500_episodes_of_50_steps_keep_their_rules() -> None:
    run(examples=50, steps=50)  # of ten environments each


def run(examples: int, steps: int) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    quiet = settings(max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True, database=None)
    run_state_machine_as_test(Episodes, settings=quiet)


# Memory


def tensors() -> int:
    gc.collect()
    return sum(type(thing) is torch.Tensor for thing in gc.get_objects())


@pytest.mark.parametrize("autoreset", ["SAME_STEP", "NEXT_STEP", "DISABLED"])
def test_no_tensor_is_left_behind(autoreset: str) -> None:
    envs = MynaVectorEnv(4, autoreset_mode=autoreset, overrides=short(), renderer=RENDERER)
    envs.reset(seed=0)
    random, counts = generator(0, "leak"), []
    for _ in range(3):
        for _ in range(40):
            envs.step(random.uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32))
            if autoreset == "DISABLED" and bool(envs.state.ended.any()):
                envs.reset(options={"reset_mask": envs.state.ended.numpy()})
        envs._ahead.close()  # it holds a batch of episodes or two, or none
        counts.append(tensors())
    assert max(counts) - min(counts) < 40, counts  # one left behind per step would be 40


@pytest.mark.soak
def test_memory_stays_flat_for_an_hour() -> None:
    envs = MynaVectorEnv(256)
    envs.reset(seed=0)
    random, start, sizes = generator(0, "hour"), time.monotonic(), []
    while (passed := time.monotonic() - start) < SOAK_S:
        envs.step(random.uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32))
        sizes.append((passed, resident_bytes()))
    warm = [size for passed, size in sizes if SOAK_S * 0.1 < passed < SOAK_S * 0.4]
    late = [size for passed, size in sizes if passed > SOAK_S * 0.7]
    print(f"{np.median(warm) / 2**20:.0f} MiB after warm-up, {np.median(late) / 2**20:.0f} MiB in the end")
    assert np.median(late) < 1.03 * np.median(warm) + 2**23


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
