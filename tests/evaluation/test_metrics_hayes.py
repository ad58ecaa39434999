"""Hayes et al.'s four metrics against plain code for their definitions and against values by hand.

The reference takes only the mel filter from librosa; transform, decibels, cepstrum and warping are spelled out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.fft import dct
from scipy.signal import get_window

from myna.audio.files import load_audio
from myna.errors import UsageError
from myna.evaluation.hayes import mss, rms_cosine, sot, wmfcc

RATE = 44_100
EXAMPLES = Path(__file__).parents[2] / "examples" / "targets"


def recording(name: str, seconds: float = 0.7) -> np.ndarray:
    """The start of an example, its right channel softer and later so that the two differ."""
    mono = load_audio(EXAMPLES / f"{name}.flac").samples[0, : round(seconds * RATE)]
    return np.stack([mono, 0.7 * np.roll(mono, 300)])


def noise(seconds: float = 0.5, seed: int = 1) -> np.ndarray:
    mono = 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return np.stack([mono, mono]).astype(np.float32)


def sine(hz: float, seconds: float = 1.0) -> np.ndarray:
    mono = 0.2 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)
    return np.stack([mono, mono]).astype(np.float32)


PAIRS = {
    "trumpet and guitar": (recording("trumpet"), recording("nylon_guitar")),
    "drum and bass": (recording("steel_drum"), recording("slap_bass")),
    "noise and a sine": (noise(0.7), sine(440, 0.7)),
}
PAIR = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)


def spectra(mono: np.ndarray, window: int, hop: int) -> np.ndarray:
    """Magnitudes (F, bins) of centred Hann frames, zeros beyond the ends."""
    padded = np.pad(mono.astype(np.float64), window // 2)
    starts = range(0, len(padded) - window + 1, hop)
    shape = get_window("hann", window)
    return np.array([np.abs(np.fft.rfft(shape * padded[start : start + window])) for start in starts])


def mel_power(mono: np.ndarray, window: int, hop: int, bands: int) -> np.ndarray:
    import librosa

    return spectra(mono, window, hop) ** 2 @ librosa.filters.mel(sr=RATE, n_fft=window, n_mels=bands).T


def decibels(power: np.ndarray, reference: float) -> np.ndarray:
    level = 10 * np.log10(np.maximum(power, 1e-10) / reference)
    return np.maximum(level, level.max() - 80)


def reference_mss(a: np.ndarray, b: np.ndarray) -> float:
    differences = []
    for window, hop, bands in ((441, 220, 32), (1102, 441, 64), (4410, 2205, 128)):
        sides = []
        for sound in (a, b):
            power = np.array([mel_power(channel, window, hop, bands) for channel in sound])
            sides.append(decibels(power, power.max()))
        differences.append(np.mean(np.abs(sides[0] - sides[1])))
    return float(np.mean(differences))


def reference_sot(a: np.ndarray, b: np.ndarray) -> float:
    frames = []
    for p, q in zip(*(spectra(sound.mean(axis=0), 2205, 882) for sound in (a, b)), strict=True):
        p, q = p / max(p.sum(), 1e-6), q / max(q.sum(), 1e-6)
        frames.append(np.abs(np.cumsum(p) - np.cumsum(q)).sum() / len(p))
    return float(np.mean(frames))


def reference_rms_cosine(a: np.ndarray, b: np.ndarray) -> float:
    envelopes = []
    for sound in (a, b):
        padded = np.pad(sound.mean(axis=0), 1102)
        starts = range(0, len(padded) - 2205 + 1, 1102)
        envelopes.append(np.sqrt([np.mean(padded[start : start + 2205] ** 2) for start in starts]))
    p, q = envelopes
    return float(p @ q / np.sqrt((p @ p) * (q @ q)))


def cepstra(sound: np.ndarray) -> np.ndarray:
    """(F, C * 20)."""
    level = decibels(np.array([mel_power(channel, 2205, 441, 128) for channel in sound]), 1.0)
    return np.concatenate(list(dct(level, norm="ortho", axis=-1)[..., :20]), axis=-1)


def warped(cost: np.ndarray) -> float:
    """Sakoe and Chiba's symmetric2, cell by cell: diagonal steps count twice; over the sum of the lengths."""
    total = np.full(cost.shape, np.inf)
    for i, j in np.ndindex(cost.shape):
        before = [cost[0, 0]] if i == j == 0 else []
        before += [total[i - 1, j] + cost[i, j]] if i else []
        before += [total[i, j - 1] + cost[i, j]] if j else []
        before += [total[i - 1, j - 1] + 2 * cost[i, j]] if i and j else []
        total[i, j] = min(before)
    return float(total[-1, -1]) / sum(cost.shape)


def reference_wmfcc(a: np.ndarray, b: np.ndarray) -> float:
    frames = cepstra(a), cepstra(b)
    return warped(np.array([[np.mean(np.abs(x - y)) for y in frames[1]] for x in frames[0]]))


@PAIR
def test_mss_is_as_defined(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert mss(*pair, RATE) == pytest.approx(reference_mss(*pair), rel=1e-4)


@PAIR
def test_sot_is_as_defined(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert sot(*pair, RATE) == pytest.approx(reference_sot(*pair), rel=1e-4)


@PAIR
def test_rms_cosine_is_as_defined(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert rms_cosine(*pair, RATE) == pytest.approx(reference_rms_cosine(*pair), rel=1e-5)


@PAIR
def test_wmfcc_is_as_defined(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert wmfcc(*pair, RATE) == pytest.approx(reference_wmfcc(*pair), rel=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (13, 8), (20, 20)])
def test_the_library_warps_as_symmetric2_is_defined(shape: tuple[int, int]) -> None:
    import librosa

    rng = np.random.default_rng(2)
    cost = rng.random(shape) * (rng.random(shape) > 0.2)
    total = librosa.sequence.dtw(C=cost, weights_mul=np.array([2.0, 1.0, 1.0]), backtrack=False)
    assert total[-1, -1] / sum(shape) == pytest.approx(warped(cost), rel=1e-12)


# By hand


def test_sot_of_two_sines_is_the_distance_of_their_frequencies() -> None:
    assert sot(sine(2000), sine(6000), RATE) == pytest.approx(4000 / (RATE / 2), rel=0.05)


def test_mss_of_a_second_half_20_db_down_is_10_db() -> None:
    half = noise(1.0)
    steady, falling = np.concatenate([half, half], axis=1), np.concatenate([half, 0.1 * half], axis=1)
    assert mss(falling, steady, RATE) == pytest.approx(10.0, rel=0.02)


def test_mss_hears_each_channel() -> None:
    a, b = noise(), sine(440, 0.5)
    crossed = np.stack([a[0], b[0]]), np.stack([b[0], a[0]])  # their middles are equal
    assert mss(*crossed, RATE) > 30.0


def test_wmfcc_of_half_the_level_is_6_db_in_the_first_coefficient() -> None:
    sound = noise(1.0)
    frames = 101
    first = 20 * np.log10(2) * np.sqrt(128)  # the orthonormal cepstrum of a constant over 128 bands
    expected = first / 20 * (2 * frames - 1) / (2 * frames)  # every step but the first counts twice
    assert wmfcc(0.5 * sound, sound, RATE) == pytest.approx(expected, rel=1e-3)


def test_warping_forgives_a_pause_that_a_plain_difference_does_not() -> None:
    sound, pause = recording("steel_drum"), np.zeros((2, RATE // 5), np.float32)
    early, late = np.concatenate([sound, pause], axis=1), np.concatenate([pause, sound], axis=1)
    assert wmfcc(late, early, RATE) < 0.25 * np.mean(np.abs(cepstra(late) - cepstra(early)))


def test_wmfcc_compares_sounds_of_different_lengths_but_not_of_different_channels() -> None:
    assert wmfcc(noise(0.3), noise(0.5), RATE) > 0.0
    with pytest.raises(UsageError, match="channels"):
        wmfcc(noise()[:1], noise(), RATE)


def test_rms_cosine_of_a_half_with_the_whole_is_the_root_of_a_half() -> None:
    whole = sine(1000, 2.0)
    first_half = whole * (np.arange(2 * RATE) < RATE)
    assert rms_cosine(first_half, whole, RATE) == pytest.approx(np.sqrt(0.5), abs=0.01)


def test_rms_cosine_of_envelopes_that_never_meet_is_nearly_zero() -> None:
    sound, pause = sine(440, 0.4), np.zeros((2, RATE), np.float32)
    early, late = np.concatenate([sound, pause], axis=1), np.concatenate([pause, sound], axis=1)
    assert rms_cosine(early, late, RATE) < 0.02


# Silence


@pytest.mark.parametrize(("metric", "equal", "worst"), [(mss, 0.0, 80.0), (sot, 0.0, 1.0), (rms_cosine, 1.0, 0.0)])
def test_one_silent_side_is_the_worst_and_two_are_equal(metric, equal: float, worst: float) -> None:
    sound, silent = sine(440, 0.3), np.zeros((2, 13_230), np.float32)
    assert metric(silent, sound, RATE) == metric(sound, silent, RATE) == worst
    assert metric(silent, silent, RATE) == metric(9e-5 * noise(0.3, 2), silent, RATE) == equal


@pytest.mark.parametrize(("metric", "worst"), [(sot, 1.0), (rms_cosine, 0.0)])
def test_channels_that_cancel_are_silent_to_what_hears_the_middle(metric, worst: float) -> None:
    sound = sine(440, 0.3)
    opposite = sound * np.array([[1.0], [-1.0]], np.float32)
    assert metric(opposite, sound, RATE) == worst
    assert mss(opposite, sound, RATE) == pytest.approx(0.0, abs=1e-3)
