from __future__ import annotations

from pathlib import Path

import pytest

from myna.envs.tags import TAGS, is_tag, table_rows

DOCS = Path(__file__).parents[2] / "docs" / "training.md"


@pytest.mark.parametrize("name", ["rollout/ep_rew_mean", "match/loss_log_mel", "eval/rec/best", "curriculum/median/fx"])
def test_what_is_tracked_is_in_the_table(name: str) -> None:
    assert is_tag(name)


@pytest.mark.parametrize("name", ["loss", "share/play", "sac/critic_loss", "env/loss/total", "eval/in/best/again", ""])
def test_what_was_called_otherwise_is_not(name: str) -> None:
    assert not is_tag(name)


def test_the_documentation_holds_the_table_as_it_is() -> None:
    assert "\n".join(table_rows()) in DOCS.read_text(encoding="utf-8")


def test_names_of_stable_baselines3_are_kept() -> None:
    sb3 = "rollout/ep_rew_mean rollout/ep_len_mean rollout/success_rate time/fps time/total_timesteps time/time_elapsed"
    sb3 += " train/actor_loss train/critic_loss train/ent_coef train/ent_coef_loss train/learning_rate train/n_updates"
    assert set(sb3.split()) | {"train/loss", "eval/mean_reward", "eval/mean_ep_length", "eval/success_rate"} <= set(
        TAGS
    )
