"""`benchmarks/evaluation.sh` plays every suite with every seed, goes on from what it packed, keeps to its minutes."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from myna.evaluation.suites import SUITES

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "evaluation.sh"
MYNA = """#!/usr/bin/env bash
# Stands in for myna: notes what it is asked for, and leaves rows behind, by the number of seeds.
echo "$@" >>calls
out=out/evaluation; mkdir -p $out/cells; echo '{}' >$out/evaluation.json
printf '%3000s\\n' >>"$out/cells/random.${12}.jsonl"
echo begun >$out/cells/sac.begun.jsonl
sleep "$(cat pause)"
echo "$@" >>ended
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A checkout in which `myna` only notes what it is asked for."""
    (tmp_path / "benchmarks").mkdir()
    shutil.copy(SCRIPT, tmp_path / "benchmarks")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "myna").write_text(MYNA)
    (tmp_path / ".venv" / "bin" / "myna").chmod(0o755)
    (tmp_path / "pause").write_text("0")
    return tmp_path


def go(place: Path, *arguments: str) -> None:
    subprocess.run([place / "benchmarks" / "evaluation.sh", *arguments], check=True, timeout=60)


def asked(place: Path) -> list[dict[str, str]]:
    """Options of each call."""
    calls = [line.split() for line in (place / "calls").read_text().splitlines()]
    assert all(call[0] == "evaluate" for call in calls)
    return [
        {word: after for word, after in zip(call, [*call[1:], ""], strict=True) if word.startswith("--")}
        for call in calls
    ]


def packed(place: Path) -> dict[str, int]:
    with tarfile.open(place / "benchmarks" / "rows.tar.xz") as rows:
        return {member.name: member.size for member in rows.getmembers()}


def test_every_suite_is_played_with_every_seed_and_what_was_begun_alone_is_not_packed(place: Path) -> None:
    go(place)
    calls = asked(place)
    assert sorted((call["--suite"], call["--first-seed"]) for call in calls) == sorted(
        (suite, str(seed)) for suite in SUITES for seed in range(3)
    )
    assert all(int(call["--seeds"]) == int(call["--first-seed"]) + 1 for call in calls)
    assert all("2000" in call["--budgets"] for call in calls if not call["--suite"].startswith("stage"))
    assert all(call["--limit"] == "32" for call in calls if call["--suite"].startswith("stage"))
    assert len({call["--agents"] for call in calls}) == 1
    assert "cells/sac.begun.jsonl" not in packed(place)
    assert "evaluation.json" in packed(place)


def test_it_goes_on_from_what_it_packed(place: Path) -> None:
    go(place)
    before = packed(place)
    shutil.rmtree(place / "out")
    go(place)
    assert packed(place).keys() == before.keys()
    grown = [name for name, size in packed(place).items() if size == 2 * before[name]]
    assert grown == [name for name in before if name.startswith("cells/")]


def test_it_keeps_to_its_minutes_and_packs_what_there_is(place: Path) -> None:
    (place / "pause").write_text("3600")
    go(place, "0")
    assert not (place / "calls").exists()
    script = place / "benchmarks" / "evaluation.sh"
    script.write_text(script.read_text().replace("60 * ${1", "${1"))  # seconds
    go(place, "2")
    assert len(asked(place)) == 1
    assert not (place / "ended").exists()  # it was cut off
    assert any(name.startswith("cells/random") for name in packed(place))
