"""Pooling keeps the average of what it sums up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.features.sounds import RATE, noise

from myna.features import FULL, TRAINING, analyse, frame_at, pool, pooled_mel, stretches


@pytest.fixture(scope="module")
def features():
    return analyse(noise(2, 1, RATE, seed=3), RATE)


def test_one_stretch_and_one_band_is_the_mean_of_all(features) -> None:
    pooled = pool(features, [0, features.mels[0].shape[1]], bands=1)
    assert pooled[:, 0].numpy() == pytest.approx(features.mels[0].mean(dim=(1, 2)).numpy(), abs=1e-3)


def test_stretches_and_bands_stand_in_order(features) -> None:
    mel = features.mels[0]
    pooled = pool(features, [0, 10, 30], bands=64).reshape(2, 2, 64)
    assert pooled[:, 1, 3].numpy() == pytest.approx(mel[:, 10:30, 6:8].mean(dim=(1, 2)).numpy(), abs=1e-3)


def test_a_stretch_past_the_end_repeats_the_last_frame(features) -> None:
    last = features.mels[0].shape[1] - 1
    pooled = pool(features, [0, last, 5000, 9000], bands=64).reshape(2, 3, 64)
    assert torch.equal(pooled[:, 1], pooled[:, 2])


def test_the_image_has_equal_stretches_for_any_leading_shape(features) -> None:
    image = pooled_mel(features, stretches=3, bands=16)
    assert image.shape == (2, 3, 16)
    assert image[:, 0, 0].numpy() == pytest.approx(features.mels[0][:, :29, :8].mean(dim=(1, 2)).numpy(), abs=1e-3)
    assert torch.equal(pooled_mel(features.reshape(1, 2), 3, 16), image[None])
    assert torch.equal(pooled_mel(features[1], 3, 16), image[1])


@pytest.mark.parametrize("config", [FULL, TRAINING], ids=["full", "training"])
@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
def test_a_click_is_loudest_in_the_frame_at_its_time(rate: int, config) -> None:
    audio = np.zeros((1, rate), np.float32)
    audio[0, round(0.5 * rate)] = 1.0
    mel = analyse(audio, rate, config).mels[0].mean(-1)
    assert abs(int(mel.argmax()) - frame_at(0.5, rate, overlap=config.overlap)) <= 1


@pytest.mark.parametrize("count", [1, 5, 16, 84])
@pytest.mark.parametrize("length", [1, 3, 65, 84])
def test_stretches_of_several_lengths_have_the_bits_of_each_alone(length: int, count: int) -> None:
    values = torch.from_numpy(noise(3, 2, length, seed=1))
    ends = [(i * length / count, (i + 1) * length / count) for i in range(count)]
    spans = [(min(round(a), length - 1), max(round(b), min(round(a), length - 1) + 1)) for a, b in ends]
    alone = [values[..., a:b].sum(-1) / (b - a) for a, b in spans]
    assert torch.equal(stretches(values, count), torch.stack(alone, -1))


@pytest.mark.parametrize("edges", [[0, 5, 11, 16, 22], [3, 4, 60, 500, 501], [0, 0, 80]])
def test_a_stretch_has_the_same_bits_whatever_the_others(features, edges: list[int]) -> None:
    together = pool(features, edges, bands=32)
    alone = [pool(features, edges[i : i + 2], bands=32) for i in range(len(edges) - 1)]
    assert torch.equal(together, torch.cat(alone, -1))
