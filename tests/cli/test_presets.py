"""`myna presets` checks, shows, makes, lists and compares presets, and says it briefly."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import myna.cli.presets
import myna.render
from myna.cli.main import main
from myna.presets import Preset, load_preset, save_preset
from myna.presets.generator import audible
from myna.presets.styles import STYLES
from myna.render import DRAW_PROBE, draw_presets, render_preset
from myna.synth.registry import synth_table

TABLE = synth_table("serum-lite")
FACTORY = (
    Preset("serum-lite", {"osc_a.level": 0.5}, name="Deep Bass", category="bass", tags=("dark", "mono")),
    Preset("serum-lite", {}, name="Bright Bass", category="bass", tags=("bright",), description="For leads too."),
    Preset("serum-lite", {}, name="Slow Pad", category="pad", tags=("dark", "wide")),
)


@pytest.fixture(autouse=True)
def factory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three factory presets, so that the tests know what is in the bank."""
    for module in (myna.cli.presets, myna.render):
        monkeypatch.setattr(module, "load_factory", lambda table: FACTORY)


@pytest.fixture
def lead(tmp_path: Path) -> Path:
    values = {"osc_a.table": "saw_stack", "filter.on": True, "filter.cutoff_hz": 1200.0, "env_1.attack_s": 0.035}
    preset = Preset(
        "serum-lite", values, name="Lead", category="lead", author="Ann", tags=("a", "b"), description="x y"
    )
    save_preset(preset, tmp_path / "lead.json")
    return tmp_path / "lead.json"


def run(*arguments: object, code: int = 0) -> None:
    assert main(["presets", *map(str, arguments)]) == code


def answer(capsys: pytest.CaptureFixture[str]) -> object:
    """What was printed, as JSON; nothing may be on stderr."""
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


# The verb itself


def test_no_verb_lists_the_five(capsys) -> None:
    run(code=2)
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "one of validate, show, new, list, diff" in err


@pytest.mark.parametrize(("typed", "meant"), [("lst", "list"), ("valdate", "validate"), ("shwo", "show")])
def test_an_unknown_verb_is_one_line_with_the_nearest(typed: str, meant: str, capsys) -> None:
    run(typed, code=2)
    assert capsys.readouterr().err == f"myna: unknown verb '{typed}': did you mean {meant}?\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate"], ["show"], ["show", "a", "b"], ["diff", "a"], ["diff", "a", "b", "c"], ["list", "bass"],
        ["list", "--category", "nose"], ["new", "--count", "0"], ["new", "--count", "1001"], ["new", "--seed", "-1"],
        ["new", "--prior", "odd"], ["new", "--category", "other"], ["new", "--prior", "uniform", "--category", "bass"],
        ["new", "--from", "Deep Bass", "--count", "2"], ["new", "--from", "Deep Bass", "--seed", "2"],
        ["new", "--from", "Deep Bass", "--prior", "uniform"], ["new", "name"], ["show", "Deep Bass", "--jsn"],
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_line_and_exit_2(arguments: list[str], tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    run(*arguments, code=2)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("myna: ") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# validate


def test_sound_files_are_ok_one_line_each(lead: Path, capsys) -> None:
    run("validate", lead, lead)
    assert capsys.readouterr() == (f"{lead}: ok\n{lead}: ok\n", "")


def test_a_bad_file_among_good_ones_is_named_and_exits_3(lead: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "bad.json").write_text('{"format_version": 1, "x": NaN}')
    (tmp_path / "new.json").write_text('{"format_version": 99}')
    run("validate", tmp_path / "bad.json", lead, tmp_path / "new.json", tmp_path / "none.json", code=3)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == "" and len(lines) == 4
    assert "bad.json” contains NaN" in lines[0]
    assert lines[1] == f"{lead}: ok"
    assert "newer than this myna reads" in lines[2]
    assert "There is no preset file" in lines[3]


def test_verdicts_as_json_are_an_array(lead: Path, tmp_path: Path, capsys) -> None:
    run("validate", lead, tmp_path / "none.json", "--json", code=3)
    good, bad = answer(capsys)
    assert good == {"file": str(lead), "ok": True, "error": None}
    assert (bad["file"], bad["ok"]) == (str(tmp_path / "none.json"), False)
    assert "There is no preset file" in bad["error"]


# show


def test_a_preset_is_shown_by_module_with_units(lead: Path, capsys) -> None:
    run("show", lead)
    assert capsys.readouterr() == (
        "Lead (lead) by Ann\n"
        "a, b\n"
        "x y\n"
        "\n"
        "osc_a\n"
        "  table                saw_stack\n"
        "\n"
        "filter\n"
        "  on                   on\n"
        "  cutoff_hz            1.20 kHz\n"
        "\n"
        "env_1\n"
        "  attack_s             35 ms\n",
        "",
    )


def test_all_shows_every_parameter(lead: Path, capsys) -> None:
    run("show", lead, "--all")
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("  ") for line in lines) == len(TABLE)
    assert all(module in lines for module in TABLE.modules)


def test_a_factory_preset_is_shown_by_its_name_in_any_case(capsys) -> None:
    run("show", "deep BASS")
    assert capsys.readouterr().out == "Deep Bass (bass) by myna\ndark, mono\n\nosc_a\n  level                0.5\n"


def test_a_shown_preset_as_json_has_values_defaults_and_units(lead: Path, capsys) -> None:
    run("show", lead, "--json")
    shown = answer(capsys)
    assert {key: shown[key] for key in ("name", "synth", "category", "author", "tags", "description")} == {
        "name": "Lead", "synth": "serum-lite", "category": "lead", "author": "Ann", "tags": ["a", "b"],
        "description": "x y",
    }  # fmt: skip
    assert shown["parameters"]["filter.cutoff_hz"] == {"default": 2000.0, "value": 1200.0, "unit": "Hz"}
    assert shown["parameters"]["osc_a.table"] == {"default": "basic_shapes", "value": "saw_stack", "unit": ""}
    assert len(shown["parameters"]) == 4
    run("show", lead, "--all", "--json")
    assert tuple(answer(capsys)["parameters"]) == TABLE.names


def test_an_unknown_preset_is_named_with_the_nearest(capsys) -> None:
    run("show", "Deep Bas", code=3)
    assert capsys.readouterr().err == (
        "myna: There is no preset file or factory preset “Deep Bas”: did you mean “Deep Bass”?\n"
    )


def test_what_a_preset_says_of_itself_cannot_drive_the_terminal(tmp_path: Path, capsys) -> None:
    hostile = "\x1b[2J\u202e\n"
    preset = Preset("serum-lite", {}, name=hostile, author=hostile, tags=(hostile,), description=hostile)
    save_preset(preset, tmp_path / "a.json")
    run("show", tmp_path / "a.json")
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\u202e" not in out and len(out.splitlines()) == 3


# new


def test_new_presets_are_heard_and_load(tmp_path: Path, capsys) -> None:
    run("new", "--count", 3, "--out", tmp_path)
    out, err = capsys.readouterr()
    assert err == "" and len(out.splitlines()) == 3
    for line in out.splitlines():
        preset = load_preset(line.partition(": ")[0], TABLE)
        assert line.endswith(f"{preset.name} ({preset.category})")
        assert preset.category in STYLES
        assert audible(render_preset(preset, DRAW_PROBE)[None]).all()


def test_new_presets_depend_on_the_seed_and_their_number_alone(tmp_path: Path, capsys) -> None:
    for folder, options in {"a": ("--count", 1), "b": ("--count", 3), "c": ("--count", 1, "--seed", 5)}.items():
        run("new", *options, "--out", tmp_path / folder, "--json")
        first = answer(capsys)[0]
        (tmp_path / f"{folder}.json").write_bytes(Path(first["file"]).read_bytes())
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.json").read_bytes() != (tmp_path / "c.json").read_bytes()


def test_new_presets_are_of_the_asked_category(tmp_path: Path, capsys) -> None:
    run("new", "--category", "organ", "--count", 2, "--out", tmp_path, "--json")
    made = answer(capsys)
    assert [(item["name"], item["category"]) for item in made] == [("Organ 0-1", "organ"), ("Organ 0-2", "organ")]
    assert [Path(item["file"]).name for item in made] == ["organ-0-1.json", "organ-0-2.json"]


def test_uniform_presets_are_heard_too(tmp_path: Path, capsys) -> None:
    run("new", "--prior", "uniform", "--count", 2, "--out", tmp_path, "--json")
    made = answer(capsys)
    assert [(item["name"], item["category"]) for item in made] == [("Uniform 0-1", "other"), ("Uniform 0-2", "other")]
    for item in made:
        assert audible(render_preset(load_preset(item["file"], TABLE), DRAW_PROBE)[None]).all()


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path, capsys) -> None:
    run("new", "--category", "bass", "--count", 1, "--out", tmp_path)
    (tmp_path / "bass-0-1.json").rename(tmp_path / "bass-0-2.json")
    before = (tmp_path / "bass-0-2.json").read_bytes()
    capsys.readouterr()
    run("new", "--category", "bass", "--count", 2, "--out", tmp_path, code=2)
    assert "bass-0-2.json exists already: choose another --out or --seed." in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["bass-0-2.json"]
    assert (tmp_path / "bass-0-2.json").read_bytes() == before


def test_from_copies_one_preset_under_a_name_of_its_own(tmp_path: Path, capsys) -> None:
    run("new", "--from", "Deep Bass", "--out", tmp_path)
    assert capsys.readouterr() == (f"{tmp_path / 'deep-bass-copy.json'}: Deep Bass (copy) (bass)\n", "")
    copy = load_preset(tmp_path / "deep-bass-copy.json", TABLE)
    assert copy.values["osc_a.level"] == 0.5
    assert (copy.name, copy.category, copy.tags) == ("Deep Bass (copy)", "bass", ("dark", "mono"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "/root", "\x1b[2J", "é" * 150, "💥", "con"])
def test_a_copy_never_leaves_its_folder(name: str, tmp_path: Path, capsys) -> None:
    save_preset(dataclasses.replace(FACTORY[0], name=name), tmp_path / "a.json")
    run("new", "--from", tmp_path / "a.json", "--out", tmp_path / "out", "--json")
    (item,) = answer(capsys)
    assert Path(item["file"]).parent == tmp_path / "out" and Path(item["file"]).is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["a.json", "out"] or len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_made_is_one_sentence(lead: Path, capsys) -> None:
    run("new", "--from", lead, "--out", lead, code=3)
    err = capsys.readouterr().err
    assert "cannot make the folder" in err and err.count("\n") == 1


def test_an_unknown_prior_is_a_usage_error() -> None:
    with pytest.raises(myna.errors.UsageError, match="no prior 'odd'"):
        draw_presets(1, prior="odd")


# list


def test_the_list_has_name_category_and_tags_in_columns(capsys) -> None:
    run("list")
    assert capsys.readouterr() == (
        "Deep Bass    bass      dark, mono\nBright Bass  bass      bright\nSlow Pad     pad       dark, wide\n",
        "",
    )


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--category", "bass"], ["Deep Bass", "Bright Bass"]),
        (["--tag", "DARK"], ["Deep Bass", "Slow Pad"]),
        (["--search", "bass leads"], ["Bright Bass"]),
        (["--search", "BASS", "--tag", "dark"], ["Deep Bass"]),
        (["--search", "bass pad"], []),
    ],
)
def test_the_list_is_filtered(options: list[str], names: list[str], capsys) -> None:
    run("list", *options, "--json")
    assert [preset["name"] for preset in answer(capsys)] == names


def test_a_list_of_nothing_says_so_beside_stdout(capsys) -> None:
    run("list", "--search", "xyzzy")
    assert capsys.readouterr() == ("", "myna: no factory preset fits: ask for less.\n")


# diff


def test_the_difference_is_knob_by_knob_with_units(lead: Path, capsys) -> None:
    run("diff", "Deep Bass", lead)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["osc_a.table", "basic_shapes", "→", "saw_stack"],
        ["osc_a.level", "0.5", "→", "0.7"],
        ["filter.on", "off", "→", "on"],
        ["filter.cutoff_hz", "2.00", "kHz", "→", "1.20", "kHz"],
        ["env_1.attack_s", "2", "ms", "→", "35", "ms"],
    ]


def test_the_difference_as_json_has_both_values(lead: Path, capsys) -> None:
    run("diff", "Deep Bass", lead, "--json")
    found = answer(capsys)
    assert (found["first"], found["second"], len(found["differences"])) == ("Deep Bass", "Lead", 5)
    assert found["differences"]["env_1.attack_s"] == {"first": 0.002, "second": 0.035, "unit": "s"}


def test_a_preset_does_not_differ_from_itself(lead: Path, capsys) -> None:
    run("diff", lead, lead)
    assert capsys.readouterr() == ("", "myna: no knob differs.\n")
    run("diff", lead, lead, "--json")
    assert answer(capsys)["differences"] == {}


def test_a_missing_preset_of_two_is_named(lead: Path, capsys) -> None:
    run("diff", lead, "nope", code=3)
    out, err = capsys.readouterr()
    assert out == "" and "“nope”" in err


def test_drawn_presets_of_all_categories_are_unlike_one_another() -> None:
    presets = [draw_presets(1, category=category)[0] for category in STYLES]
    u = np.array([preset.u(TABLE) for preset in presets])
    distance = np.abs(u[:, None] - u[None]).mean(-1)
    assert distance[~np.eye(len(u), dtype=bool)].min() > 0.02
