"""The door to the field's metrics: known values and the rules for silence and for what cannot be compared."""

from __future__ import annotations

import json

import numpy as np
import pytest

from myna.errors import UsageError
from myna.evaluation.metrics import DEFAULT, FAMILIES, SILENT, level_error_db, lsd, metrics

RATE = 44_100


def tone(hz: float = 440.0, level: float = 0.2, seconds: float = 0.4, decay_s: float = 0.2) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.repeat((level * np.sin(2 * np.pi * hz * t) * np.exp(-t / decay_s))[None], 2, axis=0).astype(np.float32)


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


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("samples", [1, 50, 1000])
def test_very_short_sounds_have_finite_values(family: str, samples: int) -> None:
    rng = np.random.default_rng(0)
    a, b = (0.1 * rng.standard_normal((2, 2, samples))).astype(np.float32)
    assert all(np.isfinite(value) for value in metrics(a, b, RATE, [family]).values())


def impulse(samples: int = 4410) -> np.ndarray:
    audio = np.zeros((2, samples), np.float32)
    audio[:, samples // 3] = 1.0
    return audio


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "odd",
    [
        np.zeros((2, 4410)),
        np.full((2, 4410), 0.5),
        np.full((2, 4410), -1e-5),
        impulse(),
        np.full((2, 4410), 1e-9),
        np.stack([impulse()[0], -impulse()[0]]),
    ],
    ids=["silence", "DC", "minus the peak guard", "impulse", "almost nothing", "opposite channels"],
)
def test_odd_sounds_have_finite_values_either_way(family: str, odd: np.ndarray) -> None:
    sound = tone(seconds=0.1)
    for a, b in ((odd, sound), (sound, odd), (odd, odd)):
        values = metrics(a, b, RATE, [family])
        assert all(type(value) is float and np.isfinite(value) for value in values.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sound_is_as_near_to_itself_as_can_be(family: str) -> None:
    peak = tone(level=1.0, decay_s=1e9, seconds=0.2)  # SynthRL divides the prediction by its peak
    values = metrics(peak, peak, RATE, [family])
    assert values == pytest.approx({name: float(name == "rms_cosine") for name in values}, abs=2e-4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sound_that_is_not_finite_is_refused(family: str, bad: float) -> None:
    broken = tone(seconds=0.2)
    broken[1, 100] = bad
    for a, b in ((broken, tone(seconds=0.2)), (tone(seconds=0.2), broken)):
        with pytest.raises(UsageError, match="NaN"):
            metrics(a, b, RATE, [family])


@pytest.mark.parametrize("family", FAMILIES)
def test_sounds_of_different_shapes_are_refused(family: str) -> None:
    sound = tone(seconds=0.2)
    for other in (sound[:1], sound[None], sound[:, :0], sound[:, :100]):
        with pytest.raises(UsageError, match="shape"):
            metrics(sound, other, RATE, [family])


def test_a_mono_sound_may_come_without_its_channel_axis() -> None:
    a, b = tone(440)[0], tone(550)[0]
    assert metrics(a, b, RATE) == metrics(a[None], b[None], RATE)


def test_only_the_families_that_are_asked_for_are_measured() -> None:
    names = {family: list(metrics(tone(), tone(), RATE, [family])) for family in FAMILIES}
    assert names == {
        "hayes": ["mss", "wmfcc", "sot", "rms_cosine"],
        "level": ["level_error_db"],
        "lsd": ["lsd"],
        "synthrl": ["spectral_convergence", "log_magnitude_mae", "mfcc13_mae", "mfcc40_mae"],
        "f0": ["f0_error_cents", "voicing_error"],
    }
    assert list(metrics(tone(), tone(), RATE)) == [name for family in DEFAULT for name in names[family]]


def test_an_unknown_family_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="'mos'; choose from hayes, level, lsd, synthrl, f0"):
        metrics(tone(), tone(), RATE, ["mos"])


def test_the_level_error_stops_at_the_floor() -> None:
    silent, loud = np.zeros((2, 10), np.float32), np.ones((2, 10), np.float32)
    assert level_error_db(silent, loud) == -120.0
    assert level_error_db(loud, silent) == 120.0
    assert level_error_db(silent, silent) == 0.0


def test_lsd_of_a_level_change_is_the_change() -> None:
    noise = np.random.default_rng(3).standard_normal((1, RATE // 2))
    assert lsd(0.5 * noise, noise, RATE) == pytest.approx(20 * np.log10(2), rel=1e-4)


def test_lsd_is_the_rms_over_bins_and_the_mean_over_frames() -> None:
    from scipy.signal import stft

    a, b = tone(440.0, seconds=1.0)[0].astype(np.float64), tone(700.0, seconds=1.0, decay_s=0.1)[0].astype(np.float64)
    levels = []
    for side in (a, b):
        amplitude = 2 * np.abs(stft(side, RATE, "hann", 2048, 1536, padded=False)[2])  # a full-scale sine is 1
        levels.append(np.maximum(20 * np.log10(amplitude + 1e-30), -80.0))
    expected = np.mean([np.sqrt(np.mean(difference**2)) for difference in (levels[0] - levels[1]).T])
    assert lsd(a, b, RATE) == pytest.approx(expected, rel=1e-3)


def test_lsd_takes_silence_as_its_floor() -> None:
    noise = 0.5 * np.random.default_rng(3).standard_normal((1, RATE))
    silent = np.zeros_like(noise)
    assert 40 < lsd(silent, noise, RATE) <= 80
    assert lsd(silent, silent, RATE) == 0.0
