"""The ear-model: right levels and places, the same bits for a sound whatever stands beside it."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from myna.errors import UsageError
from myna.features import FLOOR_DB, Features, analyse
from myna.features.extractor import LOW_HZ, SCALES

RATE = 44_100


def sine(hz: float, rms: float = 0.1, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    """(1, 1, T)."""
    t = np.arange(round(seconds * rate)) / rate
    return (np.sqrt(2) * rms * np.sin(2 * np.pi * hz * t)).astype(np.float32)[None, None]


def noise(count: int, channels: int = 2, samples: int = 20_011, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal((count, channels, samples))).astype(np.float32)


def same_bits(a: Features, b: Features) -> bool:
    rest = all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(Features)[1:])
    return rest and all(np.array_equal(x, y) for x, y in zip(a.mels, b.mels, strict=True))


def test_shapes_follow_the_scales() -> None:
    features = analyse(noise(3, samples=RATE), RATE)
    assert [mel.shape for mel in features.mels] == [(3, 1 + RATE // hop, bands) for _, hop, bands in SCALES]
    assert features.centroid.shape == (3, features.mels[0].shape[1])
    assert features.envelope.shape == features.side.shape == (3, 84)
    assert features.level.shape == (3,)
    arrays = (*features.mels, features.envelope, features.side, features.level)
    assert all(array.dtype == np.float32 for array in arrays)


@pytest.mark.parametrize("rms", [0.3, 0.01, 0.0003])
def test_a_sine_reads_its_own_level_everywhere(rms: float) -> None:
    features = analyse(sine(1000, rms), RATE)
    level_db = 20 * np.log10(rms)
    assert features.level[0] == pytest.approx(level_db, abs=0.05)
    assert features.envelope[0, 5:-5] == pytest.approx(level_db, abs=0.2)
    for mel in features.mels:
        # The loudest triangle may miss the tone's centre, and a short window spreads it over its neighbours.
        assert mel[0, 20:-20].max() == pytest.approx(level_db, abs=2.5)


@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
@pytest.mark.parametrize("hz", [200.0, 1000.0, 6000.0])
def test_the_centroid_of_a_sine_is_its_frequency(hz: float, rate: int) -> None:
    centroid = analyse(sine(hz, rate=rate), rate).centroid[0, 10:-10]
    assert np.median(centroid) == pytest.approx(np.log2(hz / LOW_HZ), abs=0.15)


def test_silence_lies_on_the_floor() -> None:
    features = analyse(np.zeros((1, 2, 10_000), np.float32), RATE)
    arrays = (*features.mels, features.envelope, features.side, features.level)
    assert all(np.allclose(array, FLOOR_DB, atol=1e-3) for array in arrays)
    assert np.isfinite(features.centroid).all()


def test_the_side_hears_what_the_middle_does_not() -> None:
    left = noise(1, channels=1)
    opposite = analyse(np.concatenate([left, -left], axis=1), RATE)
    assert opposite.level[0] == pytest.approx(FLOOR_DB, abs=1e-3)
    assert opposite.side[0, 3:-3] == pytest.approx(-20.0, abs=1.5)
    mono = analyse(np.concatenate([left, left], axis=1), RATE)
    assert np.allclose(mono.side, FLOOR_DB, atol=1e-3)


def test_one_channel_equals_two_of_the_same() -> None:
    left = noise(2, channels=1)
    both = analyse(np.repeat(left, 2, axis=1), RATE)
    assert same_bits(analyse(left, RATE), both)
    assert same_bits(analyse(left[:, 0], RATE), both)


@pytest.mark.parametrize("samples", [20_011, 1_000, 3])
def test_a_sound_has_the_same_bits_whatever_the_batch_and_the_threads(samples: int) -> None:
    audio = noise(11, samples=samples)
    whole = analyse(audio, RATE)
    for i in range(len(audio)):
        assert same_bits(whole[i : i + 1], analyse(audio[i : i + 1], RATE))
    assert same_bits(whole, analyse(audio, RATE, threads=3))
    assert same_bits(whole[::-1], analyse(audio[::-1], RATE))


def test_fewer_scales_leave_the_first_ones_as_they_are() -> None:
    audio = noise(2)
    few, all_of_them = analyse(audio, RATE, scales=1), analyse(audio, RATE)
    assert len(few.mels) == 1
    assert np.array_equal(few.mels[0], all_of_them.mels[0])


def test_every_mel_band_hears_something() -> None:
    loud = noise(1, samples=RATE)
    assert all(mel.mean(axis=1).min() > FLOOR_DB + 20 for mel in analyse(loud, RATE).mels)
    assert all(mel.mean(axis=1).min() > FLOOR_DB + 20 for mel in analyse(loud, 16_000).mels)


def test_the_audio_is_left_as_it_was() -> None:
    audio = noise(2)
    before = audio.copy()
    analyse(audio, RATE)
    assert np.array_equal(audio, before)


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (np.zeros(100, np.float32), "shape"),
        (np.zeros((1, 2, 0), np.float32), "shape"),
        (np.zeros((0, 2, 10), np.float32), "shape"),
        (np.zeros((1, 0, 10), np.float32), "shape"),
        (np.zeros((1, 3, 10), np.float32), "channels"),
        (np.full((1, 2, 10), np.nan, np.float32), "NaN"),
        (np.full((1, 2, 10), np.inf, np.float32), "infinity"),
        (np.stack([np.full(10, np.inf), np.full(10, -np.inf)])[None], "infinity"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_audio_that_cannot_be_analysed_is_refused_in_a_sentence(audio: np.ndarray, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        analyse(audio, RATE)
