"""The completion scripts: shells accept them, and they offer what the verbs understand."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from myna.cli.completion import SHELLS, script
from myna.cli.grammar import grammar
from myna.cli.main import VERBS, main

PLACES = grammar(VERBS)


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "myna"
    path.write_text(script("bash", PLACES))
    return path


def offered(bash: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    code = f'source "{bash}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _myna; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-uc", code, "bash", *words], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_accepts_it_and_knows_whom_it_is_for(bash: Path) -> None:
    subprocess.run(["bash", "-n", str(bash)], check=True)
    done = subprocess.run(["bash", "-c", f'source "{bash}"; complete -p myna'], capture_output=True, text=True)
    assert done.stdout == "complete -o default -F _myna myna\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ma"], ["match"]),
        (["re"], ["render", "resume"]),
        (["presets", "s"], ["show"]),
        (["presets", "new", "--pr"], ["--prior"]),
        (["presets", "new", "--prior", ""], ["musical", "uniform"]),
        (["match", "a.wav", "--agent", "cat"], ["cat-cma-es"]),
        (["match", "a.wav", "--js"], ["--json"]),
        (["play", "--mode", "m"], ["module"]),
        (["suites", "render", "re"], ["real"]),
        (["suites", "--h"], ["--help"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["match", "a"], []),
        (["nonsense", "--ou"], []),
    ],
    ids=" ".join,
)
def test_bash_offers_what_may_follow(words: list[str], says: list[str], bash: Path) -> None:
    assert offered(bash, "myna", *words) == says


def test_all_verbs_and_all_options_are_offered(bash: Path) -> None:
    assert offered(bash, "myna", "") == list(VERBS)
    assert offered(bash, "myna", "collect", "--") == list(PLACES["collect"].options)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_verb_prints_the_script_and_no_shell_finds_fault(shell: str, capsys, tmp_path: Path) -> None:
    assert main(["completion", shell]) == 0
    out, err = capsys.readouterr()
    assert out.rstrip("\n") == script(shell, PLACES) and err == ""
    assert all(f"{verb}" in out for verb in VERBS) and "cat-cma-es" in out
    if shutil.which(shell):
        (tmp_path / "script").write_text(out)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)
