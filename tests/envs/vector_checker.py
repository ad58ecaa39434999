"""What a vector environment of Gymnasium 1.4 must be like: its own checker takes single environments only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.utils.passive_env_checker import data_shares_objects
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from tests.envs.worlds import same

__all__ = ["check_vector_env"]


def check_vector_env(envs: VectorEnv, steps: int = 12) -> None:
    """Raise AssertionError where `envs` is not what Gymnasium's wrappers and its users count on.

    Args:
        envs: numpy out, with episodes short enough that some end within `steps`.
        steps: to play.
    """
    _check_attributes(envs)
    first = envs.reset(seed=7)
    _check_observations(envs, first[0])
    _check_info(envs.num_envs, first[1])
    envs.action_space.seed(7)
    results = [first]
    ended = np.zeros(envs.num_envs, np.bool_)
    for _ in range(steps):
        result = envs.step(envs.action_space.sample())
        _check_step(envs, result)
        results.append((result[0], result[4]))
        ended |= result[2] | result[3]
    assert ended.any(), "no episode ended: make them shorter"
    _check_nothing_is_reused(results)
    _check_seeding(envs)
    _check_reset_mask(envs)


def _check_attributes(envs: VectorEnv) -> None:
    assert isinstance(envs, VectorEnv)
    assert isinstance(envs.metadata["autoreset_mode"], AutoresetMode), "the mode is an enum, not its name"
    assert envs.observation_space == batch_space(envs.single_observation_space, envs.num_envs)
    assert envs.action_space == batch_space(envs.single_action_space, envs.num_envs)
    assert envs.unwrapped is envs


def _check_observations(envs: VectorEnv, observations: Any) -> None:
    assert observations in envs.observation_space, "observations outside of their space"


def _check_info(count: int, info: Mapping[str, Any]) -> None:
    """Every key has a mask of booleans beside it, all the way down."""
    for key, value in info.items():
        if key.startswith("_"):
            assert value.dtype == np.bool_ and value.shape == (count,), f"{key} is no mask"
            assert key[1:] in info
            continue
        assert f"_{key}" in info, f"{key} has no mask"
        if isinstance(value, Mapping) and key != "final_obs":
            _check_info(count, value)
        elif key != "final_obs":
            assert len(value) == count


def _check_step(envs: VectorEnv, result: Any) -> None:
    observations, rewards, terminated, truncated, info = result
    _check_observations(envs, observations)
    assert rewards.shape == (envs.num_envs,) and rewards.dtype == np.float64 and np.isfinite(rewards).all()
    for flags in (terminated, truncated):
        assert flags.shape == (envs.num_envs,) and flags.dtype == np.bool_
    assert not (terminated & truncated).any()
    _check_info(envs.num_envs, info)
    over = terminated | truncated
    if envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP and over.any():
        assert info["final_obs"] in envs.observation_space
        assert np.array_equal(info["_final_obs"], over) and np.array_equal(info["_final_info"], over)
    else:
        assert "final_obs" not in info


def _check_nothing_is_reused(results: list[Any]) -> None:
    for i, one in enumerate(results):
        for other in results[i + 1 :]:
            assert not data_shares_objects(one[0], other[0]), "observations share memory"
            assert not data_shares_objects(one[1], other[1]), "infos share memory"


def _check_seeding(envs: VectorEnv) -> None:
    one, again = envs.reset(seed=3), envs.reset(seed=3)
    assert same(one, again), "one seed, two episodes"
    assert not same(one[0], envs.reset(seed=4)[0]), "two seeds, one episode"
    assert not same(one[0], envs.reset()[0]), "without a seed the first episode came again"


def _check_reset_mask(envs: VectorEnv) -> None:
    before, _ = envs.reset(seed=3)
    mask = np.arange(envs.num_envs) % 2 == 0
    after, info = envs.reset(options={"reset_mask": mask.copy()})
    assert np.array_equal(info["_loss"], mask)
    kept, fresh = (_rows(before, rows) for rows in (~mask, mask))
    assert same(kept, _rows(after, ~mask)), "an environment that the mask leaves out was reset"
    assert not same(fresh, _rows(after, mask)), "an environment of the mask was not reset"


def _rows(observations: Any, rows: np.ndarray) -> Any:
    if isinstance(observations, Mapping):
        return {name: value[rows] for name, value in observations.items()}
    return observations[rows]
