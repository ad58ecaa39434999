"""`myna suites` lists, shows, renders and checks the frozen lists of targets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from myna.cli.main import main
from myna.evaluation import suites
from myna.evaluation.suites import SUITES, load_suite
from myna.evaluation.suites.frozen import FrozenSet
from myna.evaluation.suites.sets import RecordingSet
from myna.presets import load_preset
from myna.synth.registry import synth_table
from myna.synth.renderer import Renderer


def test_the_list_names_every_suite_with_its_targets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suites", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    presets = [(name, 64) for name in SUITES if name not in ("real", "vital")]
    assert [(one["name"], one["targets"]) for one in found] == [*presets, ("real", 60), ("vital", 43)]
    assert all(one["about"] for one in found)
    assert main(["suites", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(SUITES) and "stage 3, envelopes" in lines[2]


@pytest.mark.parametrize(("name", "count"), [("stage-4", 64), ("factory", 64), ("real", 60), ("vital", 43)])
def test_a_suite_is_shown_a_line_a_target(name: str, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suites", "show", name]) == 0
    assert len(capsys.readouterr().out.splitlines()) == count
    assert main(["suites", "show", name, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["targets"] == len(shown["items"]) == count
    assert {"name", "note_midi", "gate_s"} <= set(shown["items"][0])


@pytest.mark.parametrize(
    ("name", "stems"), [("stage-1", ["stage-1_00", "stage-1_01"]), ("factory", ["Amp on Fire", "Arena Jump"])]
)
def test_sounds_and_presets_are_written(
    name: str, stems: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_suite(name)
    assert isinstance(whole, FrozenSet)
    small = FrozenSet(whole.name, whole.synth, whole.about, whole.stage, whole.targets[:2])
    monkeypatch.setattr("myna.cli.suites.load_suite", lambda name: small)
    assert main(["suites", "render", name, "--out", str(tmp_path / "deep"), "--json"]) == 0
    paths = [Path(path) for path in json.loads(capsys.readouterr().out)]
    assert [path.name for path in paths] == [f"{stem}.{end}" for stem in stems for end in ("wav", "json")]
    audio, rate = soundfile.read(paths[0], dtype="float32")
    wanted = whole.target(0, Renderer())
    assert rate == wanted.sample_rate and np.abs(audio.T - wanted.audio).max() < 1e-4
    table = synth_table(whole.synth)
    assert np.array_equal(load_preset(paths[1], table).u(table), whole.preset(0).u(table))


def test_sounds_of_a_suite_of_recordings_are_written_as_they_are_matched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_suite("vital")
    assert isinstance(whole, RecordingSet)
    small = RecordingSet(whole.name, whole.recordings[:2], whole.about)
    monkeypatch.setattr("myna.cli.suites.load_suite", lambda name: small)
    assert main(["suites", "render", "vital", "--out", str(tmp_path), "--json"]) == 0
    paths = [Path(path) for path in json.loads(capsys.readouterr().out)]
    assert [path.name for path in paths] == ["00_sub_bass.wav", "01_reese_bass.wav"]
    audio, _ = soundfile.read(paths[0], dtype="float32")
    assert np.abs(audio.T - whole.recordings[0].target().audio).max() < 1e-4


def test_all_are_verified_or_those_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suites", "verify"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{name}: ok" for name in SUITES]
    assert main(["suites", "verify", "real", "stage-1", "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == ["real", "stage-1"]


def test_one_that_was_changed_fails_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(suites.FOLDER, tmp_path / "suites")
    monkeypatch.setattr(suites, "FOLDER", tmp_path / "suites")
    (tmp_path / "suites" / "stage-3.json").write_text("{}")
    assert main(["suites", "verify", "stage-3", "stage-4"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["stage-3: The suite stage-3 is not the one that was frozen: install myna again.", "stage-4: ok"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "stage-9"], "'stage-9' is not one of stage-1, "),
        (["show"], "is missing"),
        (["shw", "real"], "unknown verb 'shw': did you mean show?"),
        (["verify", "unreal"], "unknown suite 'unreal': did you mean real?"),
        (["render", "real"], "--out is missing"),
        (["list", "--jsn"], "unknown option '--jsn' (did you mean --json?)"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suites", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and sentence in err
