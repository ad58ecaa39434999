"""The kernels hear what torch hears, hand over what they would keep, and forget nothing at the edges."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from tests.features.sounds import RATE, SMALL, noise, same_bits

from myna.features import FULL, TRAINING, FeatureConfig, analyse, analyse_each, by_kernels
from myna.features.extractor import measure

TWICE = FeatureConfig(windows=(512, 128), mels=((512, 32), (128, 16), (512, 24), (128, 8)), mfcc=12)
BANDS = dataclasses.replace(SMALL, descriptors="bands", momentary_steps=3)
CONFIGS = {"full": FULL, "training": TRAINING, "small": SMALL, "two scales on a window": TWICE, "bands": BANDS}


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [1, 3, 700, 20_011])
@pytest.mark.parametrize("name", list(CONFIGS))
def test_they_agree_with_torch_but_for_rounding(name: str, samples: int, channels: int) -> None:
    audio = noise(3, channels, samples)
    audio[1] = 0.0
    audio[2, :, : samples // 2] = 0.0
    heard, wanted = analyse(audio, RATE, CONFIGS[name]), measure(torch.from_numpy(audio), RATE, CONFIGS[name])
    for part, tensor in wanted.tensors().items():
        assert heard.tensors()[part].shape == tensor.shape, part
        assert torch.allclose(heard.tensors()[part], tensor, rtol=2e-4, atol=2e-3 if "db" in part else 1e-4), part


@pytest.mark.parametrize("samples", [3, 700, 20_011])
@pytest.mark.parametrize("name", list(CONFIGS))
def test_silence_at_the_end_is_read_once_and_has_the_bits_of_reading_it_all(
    name: str, samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = noise(6, 2, samples)
    for i, end in enumerate((0, 1, samples // 3, samples - 600, samples - 1, samples)):
        audio[i, :, max(end, 0) :] = 0.0
    audio[2, 0, samples // 4 :] = 0.0  # one channel goes on for longer
    config, read = CONFIGS[name], []
    listen = by_kernels.kernels.listen

    def counted(spectrum: np.ndarray, *more: Any) -> None:
        read.append(len(spectrum))
        listen(spectrum, *more)

    monkeypatch.setattr(by_kernels.kernels, "listen", counted)
    heard, few = analyse(audio, RATE, config), sum(read)
    monkeypatch.setattr(by_kernels, "_rows_that_differ", lambda window, sounding: window.rows)
    read.clear()
    assert same_bits(heard, analyse(audio, RATE, config))
    assert few < 0.75 * sum(read) if samples > 20_000 else few <= sum(read)


@pytest.mark.parametrize("threads", [1, 3])
def test_magnitudes_are_handed_over_once_and_are_those_that_are_kept(threads: int) -> None:
    audio = noise(5, samples=3_000)
    wanted, found = analyse(audio, RATE, SMALL), {}

    def keep(i: int, magnitudes: list[np.ndarray]) -> None:
        assert i not in found
        found[i] = [one.copy() for one in magnitudes]

    assert same_bits(analyse_each(audio, RATE, SMALL, keep, threads), wanted.lean())
    assert sorted(found) == list(range(5))
    for i, magnitudes in found.items():
        assert all(np.array_equal(a, b[i]) for a, b in zip(magnitudes, wanted.magnitudes, strict=True))


def test_what_is_not_finite_is_marked_and_handed_over_as_silence() -> None:
    audio = noise(3, samples=2_000)
    audio[1, 0, 5] = np.nan
    loudest = {}
    features = analyse_each(audio, RATE, SMALL, lambda i, found: loudest.update({i: max(m.max() for m in found)}))
    assert features.finite.tolist() == [True, False, True]
    assert loudest[1] == 0.0
    assert min(loudest[0], loudest[2]) > 0.0


def test_a_magnitude_is_the_root_of_the_power_that_the_bands_add_up() -> None:
    """A sine on a bin, so that a band's power can be told from the magnitudes."""
    sine = np.sin(2 * np.pi * 64 / 2048 * np.arange(RATE)).astype(np.float32)
    features = analyse(sine[None, None], RATE, FULL)
    frame = features.magnitudes[0][0, 40]
    assert int(frame.argmax()) == 64
    assert float(frame[64]) == pytest.approx(0.5**0.5, rel=1e-4)
    assert float(frame[63]) == pytest.approx(0.5**0.5 / 2, rel=1e-3)
