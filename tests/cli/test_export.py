"""`myna export` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from myna.cli.main import main

SHORT = ["--gate", "0.1", "--total", "0.2"]


def test_presets_become_sounds_and_json_tells_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", "Bedrock Sub", "silver flute", "--out", str(tmp_path), "--notes", "48,60", *SHORT, "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["note_midi"] for one in found] == [48, 60, 48, 60]
    assert all((tmp_path / one["file"]).is_file() for one in found) and (tmp_path / "index.html").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["No Such Preset"], "No Such Preset"),
        (["Bedrock Sub", "--notes", "C4"], "not numbers"),
        (["Bedrock Sub", "--notes", "200"], "note_midi"),
        (["Bedrock Sub", "--velocities", "0"], "velocity"),
        (["Bedrock Sub", "--format", "mp3"], "mp3"),
        (["Bedrock Sub", "--pattern", "{nam}"], "{name}"),
        (["Bedrock Sub", "--levle", "peak"], "--level"),
        ([], "PRESET"),
    ],
)
def test_bad_input_is_one_sentence_and_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    out = tmp_path / "out"
    assert main(["export", *words, "--out", str(out)]) in (2, 3)
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and not told.out and not out.exists()
