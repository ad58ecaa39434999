"""Loudness is BS.1770-4's to 0.1 LU: against pyloudnorm and on EBU Tech 3341's test signals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyloudnorm
import pytest
from tests.features.sounds import RATE, RECORDINGS, noise, recording, sine

from myna.features import FLOOR_DB, FULL, TRAINING, FeatureConfig, Features, analyse

TOLERANCE_LU = 0.1
CONFIGS = pytest.mark.parametrize("config", [FULL, TRAINING], ids=["full", "training"])
LEAN = dataclasses.replace(FULL, magnitudes=False)
FINE = dataclasses.replace(LEAN, momentary_steps=5)


def reference_lufs(audio: np.ndarray, rate: int = RATE) -> float:
    """pyloudnorm's integrated loudness of (C, T)."""
    return pyloudnorm.Meter(rate).integrated_loudness(audio.T.astype(np.float64))


def whole_steps(audio: np.ndarray, rate: int = RATE) -> np.ndarray:
    """Cut to a multiple of 100 ms: pyloudnorm rounds the number of blocks, the standard leaves incomplete ones out."""
    return audio[..., : int(audio.shape[-1] / rate * 10 + 1e-6) * rate // 10]


def tones(parts: list[tuple[float, float]], rate: int) -> np.ndarray:
    """Stereo 1 kHz tones one after the other, (peak in dBFS, seconds) each, (2, T)."""
    gain = np.concatenate([np.full(round(s * rate), 10 ** (db / 20)) for db, s in parts])
    return np.repeat((gain * np.sin(2 * np.pi * 1000 * np.arange(gain.size) / rate))[None], 2, 0).astype(np.float32)


@CONFIGS
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_recordings_read_as_in_pyloudnorm(path, config: FeatureConfig) -> None:
    audio = whole_steps(recording(path))
    stereo = np.repeat(audio, 2, 0) if len(audio) == 1 else audio
    assert analyse(audio, RATE, config).loudness_lufs.item() == pytest.approx(reference_lufs(stereo), abs=TOLERANCE_LU)


def synthetic_stereo(rate: int) -> dict[str, np.ndarray]:
    t = np.arange(round(1.2 * rate)) / rate
    a, b = noise(2, 1, t.size)[:, 0]
    low = np.sin(2 * np.pi * 60 * t)
    pluck = 5 * a * np.exp(-t / 0.05)
    return {
        "unlike noises": np.stack([a, b]),
        "left alone": np.stack([a, 0 * a]),
        "opposite": np.stack([a, -a]),
        "bass and treble": np.stack([0.3 * low, 0.02 * b]),
        "60 Hz": np.stack([0.2 * low, 0.2 * low]),
        "100 Hz apart": 0.2 * np.stack([np.sin(2 * np.pi * 100 * t), np.cos(2 * np.pi * 100 * t)]),
        "a pluck at the start": np.stack([pluck, pluck]),
        "two plucks": np.stack([np.roll(pluck, rate // 2), np.roll(pluck, rate // 3)]),
        "gated": np.stack([a * (t < 0.6), a * (t < 0.6)]) + 1e-4,
        "a sweep": np.repeat(0.3 * np.sin(2 * np.pi * (50 * t + 0.4 * rate / 2.4 * t**2))[None], 2, 0),
    }


@CONFIGS
@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
@pytest.mark.parametrize("name", synthetic_stereo(8_000))
def test_synthetic_sounds_read_as_in_pyloudnorm(name: str, rate: int, config: FeatureConfig) -> None:
    audio = synthetic_stereo(rate)[name].astype(np.float32)
    lufs = analyse(audio, rate, config).loudness_lufs.item()
    assert lufs == pytest.approx(reference_lufs(audio, rate), abs=TOLERANCE_LU)


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize(
    ("parts", "lufs"),
    [
        ([(-23, 20)], -23),
        ([(-33, 20)], -33),
        ([(-36, 10), (-23, 60), (-36, 10)], -23),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
    ],
    ids=["case 1", "case 2", "case 3", "case 4", "case 5"],
)
def test_ebu_tech_3341_integrated(parts: list[tuple[float, float]], lufs: float, rate: int) -> None:
    features = analyse(tones(parts, rate), rate, LEAN)
    assert features.loudness_lufs.item() == pytest.approx(lufs, abs=TOLERANCE_LU)
    if len(parts) == 1:
        assert features.momentary_lufs.numpy() == pytest.approx(lufs, abs=TOLERANCE_LU)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_ebu_tech_3341_case_12_momentary_stays(rate: int) -> None:
    momentary = analyse(tones([(-20, 0.18), (-30, 0.22)] * 25, rate), rate, FINE).momentary_lufs.numpy()
    assert momentary[50:-1] == pytest.approx(-23, abs=TOLERANCE_LU)


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("late", range(0, 20, 3))
def test_ebu_tech_3341_case_13_a_block_of_tone_is_heard_wherever_it_lies(late: int, rate: int) -> None:
    parts = [(-200, late * 0.02), (-23, 0.4), (-200, 1.0)]
    assert analyse(tones(parts, rate), rate, FINE).momentary_lufs.max().item() == pytest.approx(-23, abs=TOLERANCE_LU)


@pytest.mark.parametrize("hz", [30, 40, 60, 100, 440, 1000, 2500, 8000, 15000])
def test_a_sine_is_weighted_by_the_k_curve(hz: float) -> None:
    audio = sine(hz, seconds=2.0)[0]
    # Lower, the curve bends within a bin.
    assert loudness_each(audio) == pytest.approx(reference_lufs(audio), abs=0.1 if hz >= 40 else 0.2)


def loudness_each(audio: np.ndarray) -> float:
    return analyse(audio, RATE, dataclasses.replace(LEAN, channels="each")).loudness_lufs.item()


def test_apart_a_channel_counts_once_and_in_the_sum_a_single_one_plays_on_both_speakers() -> None:
    audio = noise(1, 1, RATE)[0]
    alone, heard = loudness_each(audio), analyse(audio, RATE).loudness_lufs.item()
    assert alone == pytest.approx(reference_lufs(audio), abs=TOLERANCE_LU)
    assert heard == pytest.approx(reference_lufs(np.repeat(audio, 2, 0)), abs=TOLERANCE_LU)
    assert heard - alone == pytest.approx(10 * np.log10(2), abs=1e-3)


@pytest.mark.parametrize(("seconds", "blocks"), [(0.05, 1), (0.399, 1), (0.4, 1), (0.499, 1), (0.5, 2), (1.0, 7)])
def test_blocks_are_those_that_the_sound_fills_and_a_shorter_sound_is_one(seconds: float, blocks: int) -> None:
    features = analyse(noise(1, 1, round(seconds * RATE)), RATE)
    assert features.momentary_lufs.shape == (1, blocks)
    fine = analyse(noise(1, 1, round(seconds * RATE)), RATE, FINE)
    assert fine.momentary_lufs.shape == (1, max(1, 1 + int((seconds - 0.4) * 50 + 1e-6)))
    assert fine.loudness_lufs.item() == features.loudness_lufs.item()


def test_a_short_sound_has_the_loudness_of_a_long_one_like_it() -> None:
    short, long = (analyse(sine(1000, seconds=s), RATE).loudness_lufs.item() for s in (0.2, 2.0))
    assert short == pytest.approx(long, abs=0.1)


def test_of_an_offset_only_the_edges_are_heard() -> None:
    offset = np.full((2, RATE), 0.5, np.float32)
    features = analyse(offset, RATE)
    assert features.loudness_lufs.item() == pytest.approx(reference_lufs(offset), abs=0.1)
    assert features.momentary_lufs[1:-1].numpy() == pytest.approx(FLOOR_DB, abs=1e-3)


def test_under_the_absolute_gate_the_ungated_level_counts_down_to_the_floor() -> None:
    def lufs(rms: float) -> float:
        return analyse(sine(1000, rms, 1.0), RATE).loudness_lufs.item()

    assert lufs(10**-3.8) - lufs(10**-3.7) == pytest.approx(-2, abs=0.05)  # about -73 and -71 LUFS
    assert lufs(1e-6) == lufs(0.0) == pytest.approx(FLOOR_DB, abs=1e-3)


def test_quiet_blocks_do_not_pull_the_integrated_loudness_down() -> None:
    def measured(parts: list[tuple[float, float]]) -> Features:
        return analyse(tones(parts, RATE), RATE, LEAN)

    held, paused = measured([(-20, 3)]), measured([(-20, 3), (-60, 6)])
    assert paused.loudness_lufs.item() == pytest.approx(held.loudness_lufs.item(), abs=0.4)
    assert paused.momentary_lufs.min().item() < -55
