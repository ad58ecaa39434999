"""The wavetable bank: what it holds, and that a damaged cache is rebuilt to the same bits."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.synth.measure import db, rms

from myna.synth.serum_lite.parameters import WAVETABLES
from myna.synth.serum_lite.wavetable_shapes import FRAMES, HARMONICS, SHAPES
from myna.synth.serum_lite.wavetables import LEVEL_HARMONICS, RMS, frame, wavetable_bank

RICHEST = len(LEVEL_HARMONICS) - 1


def test_there_are_at_least_16_tables_of_many_frames() -> None:
    assert len(WAVETABLES) >= 16
    assert FRAMES >= 16
    assert set(SHAPES) == set(WAVETABLES)


@pytest.mark.parametrize("table", WAVETABLES)
def test_every_frame_has_the_same_loudness_and_no_direct_current(table: str) -> None:
    """RMS within 0.1 dB where the level holds all that matters; the richest holds 724 of 1024 harmonics."""
    for index in range(FRAMES):
        cycle = frame(table, index, RICHEST).astype(np.float64)
        assert abs(db(rms(cycle) / RMS)) < 0.1
        assert abs(cycle.mean()) < 1e-6


@pytest.mark.parametrize("table", WAVETABLES)
def test_a_frame_is_the_spectrum_of_its_formula(table: str) -> None:
    spectra = SHAPES[table]()
    for index in (0, 7, 15):
        cycle = frame(table, index, RICHEST).astype(np.float64)
        heard = np.fft.rfft(cycle)[1 : LEVEL_HARMONICS[RICHEST] + 1] * 2 / len(cycle)
        wanted = spectra[index] * RMS / np.sqrt(0.5 * np.sum(np.abs(spectra[index]) ** 2))
        assert np.abs(heard - wanted[: len(heard)]).max() < 1e-6


@pytest.mark.parametrize("level", range(len(LEVEL_HARMONICS)))
def test_a_level_holds_its_harmonics_and_none_above(level: int) -> None:
    cycle = frame("saw_stack", 0, level).astype(np.float64)
    partials = np.abs(np.fft.rfft(cycle)) * 2 / len(cycle)
    limit = LEVEL_HARMONICS[level]
    assert (partials[1 : limit + 1] > 1e-5).all()
    assert partials[limit + 1 :].max() < 1e-7
    assert np.isfinite(cycle).all()


def test_levels_lie_at_most_half_an_octave_apart_where_it_matters() -> None:
    """So that going one level down loses nothing below 16 kHz: 24.1 kHz over 1.5 is 16.07 kHz."""
    steps = np.array(LEVEL_HARMONICS[1:]) / LEVEL_HARMONICS[:-1]
    assert steps.max() <= 2.0
    assert steps[3:].max() <= 1.5


def test_no_two_frames_are_alike() -> None:
    """Compared by their spectra without phase; neighbours within a table differ too."""
    amplitudes = np.concatenate([np.abs(SHAPES[name]()) for name in WAVETABLES])
    amplitudes /= np.linalg.norm(amplitudes, axis=1, keepdims=True)
    alike = amplitudes @ amplitudes.T
    np.fill_diagonal(alike, 0.0)
    # Plain sines and saws are the one thing that several tables pass through.
    twins = {tuple(sorted(divmod(int(i), FRAMES)[0] for i in pair)) for pair in np.argwhere(alike > 1 - 1e-9)}
    assert all(first != second for first, second in twins)
    tables = amplitudes.reshape(len(WAVETABLES), FRAMES, HARMONICS).reshape(len(WAVETABLES), -1)
    whole = tables @ tables.T / FRAMES
    np.fill_diagonal(whole, 0.0)
    assert whole.max() < 0.99


DAMAGE = {
    "empty": lambda data: b"",
    "cut short": lambda data: data[: len(data) // 2],
    "not a bank": lambda data: b"not a bank at all",
    "not finite": lambda data: data[:4096] + b"\xff\xff\xff\x7f" + data[4100:],
    "one bit": lambda data: data[:999_999] + bytes([data[999_999] ^ 1]) + data[1_000_000:],
}


@pytest.fixture(scope="module")
def cached(tmp_path_factory) -> tuple[str, bytes]:
    """The cache file of a fresh build: its name and its bytes."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYNA_CACHE_DIR", str(folder))
        assert np.array_equal(wavetable_bank.__wrapped__(), wavetable_bank())
    (path,) = (folder / "wavetables").iterdir()
    return path.name, path.read_bytes()


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_built_again_to_the_same_bits(damage: str, cached, tmp_path: Path, monkeypatch) -> None:
    """A flipped bit inside a sample is included: what comes out must not depend on luck with a disk."""
    name, sound = cached
    monkeypatch.setenv("MYNA_CACHE_DIR", str(tmp_path))
    path = tmp_path / "wavetables" / name
    path.parent.mkdir()
    path.write_bytes(DAMAGE[damage](sound))
    assert np.array_equal(wavetable_bank.__wrapped__(), wavetable_bank())
    assert path.read_bytes() == sound


def test_a_folder_that_cannot_be_written_costs_time_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("MYNA_CACHE_DIR", str(blocked))
    assert np.array_equal(wavetable_bank.__wrapped__(), wavetable_bank())


def test_another_process_builds_the_same_bits(tmp_path: Path) -> None:
    code = (
        "import hashlib; from myna.synth.serum_lite.wavetables import wavetable_bank;"
        "print(hashlib.sha256(wavetable_bank().tobytes()).hexdigest())"
    )
    environment = os.environ | {"MYNA_CACHE_DIR": str(tmp_path), "PYTHONHASHSEED": "7"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.strip() == hashlib.sha256(wavetable_bank().tobytes()).hexdigest()
