"""Trains our SAC on any environment of Gymnasium with Box spaces: what tests and benchmarks compare with others."""

from __future__ import annotations

import gymnasium
import numpy as np
import torch

from myna.agents.heads import ActionHeads
from myna.agents.networks import torch_generator
from myna.agents.replay import Episodes, Observed, Replay, ReplayConfig
from myna.agents.sac import SAC, SACConfig
from myna.seeding import generator


def plain_replay(observation: int, action: int, rows: int, seed: int) -> Replay:
    """A replay that keeps observations as they are."""
    return Replay(
        ReplayConfig(rows, goals=0),
        {"observation": (torch.float32, (observation,))},
        {"delta": (torch.float32, (action,))},
        {},
        lambda rows: Observed(rows.state["observation"]),
        torch_generator(seed, "replay"),
    )


def transition(before: np.ndarray, delta: torch.Tensor, reward: float, ends: tuple[bool, bool], after: np.ndarray):
    """One step as an episode of its own."""
    states = torch.from_numpy(np.stack([before, after])).float()[None]
    flags = [torch.tensor([[end]]) for end in ends]
    reward = torch.tensor([[[reward]]], dtype=torch.float32)
    one = torch.tensor([1])
    return Episodes(one, {"observation": states}, {"delta": delta[None]}, {}, {}, reward, flags[0][None], flags[1])


def train(env: gymnasium.Env, config: SACConfig, steps: int, seed: int, learning_starts: int = 100) -> SAC:
    """One update a step, as Stable-Baselines3 does it."""
    space, sizes = env.action_space, (env.observation_space.shape[0], env.action_space.shape[0])
    sac = SAC(config, {"observation": (slice(0, sizes[0]), (sizes[0],))}, ActionHeads(sizes[1]), seed)
    replay, rng = plain_replay(*sizes, 2 * steps, seed), generator(seed, "explore")
    observation, _ = env.reset(seed=seed)
    for step in range(steps):
        if step < learning_starts:
            delta = torch.from_numpy(rng.uniform(-1.0, 1.0, (1, sizes[1]))).float()
        else:
            delta = sac.act(torch.from_numpy(observation).float()[None])["delta"]
        after, reward, terminated, truncated, _ = env.step(scaled(space, delta))
        replay.add(transition(observation, delta, float(reward), (terminated, truncated), after))
        observation = env.reset()[0] if terminated or truncated else after
        if step >= learning_starts:
            sac.update(replay.sample(config.batch))
    return sac


def scaled(space: gymnasium.spaces.Box, delta: torch.Tensor) -> np.ndarray:
    """An action of the environment from numbers (1, A) in [-1, 1]."""
    return space.low + (delta[0].numpy() + 1.0) / 2.0 * (space.high - space.low)


def returns(env: gymnasium.Env, act, episodes: int, seed: int) -> list[float]:
    """Sums of rewards of whole episodes; act: observation (D,) → action of the environment."""
    totals = []
    for episode in range(episodes):
        observation, _ = env.reset(seed=seed + episode)
        total, over = 0.0, False
        while not over:
            observation, reward, terminated, truncated, _ = env.step(act(observation))
            total, over = total + float(reward), terminated or truncated
        totals.append(total)
    return totals


def greedy(sac: SAC, space: gymnasium.spaces.Box):
    """The learner as a function of observations."""
    return lambda observation: scaled(space, sac.act(torch.from_numpy(observation).float()[None], greedy=True)["delta"])


class Reach(gymnasium.Env):
    """A planar arm of two links pushes its tip to a point; reward is minus the distance and a tenth of the effort².

    Observation: sine and cosine of both joints, their speeds, the point and the way there; action: two torques.
    """

    observation_space = gymnasium.spaces.Box(-10.0, 10.0, (10,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    LINKS, SECONDS, DRAG, STEPS = np.array([0.5, 0.5]), 0.1, 1.0, 50

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.joints, self.speeds = self.np_random.uniform(-np.pi, np.pi, 2), np.zeros(2)
        angle, distance = self.np_random.uniform(-np.pi, np.pi), self.np_random.uniform(0.3, 0.9)
        self.point, self.made = distance * np.array([np.cos(angle), np.sin(angle)]), 0
        return self._observe(), {}

    def step(self, action):
        action = np.clip(action, -1.0, 1.0)
        self.speeds = self.speeds + self.SECONDS * (8.0 * action - self.DRAG * self.speeds)
        self.joints = self.joints + self.SECONDS * self.speeds
        self.made += 1
        reward = -np.linalg.norm(self._way()) - 0.1 * np.square(action).sum()
        return self._observe(), float(reward), False, self.made >= self.STEPS, {}

    def _way(self) -> np.ndarray:
        angles = np.cumsum(self.joints)
        return self.point - (self.LINKS * np.array([np.cos(angles), np.sin(angles)])).sum(-1)

    def _observe(self) -> np.ndarray:
        parts = [np.sin(self.joints), np.cos(self.joints), self.speeds / 5.0, self.point, self._way()]
        return np.concatenate(parts).clip(-10.0, 10.0).astype(np.float32)
