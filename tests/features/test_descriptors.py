"""Centroid, flatness and envelopes equal librosa's, and mean what they say."""

from __future__ import annotations

import dataclasses

import librosa
import numpy as np
import pytest
import torch
from tests.features.sounds import RATE, RECORDINGS, noise, recording, sine, synthetic

from myna.features import FLOOR_DB, FULL, TRAINING, analyse
from myna.features.mel import LOW_HZ

SOUNDS = {path.stem: recording(path, 0.7)[:1] for path in RECORDINGS} | {k: v[None] for k, v in synthetic().items()}


def librosa_magnitudes(audio: np.ndarray) -> np.ndarray:
    """(bins, F) on the main window, calibrated."""
    stft = librosa.stft(audio.astype(np.float64), n_fft=2048, hop_length=512, pad_mode="constant")
    return np.abs(stft) * 8**0.5 / 2048


@pytest.mark.parametrize("name", SOUNDS)
def test_the_centroid_equals_librosas_to_a_thousandth_where_there_is_sound(name: str) -> None:
    features = analyse(SOUNDS[name], RATE)
    magnitudes = librosa_magnitudes(SOUNDS[name][0])
    heard = magnitudes.max(0) > 1e-4  # below, float32's rounding is as loud as the sound
    theirs = librosa.feature.spectral_centroid(S=magnitudes, sr=RATE)[0]
    assert heard.any()
    assert features.centroid_hz[heard].numpy() == pytest.approx(theirs[heard], rel=1e-3)


@pytest.mark.parametrize("name", SOUNDS)
def test_flatness_equals_librosas(name: str) -> None:
    theirs = librosa.feature.spectral_flatness(S=librosa_magnitudes(SOUNDS[name][0]))[0]
    assert analyse(SOUNDS[name], RATE).flatness.numpy() == pytest.approx(theirs, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", SOUNDS)
def test_the_envelope_equals_librosas_rms(name: str) -> None:
    frame = round(0.012 * RATE)
    theirs = librosa.feature.rms(y=SOUNDS[name][0], frame_length=frame, hop_length=frame, center=False)[0]
    ours = analyse(SOUNDS[name], RATE).envelope_db[: len(theirs)].numpy()
    assert ours == pytest.approx(np.maximum(20 * np.log10(theirs + 1e-30), FLOOR_DB), abs=1e-3)


@pytest.mark.parametrize("config", [FULL, TRAINING], ids=["full", "training"])
@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
@pytest.mark.parametrize("hz", [200.0, 1000.0, 6000.0])
def test_the_centroid_of_a_sine_is_its_frequency(hz: float, rate: int, config) -> None:
    features = analyse(sine(hz, rate=rate), rate, config)
    assert features.centroid_octaves[0, 8:-8].median().item() == pytest.approx(np.log2(hz / LOW_HZ), abs=0.15)
    assert features.centroid_hz[0, 8:-8].median().item() == pytest.approx(hz, rel=0.06)


def test_descriptors_from_bands_order_sounds_as_those_from_bins_do() -> None:
    bands = dataclasses.replace(FULL, descriptors="bands")
    # Without clicks, whose silence is all there is in most frames.
    sounds = [sound for name, sound in SOUNDS.items() if name != "impulse"]
    by_bins, by_bands = ([analyse(sound, RATE, config) for sound in sounds] for config in (FULL, bands))
    for name in ("centroid_hz", "flatness"):
        a, b = (np.argsort(np.argsort([getattr(f, name).median() for f in some])) for some in (by_bins, by_bands))
        assert np.corrcoef(a, b)[0, 1] > 0.85


def test_noise_is_flat_and_a_sine_is_not() -> None:
    for config in (FULL, TRAINING):
        flat, peaked = (analyse(sound, RATE, config).flatness.mean() for sound in (noise(1), sine(1000)))
        assert 0.4 < flat <= 1
        assert peaked < 0.02


def test_the_envelope_of_a_short_last_frame_is_filled_with_zeros() -> None:
    features = analyse(np.ones((1, 529 + 132), np.float32), RATE)
    assert features.envelope_db.numpy() == pytest.approx([0, 10 * np.log10(132 / 529)], abs=1e-4)


def test_the_side_hears_what_the_middle_does_not() -> None:
    left = noise(1, channels=1)
    opposite = analyse(np.concatenate([left, -left], axis=1), RATE)
    assert opposite.level_db.item() == pytest.approx(FLOOR_DB, abs=1e-3)
    assert opposite.side_db[0, 3:-3].numpy() == pytest.approx(-20.0, abs=1.5)
    mono = analyse(np.concatenate([left, left], axis=1), RATE)
    assert torch.allclose(mono.side_db, torch.tensor(FLOOR_DB), atol=1e-3)


def test_peak_clipping_and_offset_are_the_worst_channels() -> None:
    audio = np.zeros((2, 1000), np.float32)
    audio[0] = 0.25
    audio[1, :10], audio[1, 10:15] = -1.5, 0.999
    features = analyse(audio, RATE)
    assert features.peak.item() == 1.5
    assert features.clipped.item() == pytest.approx(15 / 2000)
    assert features.dc.item() == pytest.approx(0.25, rel=1e-5)
    assert analyse(audio * np.float32(0.5), RATE).clipped.item() == pytest.approx(0.0)
    each = analyse(audio, RATE, dataclasses.replace(FULL, channels="each"))
    assert each.clipped.numpy() == pytest.approx([0, 0.015])
    assert each.dc.numpy() == pytest.approx([0.25, np.abs(audio[1].mean())], rel=1e-4)
