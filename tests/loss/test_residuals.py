"""The loss as a vector agrees with the loss as a number."""

from __future__ import annotations

import numpy as np
import pytest

from myna.features import analyse
from myna.loss import PerceptualLoss, residuals
from myna.loss.perceptual import WEIGHTS

RATE = 44_100


def note(semitones: float = 0.0, gain_db: float = 0.0, partials: int = 12) -> np.ndarray:
    """A decaying saw-like tone, (2, T)."""
    t = np.arange(RATE // 2) / RATE
    hz = 220.0 * 2 ** (semitones / 12)
    tone = sum(np.sin(2 * np.pi * k * hz * t) / k for k in range(1, partials + 1))
    return np.repeat((0.15 * 10 ** (gain_db / 20) * tone * np.exp(-t / 0.3))[None], 2, axis=0).astype(np.float32)


def white() -> np.ndarray:
    return np.repeat(np.random.default_rng(5).standard_normal((1, RATE // 2)), 2, axis=0).astype(np.float32)


TARGET = analyse(note()[None], RATE)


def test_the_same_sound_has_no_residuals() -> None:
    assert not residuals(TARGET, TARGET).any()


def test_absolute_residuals_add_up_to_about_the_loss_without_transport() -> None:
    sounds = np.stack([note(3), note(gain_db=-6), note(partials=2), 0.1 * white(), 0.0 * note()])
    features = analyse(sounds, RATE)
    loss = PerceptualLoss({name: weight for name, weight in WEIGHTS.items() if name != "transport"})
    totals = loss(features, TARGET).total
    assert np.abs(residuals(features, TARGET)).sum(axis=1) == pytest.approx(totals, rel=0.15)


def test_residuals_have_a_sign() -> None:
    features = analyse(np.stack([note(gain_db=3), note(gain_db=-3)]), RATE)
    louder, softer = residuals(features, TARGET).sum(axis=1)
    assert louder > 0 > softer


@pytest.mark.parametrize("samples", [100, 700, 5000])
def test_short_sounds_have_finite_residuals(samples: int) -> None:
    short = note()[None, :, :samples]
    assert np.isfinite(residuals(analyse(0.5 * short, RATE), analyse(short, RATE))).all()
