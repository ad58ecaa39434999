"""`myna train`: its exit codes, what it says, and the progress that it shows."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
from tests.training import counting
from tests.training.tiny import TINY

import myna.training.run
from myna.cli.main import main
from myna.cli.train import told_of
from myna.training.run import Status


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The command line of a training that costs nothing."""
    monkeypatch.setitem(myna.training.run.MAKERS, "sac", "tests.training.counting:make")
    config = tmp_path / "counting.toml"
    config.write_text('kind = "sac"\n[run]\nsteps = 40\ncheckpoint_every = 10\nevaluate_every = 20\nlog_every = 5\n')
    return ["train", "--config", str(config), "--out", str(tmp_path / "out")]


def test_a_smoke_training_of_sac_runs_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", "smoke", "--out", str(tmp_path), "--quiet", "--override", *TINY]) == 0
    out, err = capsys.readouterr()
    assert re.match(r"\d+ steps in ", out) and out.rstrip().endswith(f"{tmp_path}/best") and err == ""
    assert (tmp_path / "best" / "sac.safetensors").is_file()


def test_overrides_change_settings(counts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*counts, "--override", "run.steps=25", "seed=3"]) == 0
    assert capsys.readouterr().out.startswith("25 steps in ")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_checkpoint_to_go_on_from(
    number: signal.Signals, code: int, counts: list[str], capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    step = counting.Counting.step

    def interrupted(self: counting.Counting) -> dict[str, float]:
        if self.steps_done == 13:
            os.kill(os.getpid(), number)
        return step(self)

    with monkeypatch.context() as patch:
        patch.setattr(counting.Counting, "step", interrupted)
        assert main(counts) == code
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"myna: stopped by {number.name} after 14 steps: go on with `myna resume ")
    assert main([*counts, "--resume"]) == 0
    assert capsys.readouterr().out.startswith("40 steps in ")


def test_mistakes_are_one_sentence_and_an_exit_code(counts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", "nowhere"]) == 2
    assert main([*counts, "--override", "run.stepz=3"]) == 2
    assert main([*counts, "--override", "sac.breaks_at=3"]) == 3
    unknown, misspelt, *_, broken = capsys.readouterr().err.splitlines()
    assert "There is no configuration 'nowhere'" in unknown and "did you mean 'steps'?" in misspelt
    assert "ceased to be a number: the batch is in" in broken


def test_a_folder_that_holds_a_training_is_left_alone(counts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(counts) == 0 and main(counts) == 2
    assert "go on with --resume" in capsys.readouterr().err


# Progress


def test_progress_tells_steps_pace_stage_and_loss() -> None:
    told = told_of(Status(20_000, 100_000, 151.2, 3_725.0, {"match/best_loss": 0.51234, "curriculum/stage": 3.0}))
    assert told == ("training", 20_000, 100_000, "20,000 of 100,000 steps, 151 steps/s, stage 3, loss 0.512")
    assert told_of(Status(0, 9, 0.0, float("inf"), {})).words == "0 of 9 steps, 0 steps/s"
