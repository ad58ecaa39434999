"""What is tracked, under which names: the one table, for callbacks and trainings alike.

Names that Stable-Baselines3 has mean what they mean there, so that its curves and ours can be laid over each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

__all__ = ["LATEST", "TAGS", "is_tag", "table_rows"]

TAGS: Mapping[str, str] = MappingProxyType(
    {
        "time/total_timesteps": "steps so far: of the environments, or gradient steps of what learns from rows",
        "time/time_elapsed": "seconds so far, over all resumptions",
        "time/fps": "steps a second since the beginning: the two above",
        "time/steps_per_s": "steps a second since the last line",
        "time/share_<what>": "share of the wall clock: `play`, `updates_beside`, `wait`, `evaluate`, `media`, …",
        "rollout/ep_rew_mean": "mean return of the last 100 episodes, undiscounted",
        "rollout/ep_len_mean": "their mean length in steps",
        "rollout/success_rate": "share of them that reached their target",
        "rollout/reward_<part>": "mean of a step: `improvement`, `effort`, `new_best`, `success`, `broken`",
        "rollout/stage_<n>/<figure>": "callbacks: `first_loss`, `best_loss`, `steps`, `success`, `count`",
        "train/loss": "what a supervised learner learns by",
        "train/actor_loss": "of the last update's actor",
        "train/critic_loss": "of both critics",
        "train/ent_coef": "mean of the two below",
        "train/ent_coef_<kind>": "the temperature of `delta` (ordered knobs) and `choice`",
        "train/ent_coef_loss": "what the temperatures learn by",
        "train/entropy_surplus_<kind>": "entropy above its target, for each dimension",
        "train/learning_rate": "of the actor, or of the network",
        "train/n_updates": "gradient updates so far",
        "train/value": "mean target of the critics",
        "train/<other>": "`cloning_loss`, `imagined_loss`, `promised`, `gradient_norm`, `pinball`, `surprise`, …",
        "match/loss": "mean loss of the presets that were played; 0 is identical, 1 the median pair of random presets",
        "match/loss_<term>": "what each term and penalty adds to it",
        "match/best_loss": "mean lowest loss of their episodes so far",
        "match/improvement": "mean of what the last 100 episodes took off the loss of their start",
        "match/broken": "callbacks: share of environments whose loss is not a number",
        "match/embedding/<figure>": "callbacks: similarity by a scorer's name, and counts of what was not scored",
        "curriculum/stage": "that is trained",
        "curriculum/distance": "of near starts from their targets, 0 to 1",
        "curriculum/episodes": "of the stage since it was entered",
        "curriculum/below": "evaluations in a row that passed",
        "curriculum/above": "evaluations in a row on the stage before that failed",
        "curriculum/median/<stage>": "last median loss on a stage's held-out targets",
        "render/ms_per_clip": "wall clock of a sound's rendering, on the CPU",
        "render/clips_per_s": "sounds rendered a second since the last line",
        "render/share": "share of the wall clock that goes into rendering, on the CPU",
        "eval/score": "what the best is chosen by, the lower the better",
        "eval/mean_reward": "mean return over the sets that count",
        "eval/mean_ep_length": "mean length in steps over the sets that count",
        "eval/success_rate": "mean share of targets reached over the sets that count",
        "eval/<set>/start": "median loss of the starts; sets are `in`, `rec` and `stage_<n>`",
        "eval/<set>/best": "median lowest loss",
        "eval/<set>/success_rate": "share of targets reached",
        "eval/<set>/mean_reward": "mean return",
        "eval/<set>/mean_ep_length": "mean length in steps",
        "eval/<set>/loss_<term>": "mean of what each term adds to the lowest losses",
        "eval/<other>": "of what learns from rows, on held-out ones: `loss`, `pinball`, `surprise`, `error`, `r2`",
    }
)
"""Name → meaning; what stands in angle brackets varies."""

LATEST = (
    "train/n_updates",
    "train/learning_rate",
    "curriculum/",
    "rollout/ep_",
    "rollout/success_rate",
    "match/improvement",
)
"""Beginnings of names that tell how things are; of all others a line tells the mean since the last one."""

_PATTERNS = tuple(re.compile(re.sub(r"<\w+>", r"[^/]+", name)) for name in TAGS)


def is_tag(name: str) -> bool:
    """Whether a scalar's name is in the table.

    >>> is_tag("match/loss_log_mel"), is_tag("loss")
    (True, False)
    """
    return any(pattern.fullmatch(name) for pattern in _PATTERNS)


def table_rows() -> Iterator[str]:
    """The table as lines of Markdown, as the documentation has it."""
    yield "| name | what |"
    yield "| --- | --- |"
    for name, meaning in TAGS.items():
        yield f"| `{name}` | {meaning} |"
