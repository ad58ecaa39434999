"""Tracing changes the speed of features and not one bit of them."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from myna.features import FULL, TRAINING, FeatureConfig, Features, analyse, traced
from myna.seeding import generator

RATE = 44_100
WIDE = FeatureConfig(windows=(1024, 256), overlap=3, mels=((1024, 64),), channels="each", descriptors="bins")


def sounds(count: int, channels: int, samples: int) -> torch.Tensor:
    """Noise of many levels, with silence, something clipped and something broken in it."""
    audio = torch.from_numpy(generator(0, "traced").normal(0.0, 0.1, (count, channels, samples))).float()
    audio *= torch.logspace(-3, 1, count)[:, None, None]
    audio[1], audio[2, 0, 7], audio[3, 0, 7] = 0.0, torch.nan, 1e9
    return audio


@pytest.fixture(autouse=True)
def unseen(monkeypatch) -> None:
    """No sound has come yet."""
    monkeypatch.setattr(traced, "_SEEN", traced.Counter())
    traced._traced.cache_clear()


@pytest.mark.parametrize("config", [TRAINING, WIDE, FeatureConfig()], ids=["training", "each channel", "three mels"])
@pytest.mark.parametrize(("channels", "samples"), [(2, 6615), (1, 4000), (2, 30_000)])
def test_a_traced_sound_has_the_bits_of_one_that_is_not(config: FeatureConfig, channels: int, samples: int) -> None:
    audio = sounds(12, channels, samples)
    eager = analyse(audio, RATE, config, on_bad="mark")
    assert traced._traced.cache_info().currsize == 0
    many = analyse(audio.repeat(7, 1, 1), RATE, config, on_bad="mark")
    assert traced._traced.cache_info().currsize == 1
    one = Features.cat([analyse(audio[i : i + 1], RATE, config, threads=2, on_bad="mark") for i in range(12)])
    for name, values in eager.tensors().items():
        assert torch.equal(values, one.tensors()[name]), name
        assert torch.equal(values.repeat(7, *[1] * (values.ndim - 1)), many.tensors()[name]), name


def test_magnitudes_are_never_traced() -> None:
    analyse(sounds(70, 1, 3000), RATE, FULL, on_bad="mark")
    assert traced._traced.cache_info().currsize == 0


def test_several_threads_may_come_at_once() -> None:
    audio = sounds(20, 2, 5000)
    wanted = analyse(audio, RATE, TRAINING, on_bad="mark")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: analyse(audio, RATE, TRAINING, on_bad="mark"), range(8)))
    assert traced._traced.cache_info().currsize == 1
    assert all(torch.equal(one.mfcc, wanted.mfcc) for one in found)


def test_shapes_without_end_are_forgotten(monkeypatch) -> None:
    monkeypatch.setattr(traced, "_MOST_SHAPES", 5)
    for samples in range(1000, 1010):
        analyse(torch.zeros(1, 1, samples), RATE, TRAINING)
    assert len(traced._SEEN) <= 6


ENDING = """
import threading, torch
from myna.features import TRAINING, analyse

def run(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

for samples in (3000, 4000, 5000):
    run(lambda: analyse(torch.full((64, 1, samples), 0.1), 44100, TRAINING))
    run(lambda: torch.randn(100_000).sum())  # takes over the memory of the thread that has ended
print("alive")
"""


def test_sounds_may_be_traced_by_threads_that_end() -> None:
    ran = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout) == (0, "alive\n"), ran.stderr
