"""`myna analyse` tells what a sound is like, and a bad file in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from myna.cli.main import main

RATE = 44_100


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "a4.wav"
    time_s = np.arange(RATE // 2) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 440 * time_s), RATE)
    return path


def test_a_sound_is_told_in_lines(sound: Path, capsys) -> None:
    assert main(["analyse", str(sound)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "a4.wav: 0.50 s, mono, 44.1 kHz"
    words = ["level", "loudness", "pitch", "time", "envelope", "brightness", "noisiness", "stereo"]
    assert [line.split()[0] for line in lines[1:9]] == words
    assert "A4 (MIDI 69, 440.0 Hz)" in out
    assert "█" * 20 in out
    assert err == ""


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_json_is_strict_and_names_units(sound: Path, capsys) -> None:
    assert main(["analyse", str(sound), "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=no_constant)
    assert found["file"] == str(sound)
    assert found["note_midi"] == 69.0
    assert found["level_db"] == pytest.approx(-13.47, abs=0.01)
    assert found["plot"] is None
    assert len(found["envelope_db"]) <= 48


def test_json_of_a_sound_without_pitch_has_null(tmp_path: Path, capsys) -> None:
    path = tmp_path / "noise.wav"
    soundfile.write(path, 0.2 * np.random.default_rng(1).standard_normal(RATE), RATE)
    assert main(["analyse", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=no_constant)
    assert found["note_midi"] is None and found["note_name"] is None


def test_a_picture_is_written_into_a_folder_that_is_made(sound: Path, tmp_path: Path, capsys) -> None:
    picture = tmp_path / "deep" / "a.png"
    assert main(["analyse", str(sound), "--plot", str(picture), "--note", "57"]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    out = capsys.readouterr().out
    assert str(picture) in out and "A3 (MIDI 57" in out


@pytest.mark.parametrize("options", [[], ["--note", "200"], ["--note", "x"], ["--plot"], ["b.wav"]])
def test_a_wrong_option_is_exit_2(options: list[str], sound: Path, capsys) -> None:
    arguments = [str(sound), *options] if options else []
    assert main(["analyse", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1


def test_a_bad_file_is_one_sentence_and_exit_3(tmp_path: Path, capsys) -> None:
    silent, text = tmp_path / "silent.wav", tmp_path / "text.wav"
    soundfile.write(silent, np.zeros(1000), RATE)
    text.write_text("no sound")
    for path in (silent, text, tmp_path / "none.wav", tmp_path):
        assert main(["analyse", str(path)]) == 3
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("myna: “") and err.count("\n") == 1


def test_a_picture_that_cannot_be_written_is_one_sentence_and_exit_3(sound: Path, tmp_path: Path, capsys) -> None:
    for path in (tmp_path, sound / "a.png"):
        assert main(["analyse", str(sound), "--plot", str(path), "--note", "69"]) == 3
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1


@pytest.mark.parametrize("verb", ["analyse", "loss"])
def test_the_help_loads_neither_torch_nor_librosa(verb: str) -> None:
    code = f"import sys, myna.cli.main as cli; cli.main(['{verb}', '--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1]
    assert not [name for name in ("torch", "librosa", "matplotlib", "numba") if f"'{name}'" in loaded]
