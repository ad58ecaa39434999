"""Options are read from a dataclass; a mistake is one sentence that says where the help is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated

import pytest

from myna.agents.registry import AGENTS
from myna.cli import analyse, doctor, loss, match, presets, render
from myna.cli.arguments import Argument, Flag, chosen, named, names, number, one_or_more, parse, whole
from myna.cli.main import VERBS, main
from myna.errors import UsageError


@dataclass(frozen=True)
class Verb:
    """Does something."""

    files: Annotated[tuple[str, ...], Argument, one_or_more("FILE…")]
    """what to do it with"""
    colour: Annotated[str, chosen(("red", "green"))] = "red"
    """of the thing"""
    size_m: Annotated[float | None, number(0.5, 10, auto=True)] = None
    """how large"""
    steps: Annotated[int, whole(1, 1_000_000)] = 5
    """how many"""
    keep: Annotated[tuple[str, ...], names("NAME,…")] = ()
    """what to keep"""
    start: Annotated[str | None, named("PRESET")] = None
    """where from"""
    from_: Annotated[str | None, named("PRESET", "from")] = None
    """where else from"""
    also: Annotated[tuple[str, ...], named("WORD")] = ()
    """what else"""
    json: Flag = False
    """as JSON"""


def read(line: str) -> Verb:
    return parse(Verb, "myna verb", line.split())


def test_what_is_left_out_has_its_default() -> None:
    assert read("a.wav") == Verb(("a.wav",))


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("a b c", {"files": ("a", "b", "c")}),
        ("--json a b", {"files": ("a", "b"), "json": True}),
        ("a --size-m 2.5", {"size_m": 2.5}),
        ("a --size-m=2.5", {"size_m": 2.5}),
        ("a --size-m auto", {"size_m": None}),
        ("a --size-m AUTO", {"size_m": None}),
        ("a --steps 7 --steps 8", {"steps": 8}),
        ("a --keep x,y,,x", {"keep": ("x", "y")}),
        ("a --also b c --json", {"also": ("b", "c"), "json": True}),
        ("a --colour green", {"colour": "green"}),
        ("a --start -", {"start": "-"}),
        ("a --from b", {"from_": "b"}),
        ("a --size_m 2", {"size_m": 2.0}),
        ("--json -- --steps", {"files": ("--steps",), "json": True}),
        ("-- --json=1", {"files": ("--json=1",)}),
    ],
)
def test_what_is_given_is_read(line: str, fields: dict) -> None:
    assert read(line) == dataclasses.replace(Verb(("a",)), **fields)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "FILE…: name at least one file"),
        ("--json", "FILE…: name at least one file"),
        ("a --steps", "--steps needs a value"),
        ("a --steps --json", "--steps needs a value"),
        ("a --steps x", "--steps: 'x' is not a whole number"),
        ("a --steps 1.5", "--steps: '1.5' is not a whole number"),
        ("a --steps 0", "--steps: 0 is outside 1 to 1,000,000"),
        ("a --steps -3", "--steps: -3 is outside 1 to 1,000,000"),
        ("a --steps 1e3", "--steps: '1e3' is not a whole number"),
        ("a --size-m x", "--size-m: 'x' is not a number"),
        ("a --size-m nan", "--size-m: nan is outside 0.5 to 10"),
        ("a --size-m inf", "--size-m: inf is outside 0.5 to 10"),
        ("a --size-m 1e999", "--size-m: 1e999 is outside 0.5 to 10"),
        ("a --colour blue", "--colour: 'blue' is not one of red, green"),
        ("a --colour re", "--colour: 're' is not one of red, green"),
        ("a --keep ,", "--keep: name at least one"),
        ("a --also b --also c", "--also is given twice"),
        ("a --json=1", "--json takes no value"),
        ("a --json=", "--json takes no value"),
        ("a --no-json", "unknown option '--no-json' (did you mean --json?)"),
        ("a --step 3", "unknown option '--step' (did you mean --steps?)"),
        ("a --st 3", "unknown option '--st'"),
        ("a --jso", "unknown option '--jso' (did you mean --json?)"),
        ("a -j", "unknown option '-j'"),
        ("a --wild", "unknown option '--wild'"),
        ("a --wild=3", "unknown option '--wild'"),
        ("a --start --wild", "unknown option '--wild'"),
        ("a --steps 3 b", "unexpected argument 'b'"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_way_to_the_help(line: str, says: str, capfd) -> None:
    with pytest.raises(UsageError) as caught:
        read(line)
    assert str(caught.value) == f"{says}: see `myna verb --help`." or str(caught.value).startswith(says)
    assert str(caught.value).endswith(": see `myna verb --help`.")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_hostile_word_is_shown_safely() -> None:
    for line in ("a --steps \x1b[2J", "a --x\x1b[2J", "a --colour \udcff", "a --size-m " + "9x" * 999):
        with pytest.raises(UsageError) as caught:
            parse(Verb, "myna verb", line.split(" "))
        assert str(caught.value).isprintable() and len(str(caught.value)) < 250


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_help_shows_every_option_with_its_meaning_and_default(flag: str, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse(Verb, "myna verb", [flag])
    assert stopped.value.code == 0
    out, err = capsys.readouterr()
    assert err == "" and "\x1b" not in out
    for part in ("Does something.", "FILE…", "--colour red|green", "(default: auto)", "--from PRESET", "how many"):
        assert part in out


# The verbs


def test_match_has_the_options_that_were_promised(capsys) -> None:
    defaults = {
        "synth": "serum-lite", "agent": "auto", "budget": 1000, "note": None, "gate": None, "seed": 0, "top": 4,
        "lock": (), "start": None, "out": "out/match", "json": False, "quiet": False,
    }  # fmt: skip
    options = parse(match.Options, "myna match", ["a.wav"])
    assert dataclasses.asdict(options) == {"files": ("a.wav",)} | defaults
    assert parse(match.Options, "myna match", ["a.wav", "--note", "auto", "--gate", "auto"]) == options


@pytest.mark.parametrize("agent", AGENTS)
def test_match_knows_the_agents_of_the_registry(agent: str) -> None:
    assert parse(match.Options, "myna match", ["a.wav", "--agent", agent]).agent == agent


@pytest.mark.parametrize("agent", ["auto", "random", "retrieval", "cma-es"])
def test_the_promised_agents_are_in_the_registry(agent: str) -> None:
    assert agent in AGENTS


@pytest.mark.parametrize("verb", [*VERBS, *(f"presets {verb}" for verb in presets.VERBS)])
def test_every_verb_has_help_on_stdout(verb: str, capsys) -> None:
    assert main([*verb.split(), "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"usage: myna {verb} ") and err == ""


@pytest.mark.parametrize(
    "options",
    [*(verb.Options for verb in (match, render, doctor, analyse, loss)), *presets.VERBS.values()],
)
def test_every_option_is_explained(options: type, capsys) -> None:
    with pytest.raises(SystemExit):
        parse(options, "myna x", ["--help"])
    out = capsys.readouterr().out
    assert options.__doc__ is not None and options.__doc__.split("\n")[0].split(":")[0] in " ".join(out.split())
    explained = [line for line in out.splitlines() if "--" in line or line.strip()]
    assert len(explained) > len(dataclasses.fields(options))


@pytest.mark.parametrize("verb", [*VERBS, "presets show", "presets new", "presets list"])
def test_an_unknown_option_of_a_verb_is_one_line_and_exit_2(verb: str, capsys) -> None:
    assert main([*verb.split(), "--wild"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("myna: ") and "--wild" in err and err.count("\n") == 1
