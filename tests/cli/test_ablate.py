"""`myna ablate` trains what has no row yet, and prints one table."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from tests.training import counting

import myna.training.run
from myna.cli.main import main


@pytest.fixture(autouse=True)
def costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(myna.training.run.MAKERS, "sac", "tests.training.counting:make")


def ablate(out: Path, *words: str) -> int:
    return main(["ablate", *words, "--steps", "12", "--out", str(out)])


def test_it_trains_the_base_too_and_prints_a_table(tmp_path: Path, capsys) -> None:
    assert ablate(tmp_path, "no_curriculum", "--quiet") == 0
    out, err = capsys.readouterr()
    head, _, base, other = out.splitlines()
    assert head.startswith("| ablation |") and base.startswith("| base |") and other.startswith("| no_curriculum |")
    assert err == "" and out.rstrip("\n") == (tmp_path / "ablations.md").read_text().rstrip("\n")


def test_a_finished_row_is_not_made_again_unless_the_seed_is_another(tmp_path: Path, capsys) -> None:
    assert ablate(tmp_path, "no_curriculum", "--json", "--quiet") == 0
    once = json.loads(capsys.readouterr().out)
    assert ablate(tmp_path, "no_curriculum", "discount_099", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)[:2] == once and "3 of 3: discount_099, 12 steps" in err and "no_curriculum" not in err
    assert [row["ratio"] for row in json.loads(out)][1:] == [1.0, 1.0] and once[0]["ratio"] is None
    assert ablate(tmp_path, "base", "--seed", "1", "--quiet") == 0
    assert len((tmp_path / "ablations.jsonl").read_text().splitlines()) == 4


def test_a_signal_keeps_what_is_done(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    step, calls = counting.Counting.step, iter(range(99))

    def interrupted(self: counting.Counting) -> dict[str, float]:
        if next(calls) == 17:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self)

    with monkeypatch.context() as patch:
        patch.setattr(counting.Counting, "step", interrupted)
        assert ablate(tmp_path, "no_curriculum") == 143
    out, err = capsys.readouterr()
    assert "| base |" in out and "no_curriculum |" not in out and "the same command goes on" in err
    assert ablate(tmp_path, "no_curriculum") == 0
    assert "1 of 2" not in capsys.readouterr().err


def test_the_list_says_what_each_leaves_out(capsys) -> None:
    assert main(["ablate", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13 and lines[0].startswith("base ") and all(len(line) < 120 for line in lines)
    assert main(["ablate", "no_delta_actions", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["against"] == "no_warm_start"


def test_two_budgets_are_one_too_many(tmp_path: Path, capsys) -> None:
    assert ablate(tmp_path, "base", "--minutes", "3") == 2
    assert "give one of them" in capsys.readouterr().err


def test_a_table_that_is_none_is_left_alone(tmp_path: Path, capsys) -> None:
    (tmp_path / "ablations.jsonl").write_text("mine\n")
    assert ablate(tmp_path, "base") == 3
    assert "is no table of ablations" in capsys.readouterr().err
    assert (tmp_path / "ablations.jsonl").read_text() == "mine\n"
