"""The smoke training with everything smaller: some seconds from its first step to its last."""

from __future__ import annotations

from myna.training.config import TrainConfig, load_config

TINY = (
    "run.steps=96",
    "run.log_every=1",
    "run.evaluate_every=48",
    "run.checkpoint_every=24",
    "sac.envs=4",
    "sac.learn_after=8",
    "sac.replay_steps=60",
    "sac.learner.batch=8",
    "sac.learner.warm_up=2",
    "sac.learner.networks.hidden=[16, 16]",
    "sac.world.curriculum.total_s=0.15",
    "sac.world.curriculum.defaults.held_out=2",
    "sac.world.curriculum.defaults.horizon={all = 4, module = 4}",
    "sac.world.probes.count=3",
    "sac.world.probes.gates_s=[0.1]",
)


def tiny(*overrides: str) -> TrainConfig:
    return load_config("smoke", [*TINY, *overrides])
