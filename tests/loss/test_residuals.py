"""The loss as a vector agrees with the loss as a number."""

from __future__ import annotations

import numpy as np
import pytest

from myna.features import CONFIGS as EARS
from myna.features import analyse
from myna.loss import CONFIGS, Heard, PerceptualLoss, residuals

from .conftest import RATE, note, white

BOTH = pytest.mark.parametrize("name", list(CONFIGS))
SOUNDS = np.stack([note(3), note(gain_db=-6), note(partials=2), 0.1 * white(), 0.0 * note()])


@BOTH
def test_the_same_sound_has_no_residuals(name: str) -> None:
    target = analyse(note()[None], RATE, EARS[name])
    found = residuals(target, target, CONFIGS[name])
    assert found.dtype == np.float32
    assert not found.any()


@BOTH
def test_absolute_residuals_add_up_to_about_the_terms_without_transport(name: str) -> None:
    features, target = analyse(SOUNDS, RATE, EARS[name]), analyse(note()[None], RATE, EARS[name])
    terms = PerceptualLoss(CONFIGS[name])(features, target).terms
    wanted = sum(part for term, part in terms.items() if term != "transport")
    found = np.abs(residuals(features, target, CONFIGS[name])).sum(axis=1)
    assert found == pytest.approx(np.asarray(wanted), rel=0.35)
    assert np.corrcoef(found, np.asarray(wanted))[0, 1] > 0.97


def test_features_without_magnitudes_have_the_same_residuals() -> None:
    features, target = analyse(SOUNDS, RATE), analyse(note()[None], RATE)
    assert np.array_equal(residuals(features.lean(), Heard(target)), residuals(features, target))


@BOTH
def test_residuals_have_a_sign(name: str) -> None:
    features = analyse(np.stack([note(gain_db=3), note(gain_db=-3)]), RATE, EARS[name])
    louder, softer = residuals(features, analyse(note()[None], RATE, EARS[name]), CONFIGS[name]).sum(axis=1)
    assert louder > 0 > softer


@pytest.mark.parametrize("samples", [100, 700, 5000])
def test_short_sounds_have_finite_residuals(samples: int) -> None:
    short = note()[None, :, :samples]
    assert np.isfinite(residuals(analyse(0.5 * short, RATE), analyse(short, RATE))).all()
