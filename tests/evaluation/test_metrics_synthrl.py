"""SynthRL's metrics against plain code for their definitions and against values by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.fft import dct
from scipy.signal import get_window

from myna.audio.files import load_audio
from myna.evaluation.synthrl import SAMPLE_RATE, synthrl, synthrl_reward

EXAMPLES = Path(__file__).parents[2] / "examples" / "targets"


def recording(name: str) -> np.ndarray:
    return load_audio(EXAMPLES / f"{name}.flac", sample_rate=SAMPLE_RATE).samples[:1, : round(0.8 * SAMPLE_RATE)]


def noise(level: float = 1.0) -> np.ndarray:
    """White, with a peak of `level`."""
    samples = np.random.default_rng(5).standard_normal((1, SAMPLE_RATE))
    return (level * samples / np.abs(samples).max()).astype(np.float32)


def spectra(mono: np.ndarray) -> np.ndarray:
    """Magnitudes (F, bins) of centred Hann frames of 1024, hop 256, the ends reflected."""
    padded = np.pad(mono.astype(np.float64), 512, mode="reflect")
    shape = get_window("hann", 1024)
    return np.array([np.abs(np.fft.rfft(shape * padded[i : i + 1024])) for i in range(0, len(padded) - 1023, 256)])


def cepstra(mono: np.ndarray) -> np.ndarray:
    """(F, 40)."""
    import librosa

    power = spectra(mono) ** 2 @ librosa.filters.mel(sr=SAMPLE_RATE, n_fft=1024, n_mels=128).T
    level = 10 * np.log10(np.maximum(power, 1e-10))
    return dct(np.maximum(level, level.max() - 80), norm="ortho", axis=1)[:, :40]


def reference(prediction: np.ndarray, target: np.ndarray) -> dict[str, float]:
    a = prediction.mean(axis=0) / np.abs(prediction.mean(axis=0) + 1e-5).max()
    b = target.mean(axis=0)
    p, q = (np.maximum(spectra(side), 1e-4) for side in (a, b))
    cepstral = np.abs(cepstra(a) - cepstra(b))
    return {
        "spectral_convergence": min(5.0, np.sqrt(np.sum((p - q) ** 2)) / np.sqrt(np.sum(q**2))),
        "log_magnitude_mae": np.mean(np.abs(np.log10(p) - np.log10(q))),
        "mfcc13_mae": np.mean(cepstral[:, :13]),
        "mfcc40_mae": np.mean(cepstral),
    }


@pytest.mark.parametrize(
    "pair",
    [("trumpet", "nylon_guitar"), ("slap_bass", "steel_drum"), ("warm_pad", "flute")],
    ids=" and ".join,
)
def test_the_four_are_as_defined(pair: tuple[str, str]) -> None:
    a, b = (recording(name) for name in pair)
    assert synthrl(a, b, SAMPLE_RATE) == pytest.approx(reference(a, b), rel=1e-4)


def test_half_the_target_by_hand() -> None:
    """The prediction is brought to a peak of 1, twice the target: every magnitude is doubled."""
    values = synthrl(noise(0.1), noise(0.5), SAMPLE_RATE)
    first = 20 * np.log10(2) * np.sqrt(128)  # the orthonormal cepstrum of a constant over 128 bands
    expected = {
        "spectral_convergence": 1.0,
        "log_magnitude_mae": np.log10(2),
        "mfcc13_mae": first / 13,
        "mfcc40_mae": first / 40,
    }
    assert values == pytest.approx(expected, rel=1e-3)


def test_the_convergence_stops_at_5() -> None:
    assert synthrl(noise(), noise(0.01), SAMPLE_RATE)["spectral_convergence"] == 5.0


def test_the_level_of_the_prediction_does_not_matter_and_the_targets_does() -> None:
    loud, soft = (synthrl(noise(level), noise(), SAMPLE_RATE) for level in (0.9, 0.2))
    assert loud == pytest.approx(soft, abs=1e-3)
    assert synthrl(noise(), noise(0.5), SAMPLE_RATE)["spectral_convergence"] > 0.9


def test_stereo_is_its_middle_and_other_rates_are_resampled() -> None:
    low = recording("trumpet"), recording("flute")
    sides = [np.concatenate([1.5 * side, 0.5 * side]) for side in low]
    assert synthrl(*sides, SAMPLE_RATE) == pytest.approx(synthrl(*low, SAMPLE_RATE), rel=1e-4)
    high = [load_audio(EXAMPLES / f"{name}.flac").samples[:1, :35_280] for name in ("trumpet", "flute")]
    assert synthrl(*high, 44_100) == pytest.approx(synthrl(*low, SAMPLE_RATE), rel=0.02)


def test_silence_is_a_magnitude_of_a_ten_thousandth() -> None:
    silent, sound = np.zeros((1, SAMPLE_RATE), np.float32), noise()
    assert synthrl(silent, sound, SAMPLE_RATE)["spectral_convergence"] == pytest.approx(1.0, abs=1e-3)
    assert synthrl(sound, silent, SAMPLE_RATE)["spectral_convergence"] == 5.0
    assert set(synthrl(silent, silent, SAMPLE_RATE).values()) == {0.0}


def test_the_reward_is_one_over_the_weighted_sum_between_its_limits() -> None:
    def reward(convergence: float, log_mae: float, mfcc: float) -> float:
        values = {"spectral_convergence": convergence, "log_magnitude_mae": log_mae, "mfcc13_mae": mfcc}
        return synthrl_reward(values)

    assert reward(1.0, 1.0, 1.0) == pytest.approx(1.0)
    assert reward(0.5, 0.4, 10.0) == pytest.approx(1 / (0.35 + 0.108 + 0.3))
    assert reward(5.0, 3.0, 90.0) == pytest.approx(0.2)
    assert reward(0.01, 0.0, 0.0) == pytest.approx(10.0)
