"""Configs say what they cannot measure, and windows follow the sample rate."""

from __future__ import annotations

from typing import Any

import pytest

from myna.errors import UsageError
from myna.features import CONFIGS, FULL, TRAINING, FeatureConfig, frame_sizes


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"windows": ()}, "windows"),
        ({"windows": (2048, 2048)}, "windows"),
        ({"windows": (2048, 8), "mels": ((2048, 128),)}, "windows"),
        ({"mels": ()}, "mels"),
        ({"mels": ((1024, 64),)}, "main window"),
        ({"mels": ((2048, 128), (64, 8))}, "windows"),
        ({"mfcc": 129}, "mfcc"),
        ({"mfcc": 0}, "mfcc"),
        ({"mels": ((2048, 0),)}, "mel band"),
        ({"overlap": 2}, "overlap"),
        ({"detail_overlap": 1}, "detail_overlap"),
        ({"envelope_s": 0.0}, "envelope_s"),
        ({"momentary_steps": 0}, "momentary_steps"),
        ({"floor_db": 0.0}, "floor_db"),
        ({"channels": "left"}, "channels"),
        ({"descriptors": "all"}, "descriptors"),
    ],
)
def test_a_config_that_cannot_be_measured_is_refused_by_name(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        FeatureConfig(**settings)


def test_named_configs_are_hashable_and_different() -> None:
    assert {CONFIGS["full"], CONFIGS["training"]} == {FULL, TRAINING}
    assert FULL.windows == (2048, 1024, 512, 256)
    assert FULL.magnitudes
    assert not TRAINING.magnitudes


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000])
@pytest.mark.parametrize("window", [2048, 1024, 512, 256])
def test_windows_last_as_long_at_every_rate_and_are_even(window: int, rate: int) -> None:
    size, hop = frame_sizes(window, 4, rate)
    assert size % 2 == 0
    assert size / rate == pytest.approx(window / 44_100, rel=0.06)
    assert hop == pytest.approx(size / 4, abs=0.51)


def test_the_detail_overlap_is_that_of_the_other_windows() -> None:
    config = FeatureConfig(overlap=4, detail_overlap=2)
    assert config.frames(2048, 44_100) == (2048, 512)
    assert config.frames(256, 44_100) == (256, 128)


@pytest.mark.parametrize("rate", [0, -1, 1_000, 1_000_000])
def test_a_rate_that_is_none_of_audio_is_refused(rate: int) -> None:
    with pytest.raises(UsageError, match="sample rate"):
        frame_sizes(2048, 4, rate)
