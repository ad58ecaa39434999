"""Mutated audio files: every one is either refused with BadAudioError or decoded to finite, bounded sound."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from myna.audio.files import MAX_CHANNELS, MAX_DURATION_S, load_audio
from myna.errors import BadAudioError

RATE = 44_100
SEEDS = [
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("WAV", "IMA_ADPCM"),
    ("WAV", "ULAW"),
    ("WAVEX", "PCM_16"),
    ("RF64", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("AIFF", "PCM_16"),
    ("AIFF", "FLOAT"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]
EDGES = [0, 1, 2**7 - 1, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1]


def seed_file(format: str, subtype: str) -> bytes:
    rate = 48_000 if subtype == "OPUS" else RATE
    wave = 0.3 * np.sin(np.arange(600) * 0.1)
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([wave, wave[::-1]], axis=1), rate, format=format, subtype=subtype)
    return buffer.getvalue()


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four changes, half of them in the first 64 bytes, where headers lie."""
    result = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        span = len(result) if rng.random() < 0.5 else min(64, len(result))
        at = int(rng.integers(0, max(1, span)))
        kind = int(rng.integers(0, 6))
        if kind == 0:
            result[at : at + 1] = bytes([int(rng.integers(0, 256))])
        elif kind == 1:
            result[at : at + 1] = bytes([(result[at] if at < len(result) else 0) ^ (1 << int(rng.integers(0, 8)))])
        elif kind == 2:
            order = "little" if rng.random() < 0.5 else "big"
            result[at : at + 4] = int(rng.choice(EDGES)).to_bytes(4, order)
        elif kind == 3:
            result[at:] = b"" if rng.random() < 0.3 else result[at:]
        elif kind == 4:
            length = int(rng.integers(1, 32))
            result[at:at] = result[at : at + length] if rng.random() < 0.5 else rng.bytes(length)
        else:
            del result[at : at + int(rng.integers(1, 16))]
    return bytes(result)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one: half a million files must not wear a disk."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def fuzz(count: int, seed: int, folder: Path) -> tuple[int, int]:
    """Return how many of `count` mutated files were accepted and how many refused."""
    seeds = [seed_file(format, subtype) for format, subtype in SEEDS]
    path = folder / "fuzz.wav"
    accepted = 0
    for index in range(count):
        # One generator per input: a failure is reproduced from its index alone.
        data = mutate(seeds[index % len(seeds)], np.random.default_rng((seed, index)))
        path.write_bytes(data)
        try:
            audio = load_audio(path, sample_rate=RATE)
        except BadAudioError as error:
            assert str(error).isprintable() and str(error).endswith("."), (index, str(error))
            continue
        accepted += 1
        channels, length = audio.samples.shape
        assert 1 <= channels <= MAX_CHANNELS and 0 < length <= MAX_DURATION_S * RATE, index
        assert np.isfinite(audio.samples).all() and np.abs(audio.samples).max() <= 20.0, index
    return accepted, count - accepted


def test_twenty_thousand_mutated_files_are_refused_or_sound(scratch: Path) -> None:
    accepted, refused = fuzz(20_000, seed=1, folder=scratch)
    # Both ways must be well travelled, or the mutations test nothing.
    assert accepted > 3000 and refused > 3000


@pytest.mark.soak
def test_half_a_million_mutated_files_are_refused_or_sound(scratch: Path) -> None:
    count = int(os.environ.get("MYNA_FUZZ_COUNT", "500000"))
    accepted, refused = fuzz(count, seed=2, folder=scratch)
    assert accepted + refused == count
