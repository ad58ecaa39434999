"""The loss: zero for the same sound, growing with the error, per item, and not to be cheated."""

from __future__ import annotations

import numpy as np
import pytest

from myna.errors import UsageError
from myna.features import analyse
from myna.loss import PerceptualLoss
from myna.loss.perceptual import WEIGHTS, scales

RATE = 44_100
SAMPLES = RATE // 2


def note(semitones: float = 0.0, gain_db: float = 0.0, partials: int = 12, decay_s: float = 0.3) -> np.ndarray:
    """A decaying saw-like tone, (2, T), at about -20 dBFS."""
    t = np.arange(SAMPLES) / RATE
    hz = 220.0 * 2 ** (semitones / 12)
    tone = sum(np.sin(2 * np.pi * k * hz * t) / k for k in range(1, partials + 1))
    sound = 0.15 * 10 ** (gain_db / 20) * tone * np.exp(-t / decay_s)
    return np.repeat(sound[None], 2, axis=0).astype(np.float32)


def loss(candidates: np.ndarray, target: np.ndarray) -> np.ndarray:
    return PerceptualLoss()(analyse(candidates, RATE), analyse(target[None], RATE)).total


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(sound**2)))


def white(seed: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.repeat(rng.standard_normal((1, SAMPLES)), 2, axis=0).astype(np.float32)


def test_the_same_sound_has_no_loss() -> None:
    assert loss(note()[None], note())[0] == 0.0


def test_the_loss_is_symmetric() -> None:
    a, b = note(), note(3, -5, partials=4)
    assert loss(a[None], b)[0] == pytest.approx(loss(b[None], a)[0], rel=1e-6)


def test_weights_add_up_to_one_and_every_term_has_a_scale() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    assert set(scales()) == set(WEIGHTS)
    assert min(scales().values()) > 0


def test_the_terms_add_up_to_the_total() -> None:
    breakdown = PerceptualLoss()(analyse(np.stack([note(2), note(9)]), RATE), analyse(note()[None], RATE))
    assert set(breakdown.terms) == set(WEIGHTS)
    assert np.sum(list(breakdown.terms.values()), axis=0) == pytest.approx(breakdown.total)
    assert all(term.shape == (2,) for term in breakdown.terms.values())


def test_a_sound_has_the_same_bits_of_loss_whatever_the_batch() -> None:
    rng = np.random.default_rng(0)
    sounds = np.stack([note(s, g) for s, g in rng.uniform(-9, 9, (7, 2))])
    together = loss(sounds, note())
    assert [loss(sound[None], note())[0] for sound in sounds] == list(together)
    assert list(loss(sounds[::-1], note())) == list(together[::-1])


def test_pairs_compare_item_by_item() -> None:
    a, b = np.stack([note(), note(5)]), np.stack([note(1), note(7)])
    pairs = PerceptualLoss()(analyse(a, RATE), analyse(b, RATE)).total
    assert list(pairs) == [loss(a[:1], b[0])[0], loss(a[1:], b[1])[0]]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_larger_level_error_costs_more(sign: int) -> None:
    ladder = loss(np.stack([note(gain_db=sign * step) for step in (0, 1, 3, 6, 12)]), note())
    assert np.all(np.diff(ladder) > 0.01)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_larger_pitch_error_costs_more(sign: int) -> None:
    ladder = loss(np.stack([note(sign * step) for step in (0, 1, 2, 5, 12)]), note())
    assert np.all(np.diff(ladder) > 0.01)


def test_a_larger_brightness_error_costs_more() -> None:
    ladder = loss(np.stack([note(partials=partials) for partials in (12, 9, 6, 3, 1)]), note())
    assert np.all(np.diff(ladder) > 0.01)


def test_a_larger_error_in_decay_costs_more() -> None:
    ladder = loss(np.stack([note(decay_s=decay_s) for decay_s in (0.3, 0.2, 0.1, 0.05, 0.02)]), note())
    assert np.all(np.diff(ladder) > 0.01)


@pytest.mark.parametrize("target", [note(), np.zeros((2, SAMPLES), np.float32)], ids=["note", "silence"])
def test_silence_gives_a_finite_loss(target: np.ndarray) -> None:
    silent = np.zeros((1, 2, SAMPLES), np.float32)
    assert np.isfinite(loss(silent, target)).all()
    assert loss(np.zeros((1, 2, SAMPLES), np.float32), np.zeros((2, SAMPLES), np.float32))[0] == 0.0


def cheats() -> dict[str, np.ndarray]:
    target = note()
    click = np.zeros((2, SAMPLES), np.float32)
    click[:, 100] = min(1.0, rms(target) * np.sqrt(SAMPLES))  # the target's energy in one sample, as far as it goes
    t = np.arange(SAMPLES) / RATE
    return {
        "silence": np.zeros_like(target),
        "near silence": 1e-3 * target,
        "constant": np.full_like(target, rms(target)),
        "clipped noise": np.clip(20 * white(), -1, 1).astype(np.float32),
        "noise at the target's level": (rms(target) * white()).astype(np.float32),
        "one click": click,
        "far too loud": 30 * target,
        "sides that cancel": np.stack([target[0], -target[1]]),
        "wide vibrato": np.repeat(
            0.1 * np.sin(2 * np.pi * 220 * t + 400 * np.sin(2 * np.pi * 7 * t))[None], 2, axis=0
        ).astype(np.float32),
    }


@pytest.mark.parametrize("name", list(cheats()))
def test_a_cheat_costs_more_than_an_honest_poor_match(name: str) -> None:
    poor = note(1.0, -4.0, partials=5, decay_s=0.15)
    assert loss(cheats()[name][None], note())[0] > 1.2 * loss(poor[None], note())[0]


def test_level_is_not_normalised_away() -> None:
    breakdown = PerceptualLoss()(analyse(note(gain_db=-6)[None], RATE), analyse(note()[None], RATE))
    assert breakdown.terms["level"][0] * scales()["level"] / WEIGHTS["level"] == pytest.approx(6.0, abs=0.05)


def test_a_wide_sound_is_not_a_mono_one() -> None:
    wide = note() + 0.05 * np.array([[1.0], [-1.0]], np.float32) * white()
    terms = PerceptualLoss()(analyse(wide[None].astype(np.float32), RATE), analyse(note()[None], RATE)).terms
    assert terms["stereo"][0] > 0.03
    assert max(value[0] for name, value in terms.items() if name != "stereo") < 1e-3


def test_weights_can_be_chosen_and_unknown_ones_are_refused() -> None:
    only = PerceptualLoss({"level": 1.0})(analyse(note(7)[None], RATE), analyse(note()[None], RATE))
    assert set(only.terms) == {"level"}
    with pytest.raises(UsageError, match="no loss term 'pitch'"):
        PerceptualLoss({"pitch": 1.0})


def test_sounds_of_different_lengths_are_refused() -> None:
    with pytest.raises(UsageError, match="equal length"):
        loss(note()[None, :, : SAMPLES // 2], note())
