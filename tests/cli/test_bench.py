"""`myna bench` lists and runs what lies in a checkout's `benchmarks`, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from myna.cli import bench
from myna.cli.main import main

PROGRAM = '''"""How many arguments there are: `python benchmarks/count.py`. More.

Further.
"""
import sys
print("ran", *sys.argv[1:])
if __name__ == "__main__":
    sys.exit(len(sys.argv) - 1)
'''


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "count.py").write_text(PROGRAM)
    (folder / "killed.py").write_text(
        '"""Dies."""\nimport os\nif 1:\n    pass\nif __name__ == "__main__":\n    os.abort()\n'
    )
    (folder / "helper.py").write_text('"""No program."""\n')
    monkeypatch.setattr(bench, "checkout", lambda: tmp_path)
    return tmp_path


def test_programs_are_listed_with_their_first_sentence(checkout: Path, capsys) -> None:
    assert main(["bench"]) == 0
    assert capsys.readouterr().out == "count        How many arguments there are\nkilled       Dies\n"
    assert main(["bench", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0] == {"name": "count", "about": "How many arguments there are"}


@pytest.mark.parametrize(("words", "code"), [([], 0), (["--json", "--x=1"], 2), (["--help"], 1)])
def test_arguments_go_to_the_benchmark_and_its_exit_code_comes_back(words, code: int, checkout: Path, capfd) -> None:
    assert main(["bench", "count", *words]) == code
    assert capfd.readouterr().out.split() == ["ran", *words]


def test_one_that_a_signal_ends_gives_its_number(checkout: Path) -> None:
    assert main(["bench", "killed"]) == 128 + 6


def test_a_name_leads_nowhere_but_to_a_benchmark(checkout: Path, capsys) -> None:
    for name in ("conut", "helper", "../benchmarks/count"):
        assert main(["bench", name]) == 2
    assert capsys.readouterr().err.splitlines()[0] == "myna: unknown benchmark 'conut': did you mean count?"


@pytest.mark.parametrize("root", [None, Path("/nowhere")])
def test_without_a_checkout_one_sentence_says_where_they_are(root, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(bench, "checkout", lambda: root)
    for words in (["bench"], ["bench", "engine"]):
        assert main(words) == 5
        assert "run `myna bench` from a checkout" in capsys.readouterr().err


def test_the_real_ones_are_found(capsys) -> None:
    assert main(["bench", "--json"]) == 0
    names = {one["name"] for one in json.loads(capsys.readouterr().out)}
    assert {"engine", "features", "env", "matching", "agents"} <= names and "timing" not in names
