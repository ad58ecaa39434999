"""The suite `vital` is what its script makes of its presets; played again only where `vita` is installed."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from myna.evaluation import suites

EXAMPLE = Path(__file__).parents[2] / "examples" / "make_vital_suite.py"
FOLDER = suites.FOLDER / "vital"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_vital_suite", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows() -> list[dict[str, str]]:
    with (FOLDER / "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_index_says_of_each_preset_how_it_is_played(example: ModuleType) -> None:
    said = [
        (row["instrument"], row["category"], int(row["note_midi"]), float(row["gate_s"]), int(row["velocity"]))
        for row in rows()
    ]
    assert said == [
        (one["name"], one["category"], one["note_midi"], one["gate_s"], example.VELOCITY)
        for one in example.load_sounds()
    ]


def test_a_file_is_as_long_and_as_loud_as_its_preset_says(example: ModuleType) -> None:
    for sound, row in zip(example.load_sounds(), rows(), strict=True):
        audio, rate = soundfile.read(FOLDER / row["file"])
        assert len(audio) == pytest.approx(sound["total_s"] * rate, abs=1)
        assert 20 * np.log10(np.abs(audio).max()) == pytest.approx(sound["peak_db"], abs=0.01)


def test_a_wave_is_one_cycle_at_full_level_without_an_offset(example: ModuleType) -> None:
    for wave in example.WAVES:
        cycle = example.cycle(wave)
        assert (cycle.shape, np.abs(cycle).max()) == ((example.FRAME,), pytest.approx(1.0))
        assert abs(cycle.mean()) < 1e-9


@pytest.mark.parametrize("name", ["reese_bass", "plucked_string", "glass_pad"])
def test_vital_plays_what_is_in_the_suite(example: ModuleType, name: str) -> None:
    pytest.importorskip("vita")
    number, sound = next((i, one) for i, one in enumerate(example.load_sounds()) if one["name"] == name)
    played = example.render(sound)
    kept, _ = soundfile.read(FOLDER / rows()[number]["file"])
    scaled = played * (10 ** (sound["peak_db"] / 20) / np.abs(played).max())
    assert np.abs(scaled.T - kept).max() < 2 / 32768
