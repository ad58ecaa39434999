"""`analyse`: right shapes, the same bits for a sound whatever stands beside it, defined results at the edges."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.features.sounds import RATE, RECORDINGS, SMALL, noise, recording, same_bits, sine

from myna.errors import UsageError
from myna.features import FLOOR_DB, FULL, TRAINING, FeatureConfig, Features, analyse
from myna.features.extractor import measure

CONFIGS = pytest.mark.parametrize("config", [FULL, TRAINING], ids=["full", "training"])
EACH = dataclasses.replace(SMALL, channels="each")


def test_shapes_follow_the_config() -> None:
    features = analyse(noise(3, samples=RATE), RATE)
    sizes = [(w, w // 4) for w in FULL.windows]
    assert [m.shape for m in features.magnitudes] == [(3, 1 + RATE // hop, w // 2 + 1) for w, hop in sizes]
    assert [m.shape for m in features.mels] == [(3, 1 + RATE // (w // 4), bands) for w, bands in FULL.mels]
    assert features.mfcc.shape == (3, 87, 20)
    assert features.centroid_hz.shape == features.centroid_octaves.shape == features.flatness.shape == (3, 87)
    assert features.momentary_lufs.shape == (3, 7)
    assert features.envelope_db.shape == features.side_db.shape == (3, 84)
    names = ("loudness_lufs", "level_db", "peak", "dc", "clipped", "finite")
    assert all(getattr(features, name).shape == (3,) for name in names)
    assert {t.dtype for name, t in features.tensors().items() if name != "finite"} == {torch.float32}
    assert features.finite.dtype == torch.bool


@pytest.mark.parametrize("leading", [(), (1,), (4,), (2, 3), (1, 2, 2)])
@pytest.mark.parametrize("channels", [1, 2])
def test_leading_dimensions_are_kept(leading: tuple[int, ...], channels: int) -> None:
    audio = noise(int(np.prod(leading)), channels, 1_500).reshape(*leading, channels, 1_500)
    features = analyse(audio, RATE, SMALL)
    assert features.shape == leading
    assert same_bits(features.reshape(-1), analyse(audio.reshape(-1, channels, 1_500), RATE, SMALL))
    assert analyse(audio, RATE, EACH).shape == (*leading, channels)


def test_an_array_and_a_tensor_of_any_layout_give_the_same() -> None:
    audio = noise(2, samples=3_000)
    wanted = analyse(audio, RATE, SMALL)
    back_to_front = np.ascontiguousarray(audio[:, ::-1, ::-1])[:, ::-1, ::-1]
    read_only = audio.copy()
    read_only.flags.writeable = False
    strided = torch.from_numpy(np.ascontiguousarray(audio.transpose(2, 0, 1))).permute(1, 2, 0)
    shifted = torch.from_numpy(np.concatenate([[0], audio.ravel()]).astype(np.float32))[1:].reshape(audio.shape)
    others = (torch.from_numpy(audio), audio.astype(np.float64), back_to_front, read_only, strided, shifted)
    for other in (*others, torch.from_numpy(audio).requires_grad_()):
        assert same_bits(analyse(other, RATE, SMALL), wanted)


@CONFIGS
@pytest.mark.parametrize("samples", [20_011, 1_000, 3])
@pytest.mark.parametrize("rate", [RATE, 48_000])
def test_a_sound_has_the_same_bits_whatever_the_batch_and_the_threads(samples: int, rate: int, config) -> None:
    audio = noise(7, samples=samples)
    whole = analyse(audio, rate, config)
    for i in range(len(audio)):
        assert same_bits(whole[i], analyse(audio[i], rate, config))
    assert same_bits(whole, analyse(audio, rate, config, threads=3))
    assert same_bits(whole[[3, 1, 6, 0]], analyse(audio[[3, 1, 6, 0]], rate, config))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert same_bits(whole, analyse(audio, rate, config))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 6_000), st.sampled_from([8_000, 44_100, 48_000]), st.integers(1, 2))
def test_bits_are_an_items_own_for_any_length_rate_place_and_threads(data, samples, rate, channels) -> None:
    audio = noise(5, channels, samples, seed=samples)
    order = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=8))
    together = analyse(audio[order], rate, SMALL, threads=data.draw(st.integers(1, 4)))
    for place, i in enumerate(order):
        assert same_bits(together[place], analyse(audio[i], rate, SMALL))


def test_one_channel_equals_two_of_the_same() -> None:
    left = noise(2, channels=1)
    assert same_bits(analyse(left, RATE), analyse(np.repeat(left, 2, axis=1), RATE))


def test_stereo_with_channels_apart_is_stacked_mono() -> None:
    audio = noise(3, samples=5_000)
    apart = analyse(audio, RATE, EACH)
    for channel in (0, 1):
        assert same_bits(apart[:, channel], analyse(audio[:, channel : channel + 1], RATE, EACH)[:, 0])


@CONFIGS
def test_the_batched_path_of_other_devices_agrees_with_the_cpus(config: FeatureConfig) -> None:
    audio = np.stack([recording(path, 0.7)[[0, -1]] for path in RECORDINGS])
    one_by_one, at_once = analyse(audio, RATE, config), measure(torch.from_numpy(audio), RATE, config)
    for name, tensor in one_by_one.tensors().items():
        assert torch.allclose(at_once.tensors()[name], tensor, rtol=2e-4, atol=2e-3 if "db" in name else 1e-4), name


def everything_finite(features: Features) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in features.tensors().values())


@CONFIGS
def test_silence_lies_on_the_floor(config: FeatureConfig) -> None:
    features = analyse(np.zeros((2, 30_000), np.float32), RATE, config)
    levels = (*features.mels, features.envelope_db, features.side_db, features.level_db, features.momentary_lufs)
    assert all(torch.allclose(level, torch.tensor(FLOOR_DB), atol=1e-3) for level in (*levels, features.loudness_lufs))
    assert (features.centroid_hz == 0).all()
    assert (features.centroid_octaves == 0).all()
    assert features.flatness.numpy() == pytest.approx(1.0, abs=1e-4)
    assert features.mfcc[:, 0].numpy() == pytest.approx(FLOOR_DB * 128**0.5, abs=0.01)
    assert features.mfcc[:, 1:].numpy() == pytest.approx(0.0, abs=1e-2)
    assert [features.peak.item(), features.dc.item(), features.clipped.item()] == [0, 0, 0]
    assert features.finite.item()


@CONFIGS
def test_an_offset_is_low_and_has_its_level(config: FeatureConfig) -> None:
    features = analyse(np.full((1, RATE), 0.1, np.float32), RATE, config)
    assert features.level_db.item() == pytest.approx(-20, abs=1e-3)
    assert features.dc.item() == pytest.approx(0.1, rel=1e-5)
    assert features.centroid_octaves[10:-10].max() < 0.5
    assert everything_finite(features)


@CONFIGS
@pytest.mark.parametrize("at", [0, 1, 5_000, 9_999])
def test_an_impulse_is_flat_and_heard_in_one_place(at: int, config: FeatureConfig) -> None:
    audio = np.zeros((1, 10_000), np.float32)
    audio[0, at] = 1.0
    features = analyse(audio, RATE, config)
    assert features.peak.item() == 1.0
    assert features.clipped.item() == pytest.approx(1e-4)
    assert features.level_db.item() == pytest.approx(-40, abs=1e-3)
    assert (features.envelope_db > FLOOR_DB + 1).nonzero()[:, 0].tolist() == [at // 529]
    loudest = int(features.mels[0].mean(-1).argmax())
    assert features.flatness[loudest] > (0.99 if config is FULL else 0.2)
    assert everything_finite(features)


@CONFIGS
@pytest.mark.parametrize("samples", [1, 2, 100, 255, 2_047])
@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_sounds_shorter_than_a_window_have_frames_and_levels(samples: int, rate: int, config: FeatureConfig) -> None:
    features = analyse(np.full((2, samples), 0.5, np.float32), rate, config)
    assert features.level_db.item() == pytest.approx(-6.02, abs=0.01)
    assert features.momentary_lufs.shape == (1,)
    assert features.mels[0].shape[0] == 1 + samples // config.frames(config.windows[0], rate)[1]
    assert everything_finite(features)


@CONFIGS
@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 32_000, 48_000, 96_000, 192_000])
def test_a_sine_reads_the_same_at_every_rate(rate: int, config: FeatureConfig) -> None:
    features, usual = (analyse(sine(1000, 0.1, 0.5, r)[0], r, config) for r in (rate, RATE))
    assert features.level_db.item() == pytest.approx(-20, abs=0.01)
    assert features.loudness_lufs.item() == pytest.approx(usual.loudness_lufs.item(), abs=0.05)
    assert features.mels[0][8:-8].amax().item() == pytest.approx(usual.mels[0][8:-8].amax().item(), abs=2.5)


def test_every_mel_band_hears_something() -> None:
    for rate in (8_000, 16_000, RATE):
        for mel in analyse(noise(1, samples=RATE), rate).mels:
            assert mel.mean(dim=1).min() > FLOOR_DB + 20


def test_the_audio_is_left_as_it_was() -> None:
    audio = torch.from_numpy(noise(2))
    audio[1, 0, 5] = float("nan")
    before = audio.clone()
    analyse(audio, RATE, SMALL, on_bad="mark")
    assert torch.equal(audio.nan_to_num(7.0), before.nan_to_num(7.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2e6])
@pytest.mark.parametrize("channel", [0, 1])
def test_what_is_not_finite_raises_or_is_marked_and_disturbs_nobody(bad: float, channel: int) -> None:
    audio = noise(3, samples=3_000)
    wanted = analyse(audio, RATE, SMALL)
    audio[1, channel, 1_234] = bad
    with pytest.raises(UsageError, match="NaN, infinity"):
        analyse(audio, RATE, SMALL)
    marked = analyse(audio, RATE, SMALL, on_bad="mark")
    assert marked.finite.tolist() == [True, False, True]
    assert same_bits(marked[[0, 2]], wanted[[0, 2]])
    silence = dataclasses.replace(analyse(np.zeros_like(audio[1]), RATE, SMALL), finite=torch.tensor(False))
    assert same_bits(marked[1], silence)
    batched = measure(torch.from_numpy(audio), RATE, SMALL)
    assert batched.finite.tolist() == [True, False, True]
    assert everything_finite(batched)


def test_the_loudest_sound_that_is_allowed_has_finite_features() -> None:
    for config in (FULL, TRAINING):
        assert everything_finite(analyse(np.full((2, 5_000), 1e6, np.float32), RATE, config))
        assert everything_finite(analyse(1e6 * np.sign(noise(1, samples=5_000)), RATE, config))


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (np.zeros(100, np.float32), "shape"),
        (np.zeros((1, 2, 0), np.float32), "shape"),
        (np.zeros((0, 2, 10), np.float32), "shape"),
        (np.zeros((1, 0, 10), np.float32), "shape"),
        (torch.zeros(2, 10, dtype=torch.complex64), "shape"),
        (np.zeros((1, 3, 10), np.float32), "channels"),
        (np.zeros((64, 10), np.float32), "channels"),
    ],
)
def test_audio_of_another_shape_is_refused_in_a_sentence(audio, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        analyse(audio, RATE)


def test_a_rate_that_is_none_of_audio_is_refused() -> None:
    with pytest.raises(UsageError, match="sample rate"):
        analyse(np.zeros((1, 10), np.float32), 10)
