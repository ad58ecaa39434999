"""`myna play` writes an episode as a page, and says what happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from myna.cli.main import main
from myna.cli.play import MODES, POLICIES
from myna.envs.action_layout import MODES as ACTION_MODES
from myna.playing import POLICIES as PLAYERS
from myna.presets.codec import load_preset
from myna.synth.registry import synth_table


def test_an_episode_becomes_a_page_a_preset_and_figures(tmp_path: Path, capsys) -> None:
    out = tmp_path / "deep" / "play"
    assert main(["play", "--stage", "2", "--policy", "oracle", "--seed", "3", "--out", str(out), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["report"] == str(out / "report.html")
    assert (out / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    kept = json.loads((out / "episode.json").read_text(encoding="utf-8"))
    assert kept["story"] == summary["story"]
    assert (kept["stage"], kept["policy"], kept["seed"]) == (2, "oracle", 3)
    table = synth_table("serum-lite")
    assert load_preset(out / "preset.json", table).name == "Stage 2, oracle, seed 3"
    assert sorted(path.name for path in out.iterdir()) == ["episode.json", "preset.json", "report.html", "run.json"]
    assert json.loads((out / "run.json").read_text())["config"]["stage"] == 2


def test_it_tells_every_step_in_words(tmp_path: Path, capsys) -> None:
    assert main(["play", "--stage", "1", "--policy", "noop", "--mode", "module", "--out", str(tmp_path)]) == 0
    head, start, *steps, report = capsys.readouterr().out.splitlines()
    assert head.startswith("stage 1 (oscillators): It was given up after")
    assert start.split() == ["0", "The", "start", "preset"]
    assert all("Nothing moved: loss unchanged" in step for step in steps)
    assert report.strip() == str(tmp_path / "report.html")


def test_the_words_on_the_command_line_are_those_that_the_environment_knows() -> None:
    assert tuple(PLAYERS) == POLICIES
    assert ACTION_MODES == MODES


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--stage", "7"], "7 is outside 1 to 6"),
        (["--policy", "wise"], "'wise' is not one of oracle, random, noop"),
        (["--mode", "some"], "'some' is not one of all, module"),
        (["--seed", "-1"], "-1 is outside 0 to"),
        (["--out", "/dev/null/x"], "/dev/null"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_played(arguments: list[str], words: str, capsys) -> None:
    assert main(["play", *arguments]) in (2, 3)
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
