"""Pooling keeps the average of what it sums up."""

from __future__ import annotations

import numpy as np
import pytest

from myna.features import analyse, frame_at, pool

RATE = 44_100


@pytest.fixture
def features():
    rng = np.random.default_rng(3)
    return analyse((0.1 * rng.standard_normal((2, RATE))).astype(np.float32), RATE)


def test_one_stretch_and_one_band_is_the_mean_of_all(features) -> None:
    pooled = pool(features, [0, features.mels[0].shape[1]], bands=1)
    assert pooled[:, 0] == pytest.approx(features.mels[0].mean(axis=(1, 2)), abs=1e-3)


def test_stretches_and_bands_stand_in_order(features) -> None:
    mel = features.mels[0]
    pooled = pool(features, [0, 10, 30], bands=64).reshape(2, 2, 64)
    assert pooled[:, 1, 3] == pytest.approx(mel[:, 10:30, 6:8].mean(axis=(1, 2)), abs=1e-3)


def test_a_stretch_past_the_end_repeats_the_last_frame(features) -> None:
    last = features.mels[0].shape[1] - 1
    pooled = pool(features, [0, last, 5000, 9000], bands=64).reshape(2, 3, 64)
    assert np.array_equal(pooled[:, 1], pooled[:, 2])


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
def test_a_click_is_loudest_in_the_frame_at_its_time(rate: int) -> None:
    audio = np.zeros((1, rate), np.float32)
    audio[0, round(0.5 * rate)] = 1.0
    mel = analyse(audio, rate).mels[0][0].mean(axis=1)
    assert abs(int(np.argmax(mel)) - frame_at(0.5, rate)) <= 1
