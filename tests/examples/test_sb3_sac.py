"""The example with Stable-Baselines3 runs, and its adapter says what SB3 expects to hear."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from myna.envs.vector import MynaVectorEnv
from myna.synth.renderer import Renderer

pytest.importorskip("stable_baselines3")
EXAMPLE = Path(__file__).parents[2] / "examples" / "sb3_sac.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sb3_sac", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


def make(example: ModuleType, renderer: Renderer, count: int = 4, **settings: Any):
    return example.MynaVecEnv(MynaVectorEnv(count, stage=1, renderer=renderer, **settings), stage=1)


def actions(env, seed: int) -> np.ndarray:
    env.action_space.seed(seed)
    return np.stack([env.action_space.sample() for _ in range(env.num_envs)])


def test_sac_learns_for_some_hundred_steps_without_a_warning(example: ModuleType, renderer: Renderer) -> None:
    env = make(example, renderer)
    model = example.train(env, steps=400, seed=0, layers=[32], batch=32)
    assert model.num_timesteps == 400
    assert model._n_updates > 50
    episodes = model.ep_info_buffer
    assert episodes and all(np.isfinite(episode["r"]) and 1 <= episode["l"] <= 16 for episode in episodes)
    tasks = env.envs.curriculum.held_out(1)[:6]
    starts = env.envs.core.reset(tasks).loss.numpy()
    for player in (model, None):
        losses = example.best_losses(player, tasks, 1, {"renderer": renderer})
        assert losses.shape == (6,) and (losses <= starts).all()


def test_an_action_of_the_adapter_moves_only_what_is_open(example: ModuleType, renderer: Renderer) -> None:
    env = make(example, renderer)
    env.reset()
    opens = env.envs.state.tasks.open
    assert env.action_space.shape[0] < env.envs.single_action_space.shape[0]
    env.step(actions(env, 0))
    moved = env.envs.state.moved
    assert bool((moved[~opens] == 0).all())
    assert bool((moved[opens] != 0).any())


def test_zero_moves_nothing(example: ModuleType, renderer: Renderer) -> None:
    env = make(example, renderer)
    env.reset()
    env.step(np.zeros((env.num_envs, *env.action_space.shape), np.float32))
    assert not bool(env.envs.state.moved.any())


def test_it_tells_what_the_vector_environment_tells(example: ModuleType, renderer: Renderer) -> None:
    adapted = make(example, renderer, ends={"patience": None}, max_episode_steps=3)
    plain = MynaVectorEnv(4, stage=1, renderer=renderer, ends={"patience": None}, max_episode_steps=3)
    adapted.seed(7)
    first = adapted.reset()
    assert np.array_equal(first, plain.reset(seed=[7, 8, 9, 10])[0])
    ended = 0
    for step in range(7):
        chosen = actions(adapted, step)
        observations, rewards, dones, infos = adapted.step(chosen)
        expected, reward, terminated, truncated, info = plain.step(adapted.whole_actions(chosen))
        assert np.array_equal(observations, expected)
        assert np.array_equal(rewards, reward.astype(np.float32))
        assert np.array_equal(dones, terminated | truncated)
        for i in np.flatnonzero(dones):
            assert np.array_equal(infos[i]["terminal_observation"], info["final_obs"][i])
            assert infos[i]["TimeLimit.truncated"] == (truncated[i] and not terminated[i])
            assert infos[i]["best_loss"] == info["final_info"]["best_loss"][i]
        assert all(infos[i] == {} for i in np.flatnonzero(~dones))
        ended += int(dones.sum())
    assert ended >= 8  # four environments, two episodes of at most three steps each


def test_the_small_questions_of_sb3_are_answered(example: ModuleType, renderer: Renderer) -> None:
    env = make(example, renderer)
    assert env.get_attr("num_envs") == [4] * 4
    assert env.get_attr("num_envs", [1]) == [4]
    assert env.env_is_wrapped(object) == [False] * 4
    env.set_attr("note", "a")
    assert env.get_attr("note", 0) == ["a"]
    env.reset()
    assert env.env_method("edits", 0, indices=[0]) == [[]]
    env.close()
