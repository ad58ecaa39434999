"""TorchRL's `GymWrapper` takes the environment, where TorchRL is installed (it is in no extra).

Of the vector environment it wants DISABLED, and refuses NEXT_STEP. In SAME_STEP its reader of infos (0.14.1)
stumbles over the nested `final_info`.
"""

from __future__ import annotations

import gymnasium
import pytest
import torch

import myna.envs

pytest.importorskip("torchrl")


def test_torchrls_wrapper_checks_and_plays_a_single_environment() -> None:
    from torchrl.envs import GymWrapper
    from torchrl.envs.utils import check_env_specs

    env = GymWrapper(gymnasium.make(myna.envs.ENV_ID, stage=1, threads=1))
    check_env_specs(env)
    played = env.rollout(3)
    assert played["action"].shape[1:] == env.action_spec.shape
    assert torch.equal(played["observation"][1:], played["next", "observation"][:-1])


def test_torchrls_wrapper_checks_and_plays_a_vector_environment() -> None:
    from torchrl.envs import GymWrapper
    from torchrl.envs.utils import check_env_specs

    env = GymWrapper(gymnasium.make_vec(myna.envs.ENV_ID, 3, stage=1, threads=1, autoreset_mode="DISABLED"))
    check_env_specs(env)
    played = env.rollout(12, break_when_any_done=False)
    assert played.batch_size == (3, 12)
    over = played["next", "done"][:, :-1, 0]
    assert bool(over.any())
    same = (played["observation"][:, 1:] == played["next", "observation"][:, :-1]).all(-1)
    assert torch.equal(same, ~over)
