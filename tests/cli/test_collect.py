"""`myna collect` makes a data set, says at what rate, and keeps whole shards when it is stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from myna.cli.collect import KINDS
from myna.cli.main import main
from myna.envs.stages import load_stages
from myna.synth.registry import synth_table
from myna.training.collect import KINDS as COLLECTED
from myna.training.data import DataSet
from myna.training.groups import Group, RandomGroups, Tell


def test_it_makes_a_data_set_and_tells_its_size_and_rate(tmp_path: Path, capsys) -> None:
    out = tmp_path / "deep" / "bank"
    assert main(["collect", "--out", str(out), "--rows", "100", "--seed", "4", "--goals", "2"]) == 0
    said = capsys.readouterr()
    first, second = said.out.splitlines()
    data = DataSet.open(out)
    assert (len(data), data["goals"].shape, data.manifests[0].origin.seed) == (64, (64, 2), 4)
    assert first.startswith(f"{out}: 64 rows, 0.1 MiB, 1,")
    assert first.endswith(" bytes a row")
    assert second.strip().startswith("64 of them now, ") and second.endswith(" ms of CPU time each")
    assert said.err == "rows: 64 of 64\n"
    run = json.loads((out / "run.json").read_text())
    assert (run["verb"], run["config"]["seed"], run["config"]["kind"]) == ("collect", 4, "random")


def test_it_goes_on_and_tells_a_program(tmp_path: Path, capsys) -> None:
    assert main(["collect", "--out", str(tmp_path), "--rows", "64"]) == 0
    capsys.readouterr()
    assert main(["collect", "--out", str(tmp_path), "--rows", "130", "--resume", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["out"], said["rows"], said["fresh"]) == (str(tmp_path), 128, 64)
    assert json.loads((tmp_path / "run.json").read_text())["resumed"][0]["config"]["rows"] == 130
    assert said["bytes"] == sum(t.numel() * t.element_size() for t in DataSet.open(tmp_path).tensors.values())
    assert said["rows_per_s"] == pytest.approx(64 / said["seconds"], rel=1e-4)


def test_searches_are_kept(tmp_path: Path, capsys) -> None:
    command = ["collect", "--kind", "searched", "--renders", "32", "--rows", "40", "--out", str(tmp_path)]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path}: 33 rows")


def test_an_interrupt_keeps_whole_shards(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("myna.training.collect.SHARD_ROWS", 64)
    make = RandomGroups.make

    def interrupted(self: RandomGroups, numbers: Sequence[int], tell: Tell) -> list[Group]:
        if numbers[0] == 1:
            raise KeyboardInterrupt
        return make(self, numbers, tell)

    monkeypatch.setattr(RandomGroups, "make", interrupted)
    assert main(["collect", "--out", str(tmp_path), "--rows", "200"]) == 130
    assert "whole shards are kept: go on with --resume." in capsys.readouterr().err
    assert (tmp_path / "run.json").is_file()
    assert len(DataSet.open(tmp_path)) == 64


def test_the_words_on_the_command_line_are_those_that_training_knows() -> None:
    assert KINDS == COLLECTED
    assert len(load_stages(synth_table("serum-lite")).stages) == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--out is missing"),
        (["--out", "x", "--kind", "some"], "'some' is not one of random, guessed"),
        (["--out", "x", "--rows", "0"], "0 is outside 1 to"),
        (["--out", "x", "--rows", "63"], "A group is 64 rows"),
        (["--out", "x", "--mib", "0"], "0 is outside 1 to"),
        (["--out", "x", "--musical", "2"], "2 is outside 0 to 1"),
        (["--out", "x", "--stage", "7"], "7 is outside 1 to 6"),
        (["--out", "x", "--kind", "searched", "--renders", "1"], "1 is outside 2 to"),
        (["--out", "/dev/null/x"], "cannot make the folder /dev/null/x"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_made(
    arguments: list[str], words: str, capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["collect", *arguments]) in (2, 3)
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
