"""The pitch error: known intervals, voicing, and librosa's own pYIN as the reference."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from myna.evaluation.pitch_error import UNHEARD_CENTS, f0_contour_hz, f0_error

RATE = 44_100


def tone(hz: float, seconds: float = 0.3) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (sum(0.2 / k * np.sin(2 * np.pi * k * hz * t) for k in range(1, 6)))[None].astype(np.float32)


@pytest.mark.parametrize("semitones", [0.3, 1, 5, 12, -7])
def test_an_interval_is_its_cents(semitones: float) -> None:
    found = f0_error(tone(220 * 2 ** (semitones / 12)), tone(220), RATE)
    assert found["f0_error_cents"] == pytest.approx(100 * abs(semitones), abs=6)  # pYIN's grid is 10 cents
    assert found["voicing_error"] <= 0.1


def test_the_contour_is_that_of_librosa() -> None:
    import librosa

    sound = tone(220)[0]
    signal = soxr.resample(sound.astype(np.float64), RATE, 22_050, quality="HQ")
    f0_hz, voiced, _ = librosa.pyin(signal, fmin=27.5, fmax=4200, sr=22_050, frame_length=2048, hop_length=256)
    found = f0_contour_hz(sound, RATE)
    assert np.array_equal(np.isfinite(found), voiced)
    assert np.array_equal(found[voiced], f0_hz[voiced])


def test_the_mean_is_over_the_frames_that_both_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    no = np.nan
    contours = iter([np.array([100, 200, no, 400, no]), np.array([100, 100, 300, no, no])])
    monkeypatch.setattr("myna.evaluation.pitch_error.f0_contour_hz", lambda *_: next(contours))
    assert f0_error(tone(220), tone(220), RATE) == {"f0_error_cents": 600.0, "voicing_error": 0.4}


def test_two_sounds_without_pitch_agree() -> None:
    assert f0_error(np.zeros((1, RATE)), np.zeros((1, RATE)), RATE) == {"f0_error_cents": 0.0, "voicing_error": 0.0}


def test_a_pitch_on_one_side_alone_costs_the_whole_range() -> None:
    for pair in ((tone(220), np.zeros_like(tone(220))), (np.zeros_like(tone(220)), tone(220))):
        found = f0_error(*pair, RATE)
        assert found["f0_error_cents"] == UNHEARD_CENTS == pytest.approx(8706, abs=1)
        assert found["voicing_error"] > 0.9


def test_the_middle_of_the_channels_is_heard() -> None:
    stereo = np.concatenate([1.5 * tone(220), 0.5 * tone(220)])
    assert f0_error(stereo, np.repeat(tone(220), 2, axis=0), RATE)["f0_error_cents"] == 0.0
