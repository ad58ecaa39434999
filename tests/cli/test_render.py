"""`myna render` plays presets into files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from myna.cli.main import main
from myna.presets.codec import save_preset
from myna.presets.preset import Preset
from myna.render import encode_sound, find_preset, render_preset
from myna.synth.base import Probe
from myna.synth.registry import synth_table

TABLE = synth_table("serum-lite")


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    path = tmp_path / "start.json"
    save_preset(Preset.from_u(TABLE, TABLE.encode(TABLE.defaults), name="start"), path)
    return path


def test_a_preset_file_becomes_a_wav_of_the_asked_length(preset: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "deep" / "a.wav"
    options = ["--note", "48", "--gate", "0.2", "--total", "0.5", "--sample-rate", "22050", "--out", str(out)]
    assert main(["render", str(preset), *options, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    sound, rate = soundfile.read(out)
    assert (rate, sound.shape) == (22_050, (11_025, 2))
    assert 20 * np.log10(np.abs(sound).max()) == pytest.approx(summary["peak_db"], abs=0.1)
    assert summary["audio"] == str(out)


@pytest.fixture
def name(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the one preset in a factory bank of our own."""
    bank = (Preset.from_u(TABLE, TABLE.encode(TABLE.defaults), name="Deep Brass"),)
    monkeypatch.setattr("myna.render.load_factory", lambda table: bank)
    return bank[0].name


def test_a_factory_preset_is_found_by_name_in_any_case(name: str, tmp_path: Path, capsys) -> None:
    assert main(["render", name.upper(), "--total", "0.3", "--out", str(tmp_path / "a.wav")]) == 0
    assert capsys.readouterr().out.startswith(name)


def test_an_unknown_preset_is_one_sentence_with_the_nearest_name(name: str, tmp_path: Path, capsys) -> None:
    assert main(["render", name + "x", "--out", str(tmp_path / "a.wav")]) == 3
    err = capsys.readouterr().err
    assert f"did you mean “{name}”?" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "options", [[], ["--out", "a.wav", "--note", "200"], ["--out", "a.wav", "--total", "0"], ["--out"]]
)
def test_a_wrong_option_is_exit_2(options: list[str], preset: Path, capsys) -> None:
    assert main(["render", str(preset), *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_one_sentence(preset: Path, capsys) -> None:
    assert main(["render", str(preset), "--out", str(preset / "a.wav")]) == 3
    assert "choose another" in capsys.readouterr().err


def test_the_same_preset_gives_the_same_bits(preset: Path) -> None:
    probe = Probe(60, 100, 0.2, 0.3)
    first, second = (render_preset(find_preset(str(preset)), probe) for _ in range(2))
    assert np.abs(first).max() > 0.0
    assert np.array_equal(first, second)


@pytest.mark.parametrize(("peak", "subtype"), [(0.9, "PCM_16"), (1.5, "FLOAT")])
def test_a_sound_over_full_scale_is_written_as_float(peak: float, subtype: str, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(encode_sound(np.full((2, 100), peak, np.float32), 44_100))
    assert soundfile.info(path).subtype == subtype
