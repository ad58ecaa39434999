"""What older trainings called the figures of `myna.envs.tags`."""

from __future__ import annotations

import re

__all__ = ["current_name"]

_PLAIN = {
    "env/loss/total": "match/loss",
    "env/loss/best": "match/best_loss",
    "env/broken": "match/broken",
    "episode/best": "match/best_loss",
    "episode/reward": "rollout/ep_rew_mean",
    "stage": "curriculum/stage",
    "updates": "train/n_updates",
    "clone": "train/cloning_loss",
    "imagine": "train/imagined_loss",
    "promised": "train/promised",
    "rate": "train/learning_rate",
    "gradient": "train/gradient_norm",
    "score": "eval/score",
    "steps_per_s": "time/steps_per_s",
}
_SHAPED = (
    (re.compile(r"env/loss/(\w+)"), r"match/loss_\1"),
    (re.compile(r"env/reward/(\w+)"), r"rollout/reward_\1"),
    (re.compile(r"share/(\w+)"), r"time/share_\1"),
    (re.compile(r"sac/surplus_(\w+)"), r"train/entropy_surplus_\1"),
    (re.compile(r"sac/temperature_(\w+)"), r"train/ent_coef_\1"),
    (re.compile(r"sac/(\w+)"), r"train/\1"),
    (re.compile(r"eval/(\w+)/success"), r"eval/\1/success_rate"),
)


def current_name(name: str, played: bool = False) -> str:
    """The name that a figure has today; one that is not known stays as it is.

    Args:
        name: as the log has it.
        played: whether its line is of a training that plays, whose `loss` was that of presets.

    >>> current_name("sac/critic_loss"), current_name("env/loss/total"), current_name("match/loss")
    ('train/critic_loss', 'match/loss', 'match/loss')
    """
    if name == "loss":
        return "match/best_loss" if played else "train/loss"
    if name in _PLAIN:
        return _PLAIN[name]
    for pattern, today in _SHAPED:
        if pattern.fullmatch(name):
            return pattern.sub(today, name)
    return name
