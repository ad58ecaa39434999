"""What holds for every verb: help, mistakes, files that are not there, hostile names, and where its output goes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from myna.cli.grammar import Place, grammar
from myna.cli.main import VERBS, main

PLACES = grammar(VERBS)
HOSTILE = {
    "escape": "\x1b[2Jboo",
    "newline": "a\nb",
    "right to left": "\u202egnp.exe",
    "no unicode": "\udcff",
    "long": "x" * 5000,
    "dash": "-",
    "nul": "nul\0byte",
}


def leaves() -> Iterator[tuple[list[str], Place]]:
    """All that does something: verbs, or their own verbs where they have some."""
    for verb, place in PLACES.items():
        yield from (([verb, own], inner) for own, inner in place.verbs.items()) if place.verbs else [([verb], place)]


LEAVES = [pytest.param(words, place, id=" ".join(words)) for words, place in leaves()]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything happens in an empty folder, which a mistake must leave empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(code: int, words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must fail with one line on stderr; the line."""
    assert main(words) == code
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("myna: ") and err.count("\n") == 1
    assert err.rstrip("\n").isprintable() and len(err) < 6000
    return err


# Help


@pytest.mark.parametrize(("words", "place"), LEAVES)
def test_its_help_shows_usage_an_example_and_every_option(words: list[str], place: Place, capsys) -> None:
    assert main([*words, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"usage: myna {' '.join(words)} ") and f"myna {' '.join(words)}" in out.split("Example", 1)[1]
    assert all(flag in out for flag in place.options) and err == "" and "\x1b" not in out


@pytest.mark.parametrize("verb", [verb for verb, place in PLACES.items() if place.verbs])
def test_a_verb_of_verbs_lists_them(verb: str, capsys) -> None:
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"• {own} " in out for own in PLACES[verb].verbs) and "Example: myna" in out


@pytest.mark.parametrize("colour", [True, False])
def test_no_color_keeps_colours_off_a_terminal(colour: bool) -> None:
    keeper, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"} | ({} if colour else {"NO_COLOR": "1"})
    command = [sys.executable, "-m", "myna.cli.main", "loss", "--help"]
    subprocess.run(command, stdout=terminal, env={k: v for k, v in environment.items() if v}, check=True)
    os.close(terminal)
    assert (b"\x1b[" in os.read(keeper, 1 << 16)) is colour
    os.close(keeper)


# Mistakes


@pytest.mark.parametrize(("words", "place"), LEAVES)
def test_an_unknown_option_is_refused_with_the_nearest(words: list[str], place: Place, capsys) -> None:
    meant = max((option for option in place.options if option[:-1] not in place.options), key=len)
    said = told(2, [*words, meant[:-1]], capsys)
    assert f"unknown option '{meant[:-1]}' (did you mean {meant}?): see `myna {' '.join(words)} --help`." in said


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("match", "FILE…: name at least one file"),
        ("presets", "say what to do, one of validate, show, new, list, diff"),
        ("presets validate", "FILE…: name at least one file"),
        ("presets show", "PRESET is missing"),
        ("presets diff", "A and B is missing"),
        ("render", "PRESET and --out is missing"),
        ("analyse", "FILE is missing"),
        ("loss", "SOUND and TARGET is missing"),
        ("resume", "DIR is missing"),
        ("ablate", "Name an ablation or several"),
        ("collect", "--out is missing"),
        ("suites", "say what to do, one of list, show, render, verify"),
        ("suites show", "is missing"),
        ("suites render real", "--out is missing"),
        ("completion", "is missing"),
    ],
)
def test_what_is_missing_is_named(line: str, says: str, capsys, here: Path) -> None:
    assert says in told(2, line.split(), capsys)
    assert [*here.iterdir()] == []


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("presets shwo", "show"),
        ("suites verfiy", "verify"),
        ("suites verify stage1", "stage-1"),
        ("ablate no_curiculum", "no_curriculum"),
        ("bench engin", "engine"),
        ("train --override run.stepz=1", "steps"),
        ("train --config smoke --override sac.discount=1 --out x", "choose from"),
    ],
)
def test_an_unknown_word_or_setting_is_refused_with_the_nearest(line: str, meant: str, capsys) -> None:
    assert meant in told(2, line.split(), capsys)


@pytest.mark.parametrize(
    "line",
    [
        "match a.wav --agent clever", "presets new --prior none", "presets list --category lovely",
        "play --policy wise",
        "collect --out d --kind odd", "suites show stage-9", "completion tcsh", "match a.wav --synth moog",
    ],
)  # fmt: skip
def test_a_choice_that_is_none_is_refused_with_all_there_are(line: str, capsys) -> None:
    assert "is not one of" in told(2, line.split(), capsys)


@pytest.mark.parametrize("number", ["nan", "x", "-1e9", "1e99"])
@pytest.mark.parametrize(
    "line",
    [
        "match a.wav --budget", "match a.wav --note", "match a.wav --gate", "match a.wav --top",
        "render x --out y.wav --total",
        "analyse a.wav --note", "play --stage", "play --seed", "ablate base --steps", "ablate base --minutes",
        "ablate base --seed", "collect --out d --rows", "collect --out d --musical", "presets new --count",
    ],
)  # fmt: skip
def test_a_bad_number_is_refused(line: str, number: str, capsys, here: Path) -> None:
    said = told(2, [*line.split(), number], capsys)
    assert "is not a" in said or "is outside" in said
    assert [*here.iterdir()] == []


# Files


FILES = [
    ("match {}", 3), ("presets validate {}", 3), ("presets show {}", 3), ("presets diff Helicopter {}", 3),
    ("render {} --out o/y.wav", 3),
    ("analyse {}", 3), ("loss {} {}", 3), ("resume {}", 3), ("train --config {} --out o", 2),
    ("collect --kind recorded --recordings {} --out o", 3),
]  # fmt: skip


def with_name(line: str, name: str) -> list[str]:
    return [word.replace("{}", name) for word in line.split(" ")]


@pytest.mark.parametrize(("line", "code"), FILES)
def test_a_file_that_is_not_there_is_named(line: str, code: int, capsys, here: Path) -> None:
    assert main(with_name(line, "nowhere.bin")) == code
    assert "nowhere.bin" in "".join(capsys.readouterr())
    assert not (here / "o").exists()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(("line", "code"), FILES)
def test_a_hostile_name_reaches_no_terminal(line: str, code: int, name: str, capsys, here: Path) -> None:
    assert main(with_name(line, name)) in (2, 3)
    out, err = capsys.readouterr()
    assert all(text.isprintable() for text in (out + err).splitlines())
    assert not [path for path in here.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", [*HOSTILE.values()][:5], ids=[*HOSTILE][:5])
@pytest.mark.parametrize(
    "line", ["{}", "--{}", "presets {}", "suites verify {}", "ablate {}", "bench {}", "completion {}"]
)
def test_a_hostile_word_is_shown_safely(line: str, name: str, capsys) -> None:
    told(2, with_name(line, name), capsys)


@pytest.mark.parametrize(
    "line", ["match {}", "presets show {}", "analyse {}", "loss {} {}", "train --config {}", "resume {}"]
)
def test_a_file_of_the_wrong_kind_is_refused(line: str, capsys, here: Path) -> None:
    (here / "junk").write_bytes(bytes(range(256)) * 9)
    assert "junk" in told(2 if line.startswith("train") else 3, with_name(line, "junk"), capsys)


@pytest.mark.parametrize(
    "line",
    [
        "match tone.wav --out {}", "presets new --out {}", "render Helicopter --out {}/y.wav",
        "analyse tone.wav --plot {}/y.png",
        "play --out {}", "train --config smoke --out {}", "ablate base --out {}", "collect --rows 64 --out {}",
        "suites render stage-1 --out {}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["/proc/self/nowhere", "tone.wav/inside"])
def test_a_folder_that_cannot_be_written_to_is_told(line: str, place: str, capsys, tone: Path) -> None:
    assert "cannot make the folder" in told(3, with_name(line, place), capsys)


# Output


@pytest.fixture
def tone(here: Path) -> Path:
    time_s = np.arange(22_050) / 44_100
    soundfile.write(here / "tone.wav", 0.3 * np.sin(2 * np.pi * 220 * time_s), 44_100)
    return here / "tone.wav"


@pytest.mark.parametrize(
    "line",
    [
        "presets list", "presets show Helicopter", "presets diff Helicopter Monastery",
        "presets new --from Helicopter", "suites list",
        "suites show real", "suites verify stage-1", "analyse tone.wav", "loss tone.wav tone.wav", "bench",
        "ablate --list",
        "render Helicopter --out y.wav --total 0.1 --gate 0.05", "doctor --quick",
    ],
)  # fmt: skip
def test_json_is_all_that_stdout_holds(line: str, capsys, tone: Path) -> None:
    assert main([*line.split(), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) and err == ""
    json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.mark.parametrize("line", ["presets list", "completion bash"])
def test_a_reader_that_leaves_is_no_error(line: str) -> None:
    command = [sys.executable, "-m", "myna.cli.main", *line.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 141
