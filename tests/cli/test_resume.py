"""`myna resume` goes on where a training was stopped, and says what it cannot go on with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import myna.training.run
from myna.cli.main import main


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of a training of 20 steps that costs nothing."""
    monkeypatch.setitem(myna.training.run.MAKERS, "sac", "tests.training.counting:make")
    config = tmp_path / "counting.toml"
    config.write_text('kind = "sac"\n[run]\nsteps = 20\ncheckpoint_every = 10\nevaluate_every = 10\nlog_every = 5\n')
    assert main(["train", "--config", str(config), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    config.unlink()
    return tmp_path / "out"


def test_it_goes_on_for_longer_and_tells_as_json(begun: Path, capsys) -> None:
    capsys.readouterr()
    assert main(["resume", str(begun), "--override", "run.steps=40", "--json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["steps"], told["finished"], told["out"], err) == (40, True, str(begun), "")
    assert sorted(told) == ["best_score", "finished", "minutes", "out", "steps"]
    run = json.loads((begun / "run.json").read_text())
    assert run["config"]["run"]["steps"] == 20 and run["config"]["sac"] == {"breaks_at": -1}
    assert run["resumed"][0]["config"]["run"]["steps"] == 40


def test_a_setting_that_must_stay_is_refused_and_nothing_is_lost(begun: Path, capsys) -> None:
    assert main(["resume", str(begun), "--override", "seed=3"]) == 2
    assert "begun with another seed" in capsys.readouterr().err
    assert main(["resume", str(begun), "--override", "run.steps=21"]) == 0


def test_a_folder_without_a_training_or_a_checkpoint_is_told(begun: Path, tmp_path: Path, capsys) -> None:
    assert main(["resume", str(tmp_path)]) == 3
    assert "holds no training: begin one with `myna train --out" in capsys.readouterr().err
    shutil.rmtree(begun / "checkpoints")
    assert main(["resume", str(begun)]) == 3
    assert "holds no checkpoint yet: begin again with `myna train --resume`" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"kind": "sac"}', '{"kind": 1, "run": {"steps": 1}}'])
def test_a_configuration_that_is_none_is_told(text: str, begun: Path, capsys) -> None:
    (begun / "config.json").write_text(text)
    assert main(["resume", str(begun)]) == 3
    assert "cannot be read: go on with `myna train --resume`" in capsys.readouterr().err


def test_a_damaged_checkpoint_gives_way_to_the_one_before(begun: Path, capsys) -> None:
    newest = max((begun / "checkpoints").iterdir())
    (newest / "state.safetensors").write_bytes(b"no")
    assert main(["resume", str(begun), "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("20 steps in ")
