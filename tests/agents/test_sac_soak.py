"""SAC beside Stable-Baselines3's, and compiled beside plain; minutes, so `make soak` runs it."""

from __future__ import annotations

import warnings
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from tests.agents.gym_loop import Reach, greedy, plain_replay, returns, train, transition

from myna.agents.heads import ActionHeads
from myna.agents.networks import NetworkConfig
from myna.agents.sac import SAC, SACConfig

RATE, DISCOUNT, HIDDEN, BATCH, EPISODES = 1e-3, 0.98, 64, 128, 20
CONFIG = SACConfig(NetworkConfig((HIDDEN, HIDDEN)), DISCOUNT, BATCH, RATE, RATE, RATE, temperature=1.0)


def ours(env: gymnasium.Env, steps: int, seed: int) -> float:
    sac = train(env, CONFIG, steps, seed)
    return float(np.mean(returns(env, greedy(sac, env.action_space), EPISODES, seed=1000)))


def theirs(env: gymnasium.Env, steps: int, seed: int) -> float:
    import stable_baselines3

    model = stable_baselines3.SAC(
        "MlpPolicy", env, RATE, batch_size=BATCH, gamma=DISCOUNT, seed=seed, device="cpu",
        policy_kwargs={"net_arch": [HIDDEN, HIDDEN]},
    )  # fmt: skip
    model.learn(steps)
    act = lambda observation: model.predict(observation, deterministic=True)[0]  # noqa: E731
    return float(np.mean(returns(env, act, EPISODES, seed=1000)))


@pytest.mark.soak
@pytest.mark.parametrize(
    ("make", "steps", "learned"),
    [(lambda: gymnasium.make("Pendulum-v1"), 5000, -250.0), (Reach, 5000, -20.0)],
    ids=["pendulum", "reach"],
)
def test_returns_equal_those_of_stable_baselines3_within_the_spread_of_three_seeds(make, steps, learned) -> None:
    """Equal: the means differ by less than the wider of the two ranges, or ours is better."""
    torch.set_num_threads(1)
    one = [ours(make(), steps, seed) for seed in range(3)]
    two = [theirs(make(), steps, seed) for seed in range(3)]
    print(f"ours {np.round(one, 1)}, theirs {np.round(two, 1)}")
    spread = max(np.ptp(one), np.ptp(two))
    assert np.mean(one) > np.mean(two) - spread
    assert np.mean(one) > learned


@pytest.mark.soak
def test_compiled_losses_are_those_of_plain_ones() -> None:
    heads, layout = ActionHeads(2), {"all": (slice(0, 3), (3,))}
    store, rng = plain_replay(3, 2, 200, seed=0), np.random.Generator(np.random.PCG64(0))
    for _ in range(50):
        before, after = rng.standard_normal((2, 3))
        delta = torch.from_numpy(rng.uniform(-1, 1, (1, 2))).float()
        store.add(transition(before, delta, float(before.sum()), (False, False), after))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of torch's own compiler
        plain, compiled = (SAC(replace(CONFIG, compile=on), layout, heads, seed=0) for on in (False, True))
        for _ in range(3):
            batch = store.sample(32)
            one, two = plain.update(batch), compiled.update(batch)
    for name, value in one.items():
        assert torch.allclose(value, two[name], atol=1e-4), name
