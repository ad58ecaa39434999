"""Features can be indexed, joined, moved, saved and read again; what does not fit is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tests.features.sounds import RATE, SMALL, noise, same_bits

from myna.errors import MynaError, UsageError
from myna.features import TRAINING, Features, analyse


@pytest.fixture(scope="module")
def features() -> Features:
    return analyse(noise(6, samples=4_000), RATE, SMALL)


def test_an_index_a_slice_and_a_mask_choose_sounds(features: Features) -> None:
    assert len(features) == 6
    assert features.shape == (6,)
    assert features[2].shape == ()
    assert features[1:4].shape == (3,)
    assert same_bits(features[2:3], features[[2]])
    assert same_bits(features[torch.tensor([0, 0, 1, 0, 0, 0], dtype=torch.bool)], features[[2]])
    assert same_bits(features[2], features[2:3][0])


def test_leading_dimensions_can_be_folded(features: Features) -> None:
    folded = features.reshape(2, 3)
    assert folded.shape == (2, 3)
    assert folded.magnitudes[0].shape == (2, 3, *features.magnitudes[0].shape[1:])
    assert same_bits(folded[1, 0], features[3])
    assert same_bits(folded.reshape(-1), features)


def test_parts_that_are_joined_are_the_whole(features: Features) -> None:
    assert same_bits(Features.cat([features[:2], features[2:]]), features)
    assert same_bits(Features.stack([features[i] for i in range(6)]), features)


def test_what_differs_cannot_be_joined(features: Features) -> None:
    others = [
        analyse(noise(1, samples=4_000), RATE, dataclasses.replace(SMALL, mfcc=5)),
        analyse(noise(1, samples=4_000), 48_000, SMALL),
        analyse(noise(1, samples=4_001), RATE, SMALL),
        features.lean(),
    ]
    for other in others:
        with pytest.raises(UsageError, match="joined"):
            Features.cat([features, other])
    with pytest.raises(UsageError, match="no features"):
        Features.cat([])


def test_on_another_device_everything_is_there(features: Features) -> None:
    moved = features.to("meta")  # the device that every machine has
    assert moved.device.type == "meta"
    assert all(tensor.device.type == "meta" for tensor in moved.tensors().values())
    assert moved.mfcc.shape == features.mfcc.shape


def test_lean_features_have_no_magnitudes(features: Features) -> None:
    assert features.lean().magnitudes == ()
    assert features.lean().tensors().keys() == features.tensors().keys() - {"magnitudes.0", "magnitudes.1"}


def test_arrays_are_named(features: Features) -> None:
    arrays = features.numpy()
    assert np.array_equal(arrays["mels.1"], features.mels[1].numpy())
    assert arrays["finite"].dtype == bool


@pytest.mark.parametrize("config", [SMALL, TRAINING], ids=["small", "training"])
def test_what_is_saved_is_read_again(tmp_path, config) -> None:
    features = analyse(noise(3, samples=3_000), 48_000, config)
    for some in (features, features[1], features.reshape(3, 1)):
        some.save(tmp_path / "a.safetensors")
        again = Features.load(tmp_path / "a.safetensors")
        assert same_bits(again, some)
        assert (again.config, again.sample_rate, again.samples, again.shape) == (config, 48_000, 3_000, some.shape)


def test_more_than_ten_tensors_of_a_kind_come_back_in_order(features: Features) -> None:
    many = dataclasses.replace(features, mels=tuple(torch.full((6, 1, 1), float(i)) for i in range(12)))
    assert [int(mel[0]) for mel in Features.from_bytes(many.to_bytes()).mels] == list(range(12))


@pytest.mark.parametrize("keep", [0, 3, 8, 100, 3_000, -1])
def test_a_damaged_file_is_refused_in_a_sentence(features: Features, tmp_path, keep: int) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(features.to_bytes()[:keep])
    with pytest.raises(MynaError, match=r"a\.safetensors holds no features"):
        Features.load(path)


def test_another_safetensors_file_and_none_are_refused(tmp_path) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(MynaError, match="no features"):
        Features.load(tmp_path / "x.safetensors")
    with pytest.raises(MynaError, match="cannot read"):
        Features.load(tmp_path / "none.safetensors")
