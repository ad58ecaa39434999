"""Penalties: none for honest differences, one for its cheat, never a cliff."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from myna.features import CONFIGS, FeatureConfig, analyse
from myna.loss import Heard
from myna.loss.config import PENALTY_WEIGHTS
from myna.loss.flutter import movement_db, roughness
from myna.loss.penalties import PENALTIES, ramp

from .conftest import RATE, late, note, stereo, vibrato_saw, white

EARS = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def heard(*sounds: np.ndarray, config: FeatureConfig = CONFIGS["full"]) -> Heard:
    return Heard(analyse(np.stack(sounds), RATE, config))


def penalties(sound: np.ndarray, target: np.ndarray, config: FeatureConfig = CONFIGS["full"]) -> dict[str, float]:
    a, b = heard(sound, config=config), heard(target, config=config)
    return {name: float(penalty(a, b)) for name, penalty in PENALTIES.items()}


def sustained(seconds: float = 1.0) -> np.ndarray:
    return note(decay_s=5.0, seconds=seconds)


HONEST = {
    "the same": note(),
    "1 dB louder": note(gain_db=1),
    "3 dB softer": note(gain_db=-3),
    "20 cents sharp": note(0.2),
    "a semitone flat": note(-1),
    "darker": note(partials=9),
    "a shorter decay": note(decay_s=0.25),
    "10 ms late": note(late_s=0.01),
    "with some noise": note() + 0.001 * white(),
    "with a little vibrato": note() * 0 + 0.05 * stereo(vibrato_saw(57, RATE // 2, 0.1, 5.0)) * np.abs(note()).max(),
}


@EARS
@pytest.mark.parametrize("name", list(HONEST))
def test_an_honest_small_difference_is_not_penalised(name: str, config: FeatureConfig) -> None:
    target = HONEST["with a little vibrato"] if "vibrato" in name else note()
    found = penalties(HONEST[name], target, config)
    assert {k: v for k, v in found.items() if v > 0.01} == {}


CHEATS = {
    "silence": 0.001 * sustained(),
    "dc": sustained() + 0.5,
    "clipping": np.clip(40 * sustained(), -1, 1),
    "transient": np.concatenate([4 * sustained(0.02), 0 * sustained(0.98)], axis=1),
    "noise": 0.1 * white(seconds=1.0),
    "smear": 0.1 * stereo(vibrato_saw(57, RATE, 5.0, 6.0)),
    "level": 20 * sustained(),
    "pumping": sustained() * (0.5 - 0.5 * np.cos(2 * np.pi * 8 * np.arange(RATE) / RATE)),
    "tail": sustained(),
    "onset": late(sustained(), 0.25),
}


@EARS
@pytest.mark.parametrize("name", list(CHEATS))
def test_a_cheat_meets_its_own_penalty_in_full(name: str, config: FeatureConfig) -> None:
    target = np.pad(sustained(0.3), ((0, 0), (0, RATE - round(0.3 * RATE)))) if name == "tail" else sustained()
    assert penalties(CHEATS[name].astype(np.float32), target, config)[name] > 0.9


def test_every_penalty_has_a_weight_and_a_cheat() -> None:
    assert set(PENALTIES) == set(PENALTY_WEIGHTS) == set(CHEATS)
    assert min(PENALTY_WEIGHTS.values()) >= 1.0


@pytest.mark.parametrize("name", list(PENALTIES))
def test_a_penalty_lies_in_0_to_1_whatever_is_compared(name: str) -> None:
    sounds = heard(*CHEATS.values(), np.zeros_like(sustained()), sustained())
    for i in range(len(sounds.features)):
        found = PENALTIES[name](sounds, Heard(sounds.features[i : i + 1]))
        assert torch.all((found >= 0) & (found <= 1))


def test_a_ramp_rises_without_a_cliff_and_is_flat_at_both_ends() -> None:
    x = torch.linspace(-1, 3, 4001, dtype=torch.float64)
    y = ramp(x, 0.0, 2.0)
    slope = y.diff() / x.diff()
    assert y[0] == 0 and y[-1] == 1
    assert slope.min() >= 0 and slope.max() < 0.76
    assert slope.diff().abs().max() < 0.01


@pytest.mark.parametrize("name", ["onset", "level", "pumping", "noise"])
def test_a_penalty_has_no_cliff_along_its_cheat(name: str) -> None:
    t = np.arange(RATE) / RATE
    ways = {
        "onset": [late(sustained(), s) for s in np.arange(0.0, 0.3, 0.005)],
        "level": [sustained() * 10 ** (db / 20) for db in np.arange(-30.0, 0.0, 0.5)],
        "pumping": [sustained() * (1 - d * (0.5 + 0.5 * np.cos(16 * np.pi * t))) for d in np.arange(0, 1, 0.02)],
        "noise": [sustained() + a * white(seconds=1.0) for a in 10 ** np.arange(-4, 0, 0.05)],
    }
    sounds = heard(*(np.asarray(sound, np.float32) for sound in ways[name]))
    found = PENALTIES[name](sounds, heard(sustained()))
    assert found.max() > 0.5
    assert float(found.diff().abs().max()) < 0.2


@EARS
def test_noise_is_rough_and_a_tone_is_not_in_any_config(config: FeatureConfig) -> None:
    sounds = heard(sustained(), 0.1 * white(seconds=1.0), config=config)
    tone, noise = roughness(sounds.features, sounds.loud_bands).tolist()
    assert tone < 0.15
    assert 0.5 < noise < 1.2


@EARS
def test_a_vibrato_moves_the_spectrum_and_a_fade_does_not(config: FeatureConfig) -> None:
    fading, moving = note(decay_s=0.05, seconds=1.0), CHEATS["smear"].astype(np.float32)
    sounds = heard(fading, moving, config=config)
    still, moved = movement_db(sounds.features, sounds.loud_bands).tolist()
    assert moved > 3 * still
