"""The cache: what was measured is not measured again, bounds hold, and no kill or damage gives wrong features."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.features.sounds import RATE, SMALL, noise, same_bits

from myna.errors import UsageError
from myna.features import Features, analyse, cache
from myna.features.cache import FeatureCache, cache_key

ROOT = Path(__file__).parents[2]


@pytest.fixture
def measured(monkeypatch) -> list[int]:
    """One entry for each call that was not answered from a cache."""
    calls: list[int] = []

    def counted(audio, *rest) -> Features:
        calls.append(1)
        return analyse(audio, *rest)

    monkeypatch.setattr(cache, "analyse", counted)
    return calls


def sound(seed: int) -> np.ndarray:
    return noise(1, samples=2_000, seed=seed)


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.features"), key=lambda path: path.stat().st_mtime_ns)


def test_what_was_measured_comes_from_memory_and_from_the_folder(tmp_path, measured) -> None:
    first = FeatureCache(tmp_path)
    wanted = analyse(sound(1), RATE, SMALL)
    for _ in range(3):
        assert same_bits(first.analyse(sound(1), RATE, SMALL), wanted)
    assert same_bits(FeatureCache(tmp_path).analyse(torch.from_numpy(sound(1)), RATE, SMALL), wanted)
    assert len(measured) == 1
    FeatureCache().analyse(sound(1), RATE, SMALL)
    assert len(measured) == 2


def test_the_key_tells_apart_all_that_features_depend_on(monkeypatch) -> None:
    audio = sound(1)
    other = audio.copy()
    other[0, 0, -1] += np.float32(1e-7)
    keys = [
        cache_key(audio, RATE, SMALL),
        cache_key(other, RATE, SMALL),
        cache_key(audio[0], RATE, SMALL),
        cache_key(audio.reshape(2, 1, -1), RATE, SMALL),
        cache_key(audio, 48_000, SMALL),
        cache_key(audio, RATE, cache.FULL),
    ]
    monkeypatch.setattr(cache, "_version", lambda: "another")
    keys.append(cache_key(audio, RATE, SMALL))
    assert len(set(keys)) == len(keys)
    assert cache_key(audio, RATE, SMALL) == cache_key(torch.from_numpy(audio).double(), RATE, SMALL)


def test_memory_holds_no_more_than_it_may_and_forgets_the_least_used(measured) -> None:
    size = sum(tensor.nbytes for tensor in analyse(sound(1), RATE, SMALL).tensors().values())
    small = FeatureCache(memory_bytes=2 * size + size // 2)
    for seed in (1, 2, 1, 3, 1):  # 2 leaves
        small.analyse(sound(seed), RATE, SMALL)
    assert len(measured) == 3
    small.analyse(sound(3), RATE, SMALL)
    assert len(measured) == 3
    small.analyse(sound(2), RATE, SMALL)
    assert len(measured) == 4
    nothing = FeatureCache(memory_bytes=size - 1)
    for _ in range(2):
        nothing.analyse(sound(1), RATE, SMALL)
    assert len(measured) == 6


def test_the_folder_holds_no_more_than_it_may_and_loses_the_least_used(tmp_path, measured) -> None:
    FeatureCache(tmp_path).analyse(sound(0), RATE, SMALL)
    size = files_in(tmp_path)[0].stat().st_size
    bounded = FeatureCache(tmp_path, memory_bytes=0, disk_bytes=3 * size)
    for seed in (1, 2, 0, 3):  # 1 leaves, since 0 is used again
        bounded.analyse(sound(seed), RATE, SMALL)
        time.sleep(0.02)
    assert sum(path.stat().st_size for path in files_in(tmp_path)) == 3 * size
    measured.clear()
    for seed in (0, 2, 3):
        bounded.analyse(sound(seed), RATE, SMALL)
    assert not measured
    bounded.analyse(sound(1), RATE, SMALL)
    assert len(measured) == 1
    FeatureCache(tmp_path, memory_bytes=0, disk_bytes=size - 1).analyse(sound(9), RATE, SMALL)
    assert len(files_in(tmp_path)) == 3


@pytest.mark.parametrize("damage", ["cut", "empty", "a bit", "the digest", "text"])
def test_a_damaged_file_is_measured_again_and_mended(tmp_path, measured, damage: str) -> None:
    wanted = FeatureCache(tmp_path).analyse(sound(1), RATE, SMALL)
    (path,) = files_in(tmp_path)
    content = bytearray(path.read_bytes())
    content[{"a bit": -7, "the digest": 3}.get(damage, 0)] ^= 4
    damaged = {"cut": bytes(content[:-100]), "empty": b"", "text": b"hello"}.get(damage, bytes(content))
    path.write_bytes(damaged)
    assert same_bits(FeatureCache(tmp_path).analyse(sound(1), RATE, SMALL), wanted)
    assert same_bits(FeatureCache(tmp_path).analyse(sound(1), RATE, SMALL), wanted)
    assert len(measured) == 2


def test_a_folder_that_cannot_be_made_only_costs_time(tmp_path, measured) -> None:
    (tmp_path / "file").write_text("in the way")
    for _ in range(2):
        assert FeatureCache(tmp_path / "file" / "x", memory_bytes=0).analyse(sound(1), RATE, SMALL).finite.all()
    assert len(measured) == 2


def test_bad_audio_raises_and_is_not_kept(tmp_path) -> None:
    with pytest.raises(UsageError, match="NaN"):
        FeatureCache(tmp_path).analyse(np.full((1, 2, 100), np.nan, np.float32), RATE, SMALL)
    assert not files_in(tmp_path)


WRITER = """
import itertools, os, sys
from myna.features.cache import FeatureCache
from tests.features.sounds import RATE, SMALL, noise
# Every fsync is slow, so that a kill falls into a write.
import time; os.fsync = lambda _: time.sleep(0.01)
cache = FeatureCache(sys.argv[1], memory_bytes=0, disk_bytes=int(sys.argv[2]))
print("ready", flush=True)
for i in itertools.count() if sys.argv[3] == "for ever" else range(int(sys.argv[3])):
    cache.analyse(noise(1, samples=2_000, seed=i % 12), RATE, SMALL)
"""


def writer(folder: Path, disk_bytes: int, count: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(disk_bytes), count]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )


def test_a_kill_in_the_middle_of_a_write_leaves_whole_files_and_rubbish_that_is_cleared(tmp_path) -> None:
    process = writer(tmp_path, 3 * 100_000, "for ever")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 20
    while not list(tmp_path.glob("*.tmp")) and time.monotonic() < deadline:
        time.sleep(0.001)
    process.kill()
    process.wait()
    process.stdout.close()
    left = list(tmp_path.glob(".*.tmp"))
    assert left, "the kill fell between two writes"
    for path in left:
        os.utime(path, (0, 0))
    for seed in range(12):
        features = FeatureCache(tmp_path).analyse(sound(seed), RATE, SMALL)
        assert same_bits(features, analyse(sound(seed), RATE, SMALL))
    assert not list(tmp_path.glob(".*.tmp"))


def test_several_processes_share_a_folder_that_is_too_small_for_them(tmp_path) -> None:
    FeatureCache(tmp_path).analyse(sound(0), RATE, SMALL)
    size = files_in(tmp_path)[0].stat().st_size
    processes = [writer(tmp_path, 4 * size, "30") for _ in range(2)]
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0, 0]
    assert 1 <= len(files_in(tmp_path)) <= 5
    for seed in range(12):
        assert same_bits(FeatureCache(tmp_path).analyse(sound(seed), RATE, SMALL), analyse(sound(seed), RATE, SMALL))
