"""`myna library` keeps, finds, moves and removes presets, and says it briefly."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.library.presets import TABLE, drawn

from myna.audio.wav import write_wav
from myna.cli.main import main
from myna.presets import Preset, dumps, save_preset
from myna.presets.factory import load_factory
from myna.render import render_preset
from myna.synth.base import Probe

FACTORY = load_factory(TABLE)[:4]


@pytest.fixture(autouse=True)
def own_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_DATA_DIR", str(tmp_path / "data"))


def run(*arguments: object, code: int = 0) -> None:
    assert main(["library", *map(str, arguments)]) == code


def answer(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Any:
    capsys.readouterr()
    run(*arguments, "--json", code=code)
    return json.loads(capsys.readouterr().out)


def names(found: Any) -> list[str]:
    return [row["name"] for row in found["presets"]]


@pytest.fixture
def ids(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Four factory presets are in the library."""
    return [one["id"] for one in answer(capsys, "add", *(preset.name for preset in FACTORY))]


def test_presets_are_added_once_and_listed(ids: list[str], tmp_path: Path, capsys) -> None:
    assert (tmp_path / "data/library.sqlite").is_file()
    again = answer(capsys, "add", FACTORY[0].name)
    assert again == [{"id": ids[0], "new": False}]
    assert sorted(names(answer(capsys, "list"))) == sorted(preset.name for preset in FACTORY)
    run("list", "--limit", 1)
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1 and err == "myna: 1 of 4 presets: --offset and --limit show others.\n"
    assert answer(capsys, "list", "--library", tmp_path / "other.sqlite")["total"] == 0


def test_a_match_on_disk_brings_its_story(tmp_path: Path, capsys) -> None:
    save_preset(drawn(1)[0], tmp_path / "preset.json")
    story = {"target": "in/trumpet.wav", "agent": "auto", "renders": 1000, "loss": 0.0712}
    (tmp_path / "match.json").write_text(json.dumps(story))
    run("add", tmp_path / "preset.json")
    entry_id = capsys.readouterr().out.split()[0]
    run("show", entry_id)
    assert "match, trumpet.wav, loss 0.071, 1,000 renders of auto\n" in capsys.readouterr().out
    (tmp_path / "match.json").write_text('{"renders": "many", "loss": NaN}')
    save_preset(drawn(2)[1], tmp_path / "preset.json")
    (one,) = answer(capsys, "add", tmp_path / "preset.json")
    lineage = answer(capsys, "show", one["id"])["lineage"]
    assert (lineage["source"], lineage["origin"], lineage["loss"]) == ("import", "preset.json", None)


def test_search_and_filters_find(ids: list[str], capsys) -> None:
    word, kind = FACTORY[1].name.split()[0], FACTORY[1].category
    assert FACTORY[1].name in names(answer(capsys, "search", word[:3]))
    assert set(names(answer(capsys, "list", "--category", kind))) == {p.name for p in FACTORY if p.category == kind}
    assert answer(capsys, "search", "xyzzy")["total"] == 0
    run("search", '"*')
    assert capsys.readouterr() == ("", "myna: no preset in the library fits: ask for less.\n")


def test_tags_ratings_and_notes_are_set_on_some_or_on_all_that_fit(ids: list[str], capsys) -> None:
    run("tag", ids[0][:8], ids[1], "--add", "mine,old", "--favourite", "yes")
    run("tag", "--tag", "mine", "--remove", "OLD", "--rate", 4)
    run("tag", ids[0], "--notes", "for the bridge")
    found = answer(capsys, "list", "--favourites", "--rating", 4, "--tag", "mine")
    assert {row["id"] for row in found["presets"]} == set(ids[:2])
    assert all("old" not in row["tags"] for row in found["presets"])
    assert answer(capsys, "show", ids[0])["notes"] == "for the bridge"
    for wrong in (["--add", "x"], [*ids, "--notes", "x"]):
        run("tag", *wrong, code=2)
    run("tag", ids[0], "--add", "x" * 41, code=2)


def test_what_is_exported_is_imported_again(ids: list[str], tmp_path: Path, capsys) -> None:
    assert answer(capsys, "export", "--out", tmp_path / "all.zip")["presets"] == 4
    assert answer(capsys, "export", ids[0], "--out", tmp_path / "some")["presets"] == 1
    (file,) = (tmp_path / "some").iterdir()
    assert file.read_text() == dumps(FACTORY[0])
    (tmp_path / "some/bad.json").write_text("hello")
    other = ("--library", tmp_path / "other.sqlite")
    found = answer(capsys, "import", tmp_path / "all.zip", tmp_path / "some", *other, code=3)
    assert (len(found["ids"]), found["known"], len(found["refused"])) == (4, 1, 1)
    run("import", tmp_path / "all.zip", *other)
    assert capsys.readouterr().out == "0 new presets, 4 were there already, 0 could not be read\n"
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert len(archive.namelist()) == 4
    run("export", "--out", tmp_path / "all.zip", code=2)


def test_what_sounds_like_a_recording_a_preset_or_an_entry_is_found(ids: list[str], tmp_path: Path, capsys) -> None:
    audio = render_preset(FACTORY[2], Probe(60, 100, 0.6, 1.0))
    write_wav(tmp_path / "a.wav", audio, 44_100)
    save_preset(FACTORY[2], tmp_path / "a.json")
    for sound in (tmp_path / "a.wav", tmp_path / "a.json", ids[2], FACTORY[2].name):
        found = answer(capsys, "like", sound)
        assert (found["total"], names(found)[0]) == (4, FACTORY[2].name)
    run("like", ids[2], "--limit", 2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and " dB  " in lines[0]
    run("like", "no such sound", code=3)


def test_duplicates_are_told_in_groups(ids: list[str], tmp_path: Path, capsys) -> None:
    run("duplicates")
    assert capsys.readouterr().err == "myna: no preset is there twice.\n"
    save_preset(replace(FACTORY[0], name="Twin"), tmp_path / "twin.json")
    (added,) = answer(capsys, "add", tmp_path / "twin.json")
    assert answer(capsys, "duplicates") == [[ids[0], added["id"]]] == answer(capsys, "duplicates", "--audible")
    run("duplicates", "--within", 1, code=2)


def test_removed_presets_are_gone(ids: list[str], capsys) -> None:
    run("remove", ids[0][:8], ids[1])
    assert capsys.readouterr().out.endswith("2 presets removed\n")
    assert answer(capsys, "list")["total"] == 2
    run("remove", ids[0], code=2)
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "no preset with the id" in err


def test_what_presets_say_cannot_drive_the_terminal(tmp_path: Path, capsys) -> None:
    hostile = "\x1b[2J\u202e\n"
    preset = Preset("serum-lite", {}, hostile, hostile, "other", (hostile,), hostile)
    save_preset(preset, tmp_path / "a.json")
    run("add", tmp_path / "a.json")
    run("list")
    run("show", capsys.readouterr().out.split()[0])
    run("duplicates")
    out, err = capsys.readouterr()
    assert not {"\x1b", "\u202e"} & set(out + err)


@pytest.mark.parametrize(
    "arguments",
    [[], ["lst"], ["add"], ["show"], ["show", "zz"], ["list", "x"], ["list", "--sort", "odd"], ["list", "--limit", "0"],
     ["import"], ["export"], ["tag"], ["remove"], ["list", "--rating", "6"], ["list", "--category", "nose"]],
)  # fmt: skip
def test_a_wrong_call_is_one_line_and_exit_2(arguments: list[str], capsys) -> None:
    run(*arguments, code=2)
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("myna: ") and err.count("\n") == 1


def test_a_library_that_cannot_be_is_one_line(tmp_path: Path, capsys) -> None:
    (tmp_path / "a.txt").write_text("no library" * 100)
    for place in (tmp_path / "a.txt", tmp_path / "a.txt/below.sqlite", tmp_path):
        run("list", "--library", place, code=3)
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1
