"""The field's metrics: known values, the rule for silence, and the warping against its definition."""

from __future__ import annotations

import json

import numpy as np
import pytest

from myna.evaluation.metrics import SILENT, level_error_db, metrics, mss, rms_cosine, sot, wmfcc

RATE = 44_100


def tone(hz: float = 440.0, level: float = 0.2, seconds: float = 0.4, decay_s: float = 0.2) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.repeat((level * np.sin(2 * np.pi * hz * t) * np.exp(-t / decay_s))[None], 2, axis=0).astype(np.float32)


def warped(cost: np.ndarray) -> float:
    """Sakoe and Chiba's symmetric2, cell by cell: diagonal steps count twice."""
    total = np.full(cost.shape, np.inf)
    for i, j in np.ndindex(cost.shape):
        before = [cost[0, 0]] if i == j == 0 else []
        before += [total[i - 1, j] + cost[i, j]] if i else []
        before += [total[i, j - 1] + cost[i, j]] if j else []
        before += [total[i - 1, j - 1] + 2 * cost[i, j]] if i and j else []
        total[i, j] = min(before)
    return float(total[-1, -1]) / sum(cost.shape)


def test_the_same_sound_has_the_best_values() -> None:
    values = metrics(tone(), tone(), RATE)
    assert values == pytest.approx(
        {"mss": 0.0, "wmfcc": 0.0, "sot": 0.0, "rms_cosine": 1.0, "level_error_db": 0.0}, abs=1e-6
    )


def test_only_wmfcc_and_the_level_error_hear_a_change_of_level() -> None:
    values = metrics(0.5 * tone(), tone(), RATE)
    assert values["mss"] == pytest.approx(0.0, abs=0.01)
    assert values["sot"] == pytest.approx(0.0, abs=1e-4)
    assert values["rms_cosine"] == pytest.approx(1.0, abs=1e-6)
    assert values["wmfcc"] > 1.0
    assert values["level_error_db"] == pytest.approx(-6.02, abs=0.01)


def test_sot_of_two_sines_is_the_distance_of_their_frequencies() -> None:
    steady = {"decay_s": 1e9, "seconds": 1.0}
    distance = sot(tone(2000, **steady), tone(6000, **steady), RATE)
    assert distance == pytest.approx(4000 / (RATE / 2), rel=0.05)


def test_mss_of_noise_and_a_sine_is_large() -> None:
    noise = np.repeat(0.1 * np.random.default_rng(1).standard_normal((1, RATE // 2)), 2, axis=0).astype(np.float32)
    assert mss(noise, tone(seconds=0.5, decay_s=1e9), RATE) > 30.0


def test_rms_cosine_of_envelopes_that_never_meet_is_nearly_zero() -> None:
    a, silent = tone(decay_s=1e9), np.zeros((2, RATE), np.float32)
    early, late = np.concatenate([a, silent], axis=1), np.concatenate([silent, a], axis=1)
    assert rms_cosine(early, late, RATE) < 0.02


def test_wmfcc_forgives_a_shift_that_a_plain_difference_does_not() -> None:
    a = tone(decay_s=0.05)
    silent = np.zeros((2, RATE // 10), np.float32)
    early, late = np.concatenate([a, silent], axis=1), np.concatenate([silent, a], axis=1)
    assert wmfcc(late, early, RATE) < 0.35 * wmfcc(tone(2200.0), tone(), RATE)


def test_the_library_warps_as_symmetric2_is_defined() -> None:
    import librosa

    rng = np.random.default_rng(2)
    for shape in ((1, 1), (1, 7), (9, 1), (13, 8), (20, 20)):
        cost = rng.random(shape) * (rng.random(shape) > 0.2)
        total = librosa.sequence.dtw(C=cost, weights_mul=np.array([2.0, 1.0, 1.0]), backtrack=False)
        assert total[-1, -1] / sum(shape) == pytest.approx(warped(cost), rel=1e-12)


def test_wmfcc_is_the_mean_difference_along_the_path() -> None:
    import librosa

    a, b = tone(440.0), tone(660.0, decay_s=0.1)
    frames = [
        np.concatenate(
            [librosa.feature.mfcc(y=side, sr=RATE, n_mfcc=20, n_fft=2205, hop_length=441, n_mels=128) for side in sound]
        )
        for sound in (a, b)
    ]
    cost = np.array([[np.mean(np.abs(x - y)) for y in frames[1].T] for x in frames[0].T])
    assert wmfcc(a, b, RATE) == pytest.approx(warped(cost), rel=1e-5)


@pytest.mark.parametrize("silent_first", [True, False])
def test_a_silent_side_gets_the_worst_values_and_all_are_finite(silent_first: bool) -> None:
    pair = [np.zeros_like(tone()), tone()]
    values = metrics(*(pair if silent_first else pair[::-1]), RATE)
    assert {name: values[name] for name in SILENT} == SILENT
    assert all(np.isfinite(value) for value in values.values())
    json.dumps(values, allow_nan=False)


def test_two_silent_sides_are_equal() -> None:
    silent = np.zeros_like(tone())
    assert metrics(silent, silent, RATE) == {
        "mss": 0.0, "wmfcc": 0.0, "sot": 0.0, "rms_cosine": 1.0, "level_error_db": 0.0
    }  # fmt: skip


@pytest.mark.parametrize("samples", [1, 50, 1000, 5000])
def test_very_short_sounds_have_finite_values(samples: int) -> None:
    rng = np.random.default_rng(0)
    a, b = (0.1 * rng.standard_normal((2, 2, samples))).astype(np.float32)
    assert all(np.isfinite(value) for value in metrics(a, b, RATE).values())


def test_the_level_error_stops_at_the_floor() -> None:
    silent, loud = np.zeros((2, 10), np.float32), np.ones((2, 10), np.float32)
    assert level_error_db(silent, loud) == -120.0
    assert level_error_db(loud, silent) == 120.0
    assert level_error_db(silent, silent) == 0.0
