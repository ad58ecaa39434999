"""`myna listen` makes a test, counts votes, exports to webMUSHRA, and loses no key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from myna.audio.wav import write_wav
from myna.cli.main import main


@pytest.fixture
def matches(tmp_path: Path) -> list[str]:
    """The arguments that compare two folders of two matches."""
    rng = np.random.Generator(np.random.PCG64(0))
    for name in ("oboe", "<b>bell"):
        target = 0.1 * rng.standard_normal((2, 4410))
        for folder in ("one", "two"):
            (tmp_path / folder / name).mkdir(parents=True)
            write_wav(tmp_path / folder / name / "target.wav", target, 44_100)
            write_wav(tmp_path / folder / name / "match.wav", 0.1 * rng.standard_normal((2, 4410)), 44_100)
    return ["--matches", str(tmp_path / "one"), str(tmp_path / "two"), "--traps", "1"]


def made(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["listen", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def voted(told: dict[str, Any], path: Path, listener: str, wanted: str) -> str:
    """A votes file of a listener who always hears `wanted`, or the target itself, as closer, and A as better."""
    key = json.loads(Path(told["key"]).read_text())
    votes = [
        {
            "trial": one["id"],
            "closer": "a" if one["a"] in (wanted, None) and one["b"] is not None else "b",
            "better": "a",
        }
        for one in key["trials"]
    ]
    document = {"format": "myna-votes", "version": 1, "test": key["test"], "listener": listener, "votes": votes}
    path.write_text(json.dumps(document))
    return str(path)


def test_a_test_is_made_voted_on_and_counted(
    tmp_path: Path, matches: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    told = made([*matches, "--pairs", "2", "--out", str(tmp_path / "out")], capsys)
    assert (told["pairs"], told["traps"]) == (2, 1)
    assert Path(told["page"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    one, two = matches[1:3]
    files = [voted(told, tmp_path / "1.json", "Ann", one), voted(told, tmp_path / "2.json", "Bob", one)]
    assert main(["listen", "score", *files, "--key", told["key"], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["contenders"] == [one, two]
    assert found["pooled"]["closer"]["wins"] == [4, 0] and found["pooled"]["closer"]["p"] == 0.125
    assert found["by_pair"]["closer"]["wins"] == [2, 0] and found["by_pair"]["closer"]["p"] == 0.5
    assert all(listener["traps"] == {"passed": 1, "count": 1} for listener in found["listeners"])
    assert main(["listen", "score", *files, "--key", told["key"]]) == 0
    text = capsys.readouterr().out
    assert "not independent" in text and "Ann heard the target in 1 of 1 trap" in text
    assert "  4 to 0   100 % (95 % interval 40 to 100 %), p = 0.12" in text


def test_make_may_be_named_and_fewer_targets_are_said(
    tmp_path: Path, matches: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["listen", "make", *matches, "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert "2 pairs, 1 traps" in out and "2 targets are there" in err and len(err.splitlines()) == 1


def test_the_key_of_another_test_is_not_overwritten(
    tmp_path: Path, matches: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*matches, "--pairs", "2", "--out", str(tmp_path / "out")]
    key, page = Path(made(arguments, capsys)["key"]), tmp_path / "out" / "listen.html"
    before = key.read_bytes(), page.read_bytes()
    assert made(arguments, capsys)["test"] == json.loads(before[0])["test"]
    assert main(["listen", *arguments, "--seed", "5"]) == 3
    assert "key of another test" in capsys.readouterr().err
    assert (key.read_bytes(), page.read_bytes()) == before


def test_the_same_draw_goes_to_webmushra(
    tmp_path: Path, matches: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    here = made([*matches, "--pairs", "2", "--out", str(tmp_path / "here")], capsys)
    there = made(["webmushra", *matches, "--pairs", "2", "--out", str(tmp_path / "there")], capsys)
    assert Path(there["key"]).read_text() == Path(here["key"]).read_text()
    config = Path(there["config"])
    pages = yaml.safe_load(config.read_text(encoding="utf-8"))["pages"]
    assert len(pages) == 2 + 2 * 3 + 1
    assert all((tmp_path / "there" / page["reference"]).is_file() for page in pages if "reference" in page)
    assert not list((tmp_path / "there" / "configs").rglob("key.json"))


def test_names_of_strangers_cannot_disturb_the_terminal(
    tmp_path: Path, matches: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    told = made([*matches, "--pairs", "2", "--out", str(tmp_path / "out")], capsys)
    file = voted(told, tmp_path / "1.json", "\x1b[2J\u202eevil", matches[1])
    assert main(["listen", "score", file, "--key", told["key"]]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\u202e" not in out and "evil" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "say what to do, one of make, score, webmushra"),
        (["mak"], "unknown verb 'mak': did you mean make?"),
        (["--from", "nowhere"], "run `myna evaluate --suite real --agents …,…`"),
        (["--from", "nowhere", "--a", "sac", "--b", "cma-es"], "run `myna evaluate --suite real --agents sac,cma-es`"),
        (["--suite", "unreal"], "'unreal' is not one of stage-1, "),
        (["--pairs", "0"], "--pairs: 0 is outside 1 to 500"),
        (["--matches", "one"], "--matches needs a value"),
        (["--matches", "one", "two", "--a", "cma-es"], "leave out --a, --b and --renders"),
        (["score"], "name at least one file"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and sentence in err
