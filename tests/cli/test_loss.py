"""`myna loss` tells how far a sound is from another, and why."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from myna.cli.main import main

RATE = 44_100


def write(path: Path, hz: float = 220.0, seconds: float = 0.4, level: float = 0.3) -> str:
    time_s = np.arange(round(seconds * RATE)) / RATE
    soundfile.write(path, level * np.sin(2 * np.pi * hz * time_s), RATE)
    return str(path)


@pytest.fixture
def pair(tmp_path: Path) -> list[str]:
    return [write(tmp_path / "a.wav", 330.0, 0.3), write(tmp_path / "b.wav")]


def test_the_loss_and_its_parts_are_told(pair: list[str], capsys) -> None:
    assert main(["loss", *pair]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("a.wav against b.wav: loss ")
    assert {"log_mel", "mr_stft", "transport"} <= {line.split()[0] for line in lines[1:]}
    assert "octaves" in out
    assert lines[-1] == "  note: a.wav is shorter: 0.100 s of silence were added at its end."
    assert err == ""


def test_explain_adds_weight_raw_value_and_scale(pair: list[str], capsys) -> None:
    main(["loss", *pair])
    plain = capsys.readouterr().out
    assert main(["loss", *pair, "--explain"]) == 0
    explained = capsys.readouterr().out
    assert "= weight" not in plain
    assert explained.count("= weight") == len(plain.splitlines()) - 2
    assert [line for line in explained.splitlines() if "= weight" not in line] == plain.splitlines()


def test_json_holds_every_number_and_adds_up(pair: list[str], capsys) -> None:
    assert main(["loss", *pair, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [found["sound"], found["target"]] == pair
    assert sum(part["loss"] for part in found["parts"]) == pytest.approx(found["loss"], rel=1e-4)
    keys = {"name", "kind", "raw", "unit", "scale", "weight", "loss", "share", "text"}
    assert all(set(part) == keys for part in found["parts"])


def test_the_same_file_twice_is_zero(pair: list[str], capsys) -> None:
    assert main(["loss", pair[0], pair[0]]) == 0
    assert "loss 0.000" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["a.wav"], ["a.wav", "b.wav", "c.wav"], ["a.wav", "b.wav", "--explain=1"]])
def test_a_wrong_call_is_exit_2(arguments: list[str], capsys) -> None:
    assert main(["loss", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1


@pytest.mark.parametrize("bad_first", [True, False])
def test_a_bad_file_on_either_side_is_named_in_one_sentence(
    bad_first: bool, pair: list[str], tmp_path: Path, capsys
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    files = [str(bad), pair[1]] if bad_first else [pair[0], str(bad)]
    assert main(["loss", *files]) == 3
    out, err = capsys.readouterr()
    assert out == "" and "bad.wav" in err and err.count("\n") == 1


def test_a_preset_is_no_sound_and_said_so(pair: list[str], tmp_path: Path, capsys) -> None:
    preset = tmp_path / "preset.json"
    preset.write_text("{}")
    assert main(["loss", str(preset), pair[1]]) == 3
    assert "not an audio file" in capsys.readouterr().err
