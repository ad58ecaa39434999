"""The command line answers with the right exit code and at most one line of error."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import types
from collections.abc import Callable

import pytest

import myna
from myna import errors, provenance
from myna.cli.main import VERBS, main


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[list[str]], int]], None]:
    """Register a function as the verb `fake`."""

    def register(function: Callable[[list[str]], int]) -> None:
        module = types.ModuleType("fake_verb")
        module.run = function
        monkeypatch.setitem(sys.modules, "fake_verb", module)
        monkeypatch.setitem(VERBS, "fake", ("fake_verb:run", "nothing"))

    return register


def raiser(error: BaseException) -> Callable[[list[str]], int]:
    def run(_: list[str]) -> int:
        raise error

    return run


@pytest.mark.parametrize("argument", ["--help", "-h", "help"])
def test_help_lists_every_verb_on_stdout(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([argument]) == 0
    out, err = capsys.readouterr()
    assert all(f"\n  {name} " in out for name in VERBS)
    assert err == ""


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"myna {myna.__version__}\n"


def test_no_arguments_show_help_on_stderr_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage: myna" in err


@pytest.mark.parametrize(("typed", "meant"), [("mtach", "match"), ("preset", "presets"), ("--hlep", "--help")])
def test_an_unknown_word_exits_2_with_the_nearest(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([typed]) == 2
    err = capsys.readouterr().err
    assert f"did you mean {meant}?" in err
    assert err.count("\n") == 1


def test_an_unknown_word_near_nothing_lists_the_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["xyzzy"]) == 2
    assert "use one of match, presets" in capsys.readouterr().err


def test_a_verb_gets_the_remaining_arguments_and_gives_the_exit_code(verb) -> None:
    seen = []
    verb(lambda arguments: seen.append(arguments) or 6)
    assert main(["fake", "a", "--help"]) == 6
    assert seen == [["a", "--help"]]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.MynaError, 3),
        (errors.UsageError, 2),
        (errors.BadAudioError, 3),
        (errors.BadPresetError, 3),
        (errors.IncompatibleVersionError, 4),
        (errors.BackendError, 5),
    ],
)
def test_an_error_of_ours_is_one_line_and_its_exit_code(error, code: int, verb, capsys) -> None:
    verb(raiser(error("a.wav is\nsilent.")))
    assert main(["fake"]) == code
    assert capsys.readouterr() == ("", "myna: a.wav is silent.\n")


@pytest.mark.parametrize(("raised", "code"), [(None, 0), (0, 0), (2, 2), ("bad option", 2)])
def test_a_parser_that_exits_gives_its_exit_code(raised: object, code: int, verb) -> None:
    verb(raiser(SystemExit(raised)))
    assert main(["fake"]) == code


def test_every_verb_names_a_function_to_run() -> None:
    for target, _ in VERBS.values():
        module, function = target.split(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_an_interrupt_exits_130(verb, capsys: pytest.CaptureFixture[str]) -> None:
    verb(raiser(KeyboardInterrupt()))
    assert main(["fake"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_an_error_that_is_a_bug_keeps_its_traceback(verb) -> None:
    verb(raiser(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        main(["fake"])


@pytest.mark.parametrize("arguments", [["--help"], ["doctor"], ["doctor", "--help"]])
def test_a_reader_that_leaves_early_is_a_quiet_exit(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "myna.cli.main", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode in (0, 141)  # 0 where argparse itself swallows the failed write


def test_doctor_reports_dependencies_extras_and_settings_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["dependencies"]["numpy"]
    assert found["dependencies"]["torch"]
    assert found["extras"]["app"]["packages"].keys() == {"streamlit"}
    assert found["threads"]["available"] >= 1


def test_doctor_tells_how_to_get_what_is_missing(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(provenance, "requirements", lambda: (["numpy"], {"app": ["no-such-package"]}))
    assert main(["doctor", "--quick"]) == 0
    assert "missing no-such-package: pip install -e '.[app]'" in capsys.readouterr().out


def test_doctor_exits_5_when_a_core_dependency_is_missing(monkeypatch, capsys) -> None:
    monkeypatch.setattr(provenance, "requirements", lambda: (["no-such-package"], {}))
    assert main(["doctor"]) == 5
    assert "MISSING" in capsys.readouterr().out
