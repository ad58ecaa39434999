"""Stable-Baselines3's SAC on myna's vector environment.

    pip install stable-baselines3
    python examples/sb3_sac.py --stage 1 --steps 20000

Myna's environments already run side by side, so SB3 needs no processes, only the small `VecEnv` below. It also leaves
out what is closed in the stage: SAC would explore every entry of an action, whether it does something or not.

Shapes: B environments, A entries of an action, D numbers of an observation.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from stable_baselines3 import SAC
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

from myna.envs.task import TaskBatch
from myna.envs.vector import MynaVectorEnv


class MynaVecEnv(VecEnv):
    """Myna's vector environment as SB3 wants it; of one fixed stage, in SAME_STEP.

    Args:
        envs: what is played, with flat actions and observations.
        stage: whose open parameters SAC may move.
    """

    def __init__(self, envs: MynaVectorEnv, stage: int) -> None:
        self.envs = envs
        table, decoder = envs.core.renderer.table, envs.core.decoder
        opens = torch.from_numpy(envs.curriculum.stages[stage - 1].mask(table))
        self.live = np.flatnonzero(decoder.live(opens[None].to(decoder.device))[0].cpu().numpy())
        actions = Box(-1.0, 1.0, (len(self.live),), np.float32)
        super().__init__(envs.num_envs, envs.single_observation_space, actions)

    def whole_actions(self, actions: np.ndarray) -> np.ndarray:
        """Actions (B, A) from those of the live entries; 0 elsewhere moves nothing and keeps every choice."""
        whole = np.zeros((len(actions), self.envs.core.decoder.layout.size), np.float32)
        whole[:, self.live] = actions
        return whole

    def reset(self) -> np.ndarray:
        """Begin all episodes, with the seeds of the last `seed()` if there was one."""
        seeds = None if self._seeds[0] is None else list(self._seeds)
        self._reset_seeds()
        observations, _ = self.envs.reset(seed=seeds)
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        """Take the actions of the next step."""
        self._actions = self.whole_actions(actions)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Play the step; where an episode has ended, the observation is the next one's first."""
        observations, rewards, terminated, truncated, info = self.envs.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(terminated | truncated):
            final = info["final_info"]
            # SB3 bootstraps from the last observation of an episode that was only cut off.
            infos[i] = {"terminal_observation": info["final_obs"][i], "TimeLimit.truncated": bool(truncated[i])}
            infos[i] |= {name: final[name][i].item() for name in ("best_loss", "is_success")}
        return observations, rewards.astype(np.float32), terminated | truncated, infos

    def close(self) -> None:
        """Close the environments."""
        self.envs.close()

    # One object plays all environments: what is asked of one is answered for each that was asked.

    def get_attr(self, attr_name: str, indices: int | Iterable[int] | None = None) -> list[Any]:
        """An attribute, once for each environment."""
        return [getattr(self.envs, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: int | Iterable[int] | None = None) -> None:
        """Set an attribute of all."""
        setattr(self.envs, attr_name, value)

    def env_method(
        self, method_name: str, *args: Any, indices: int | Iterable[int] | None = None, **kwargs: Any
    ) -> list[Any]:
        """Call a method, once for each environment."""
        return [getattr(self.envs, method_name)(*args, **kwargs) for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: int | Iterable[int] | None = None) -> list[bool]:
        """Nothing is wrapped."""
        return [False for _ in self._get_indices(indices)]


def train(env: MynaVecEnv, steps: int, seed: int, layers: Sequence[int] = (256, 256), batch: int = 256) -> SAC:
    """Train for so many environment steps."""
    model = SAC(
        "MlpPolicy",
        VecMonitor(env),
        gamma=0.8,  # the reward tells at once what a step was worth
        learning_starts=10 * env.num_envs,
        buffer_size=min(steps, 20_000),  # an observation is 8 kB
        batch_size=batch,
        train_freq=1,
        gradient_steps=max(1, env.num_envs // 4),
        policy_kwargs={"net_arch": list(layers)},
        seed=seed,
        device="cpu",
    )
    return model.learn(steps)


def best_losses(model: SAC | None, tasks: TaskBatch, stage: int, settings: dict[str, Any]) -> np.ndarray:
    """The best loss of an episode of each task, (B,): by the model without noise, or by random actions."""
    envs = MynaVectorEnv(len(tasks), stage=stage, autoreset_mode="DISABLED", **settings)
    env = MynaVecEnv(envs, stage)
    env.action_space.seed(0)
    observations, _ = envs.reset(options={"tasks": tasks})
    while not bool(envs.state.ended.all()):
        if model is None:
            actions = np.stack([env.action_space.sample() for _ in range(len(tasks))])
        else:
            actions, _ = model.predict(observations, deterministic=True)
        observations, *_ = envs.step(env.whole_actions(actions))
    return envs.state.best_loss.numpy()


def main(argv: Sequence[str] | None = None) -> None:
    """Train, then compare with random actions on targets that were never trained on."""
    parser = argparse.ArgumentParser(description="Stable-Baselines3's SAC on myna's vector environment.")
    parser.add_argument("--stage", type=int, default=1, help="of the curriculum, 1 to 6")
    parser.add_argument("--envs", type=int, default=32, help="episodes side by side")
    parser.add_argument("--steps", type=int, default=20_000, help="environment steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=None, help="where to save the model (.zip)")
    options = parser.parse_args(argv)
    envs = MynaVectorEnv(options.envs, stage=options.stage)
    model = train(MynaVecEnv(envs, options.stage), options.steps, options.seed)
    if options.out:
        model.save(options.out)
    settings = {"renderer": envs.core.renderer}
    tasks = envs.curriculum.held_out(options.stage)
    starts = envs.core.reset(tasks).loss.numpy()
    rows = {
        "start": starts,
        "random actions": best_losses(None, tasks, options.stage, settings),
        "SAC": best_losses(model, tasks, options.stage, settings),
    }
    print(f"median best loss on {len(tasks)} held-out targets of stage {options.stage}:")
    for name, losses in rows.items():
        print(f"  {name:<15} {np.median(losses):.3f}")


if __name__ == "__main__":
    main()
