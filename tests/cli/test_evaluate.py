"""`myna evaluate`: a small evaluation from the command line, and what it says of bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from myna.cli.main import main

SMALL = ["evaluate", "--suite", "stage-1", "--agents", "random,mean-preset", "--budgets", "1,2", "--seeds", "1"]
SMALL += ["--measured-seeds", "0", "--limit", "1"]


def test_an_evaluation_prints_a_table_and_leaves_its_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "evaluation"
    assert main([*SMALL, "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert "stage-1: 1 targets, 1 seeds" in told.out and "random" in told.out
    assert "evaluating: " in told.err and "of 1" in told.err
    assert {"results.csv", "summary.json", "evaluation.json", "cells"} <= {path.name for path in out.iterdir()}
    assert main([*SMALL, "--out", str(out), "--only-table", "--json"]) == 0
    again = capsys.readouterr()
    assert json.loads(again.out) == json.loads((out / "summary.json").read_text())
    assert again.err.startswith("myna: the report is ") and again.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--suite", "stage-7"], "stage-7"),
        (["--agents", "cma-se"], "cma-se"),
        (["--agents", "x=cma-es:sigma"], "SETTING=VALUE"),
        (["--agents", "x=cma-es:colour=3"], "does not take these settings"),
        (["--budgets", "1,two"], "two"),
        (["--budgets", "0"], "outside"),
        (["--seeds", "0"], "outside"),
        (["--limit", "none"], "none"),
        (["--suites", "real"], "--suite"),
        (["--only-table"], "holds no evaluation"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    out = tmp_path / "evaluation"
    settings = {"--budgets": "1", "--limit": "1", "--out": str(out)}
    kept = [word for pair in settings.items() if pair[0] not in words for word in pair]
    assert main(["evaluate", *kept, "--quiet", *words]) in (2, 3)
    told = capsys.readouterr()
    assert said in told.err and told.err.startswith("myna: ") and told.err.count("\n") == 1 and not told.out
    assert not (out / "results.csv").exists()
