"""A run folder says what made it, the same bytes each time, and what was otherwise when it went on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import pytest

import myna
from myna import provenance
from myna.errors import MynaError
from myna.provenance import RUN, RUN_BYTES, checkout, commit, write_run

CONFIG = {"seed": 3, "out": Path("out"), "shares": MappingProxyType({"near": 0.5}), "notes": (48, 60)}


def said(folder: Path) -> dict:
    return json.loads((folder / RUN).read_text())


def test_it_says_settings_versions_commit_and_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/opt/somewhere/bin/myna", "play", "--seed", "3"])
    write_run(tmp_path, "play", CONFIG)
    run = said(tmp_path)
    assert (run["format"], run["version"], run["verb"], run["resumed"]) == ("myna-run", 1, "play", [])
    assert run["command"] == ["myna", "play", "--seed", "3"]
    assert run["config"] == {"seed": 3, "out": "out", "shares": {"near": 0.5}, "notes": [48, 60]}
    assert run["myna"] == myna.__version__ and run["packages"]["numpy"] and run["python"].startswith("3.")
    assert (tmp_path / RUN).stat().st_size < RUN_BYTES


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    write_run(tmp_path, "play", CONFIG)
    once = (tmp_path / RUN).read_bytes()
    write_run(tmp_path, "play", CONFIG)
    assert (tmp_path / RUN).read_bytes() == once


def test_what_is_otherwise_when_it_goes_on_is_added_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["myna", "train"])
    write_run(tmp_path, "train", {"steps": 1}, resumed=True)
    first = said(tmp_path)
    for steps in (2, 2, 3):
        write_run(tmp_path, "train", {"steps": steps}, resumed=True)
    assert said(tmp_path) == {**first, "resumed": [{"config": {"steps": 2}}, {"config": {"steps": 3}}]}
    write_run(tmp_path, "train", {"steps": 1})
    assert said(tmp_path) == first


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "other"}', "[" * 99_999])
def test_a_file_that_is_none_is_replaced(text: str, tmp_path: Path) -> None:
    (tmp_path / RUN).write_text(text)
    write_run(tmp_path, "train", {}, resumed=True)
    assert said(tmp_path)["verb"] == "train"


def test_a_long_or_odd_command_line_is_told_briefly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["myna", "match", "\udcff\x1b[2J", *["a.wav"] * 500])
    write_run(tmp_path, "match", {})
    command = said(tmp_path)["command"]
    assert command[:3] == ["myna", "match", "\udcff\x1b[2J"] and len(command) == 65 and command[-1] == "…"
    assert (tmp_path / RUN).read_bytes().isascii()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MynaError, match="cannot write"):
        write_run(tmp_path / "nowhere", "play", {})


# The commit


@pytest.fixture
def fresh_commit():
    commit.cache_clear()
    yield
    commit.cache_clear()


def test_the_commit_is_the_checkouts_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_commit) -> None:
    def git(*words: str) -> str:
        own = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.example"]
        return subprocess.run([*own, *words], check=True, capture_output=True, text=True).stdout.strip()

    monkeypatch.setattr(provenance, "checkout", lambda: tmp_path)
    assert commit() == (None, False)
    git("init", "-q")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-qm", "a")
    git("tag", "v1")
    commit.cache_clear()
    assert commit() == (git("rev-parse", "HEAD"), False)
    (tmp_path / "a").write_text("2")
    commit.cache_clear()
    assert commit() == (git("rev-parse", "HEAD"), True)


def test_there_is_no_commit_without_git_or_a_checkout(tmp_path: Path, monkeypatch, fresh_commit) -> None:
    monkeypatch.setattr(provenance, "checkout", lambda: None)
    assert commit() == (None, False)
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(provenance, "checkout", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    commit.cache_clear()
    assert commit() == (None, False)


def test_a_wheel_is_no_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checkout() == Path(myna.__file__).parents[2]
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "lib" / "site-packages" / "myna" / "provenance.py"))
    assert checkout() is None
