"""The verb `play` plays the environment's own episodes, and keeps all of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from myna.errors import UsageError
from myna.evaluation.report.episode import PlayedEpisode
from myna.playing import POLICIES, PlaySettings, best_preset, play_episode
from myna.synth.renderer import Renderer


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


@pytest.fixture(scope="module")
def reached(renderer: Renderer) -> PlayedEpisode:
    return play_episode(PlaySettings(stage=3, policy="oracle", seed=1), renderer)


def test_the_oracle_reaches_its_target(reached: PlayedEpisode) -> None:
    assert reached.outcome == "reached"
    assert reached.best_step == reached.steps <= reached.horizon
    assert reached.losses[-1] <= reached.success_loss < reached.losses[0]
    assert reached.rewards[-1]["success"] == 1.0


def test_one_seed_gives_one_episode_and_another_another(reached: PlayedEpisode, renderer: Renderer) -> None:
    again = play_episode(PlaySettings(stage=3, policy="oracle", seed=1), renderer)
    assert np.array_equal(again.u, reached.u)
    assert again.losses == reached.losses
    other = play_episode(PlaySettings(stage=3, policy="oracle", seed=2), renderer)
    assert not np.array_equal(other.target_audio, reached.target_audio)


def test_the_sounds_are_those_of_the_presets_and_the_target(reached: PlayedEpisode, renderer: Renderer) -> None:
    assert reached.target_u is not None
    presets = torch.from_numpy(np.stack([reached.u[-1], reached.target_u]))
    audio = renderer.render(presets, list(reached.probes)).numpy()
    last, target = (np.concatenate(list(sound), -1) for sound in audio)
    assert np.array_equal(last, reached.sounds[-1])
    assert np.array_equal(target, reached.target_audio)
    assert len(reached.sounds) == len(reached.u) == len(reached.losses) == len(reached.terms) == reached.steps + 1


def test_terms_add_up_to_the_losses_and_reward_parts_tell_of_them(reached: PlayedEpisode) -> None:
    for loss, terms in zip(reached.losses, reached.terms, strict=True):
        assert sum(terms.values()) == pytest.approx(loss, abs=1e-5)
    gained = sum(parts["improvement"] for parts in reached.rewards)
    assert gained == pytest.approx(4.0 * (reached.losses[0] - reached.losses[-1]), abs=1e-5)


def test_the_best_preset_can_be_kept(reached: PlayedEpisode, renderer: Renderer) -> None:
    kept = best_preset(reached, renderer.table).u(renderer.table)
    assert np.allclose(kept, reached.u[reached.best_step], atol=1e-9)


def test_noop_moves_nothing_until_it_is_given_up(renderer: Renderer) -> None:
    played = play_episode(PlaySettings(stage=1, policy="noop"), renderer)
    assert played.outcome == "stagnated"
    assert len(set(played.losses)) == 1
    assert played.edits(renderer.table) == []
    assert played.total_reward == 0.0


@pytest.mark.parametrize("policy", POLICIES)
def test_by_module_each_step_moves_one(policy: str, renderer: Renderer) -> None:
    played = play_episode(PlaySettings(stage=2, policy=policy, mode="module"), renderer)
    for step in range(1, played.steps + 1):
        edits = [edit for edit in played.edits(renderer.table) if edit.step == step]
        assert len({edit.parameter.partition(".")[0] for edit in edits}) <= 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (PlaySettings(policy="wise"), "no policy 'wise': choose one of oracle, random, noop"),
        (PlaySettings(stage=7), "no stage 7"),
        (PlaySettings(mode="some"), "mode must be one of"),
    ],
)
def test_settings_that_make_no_sense_get_one_sentence(settings: PlaySettings, words: str, renderer: Renderer) -> None:
    with pytest.raises(UsageError, match=words):
        play_episode(settings, renderer)
