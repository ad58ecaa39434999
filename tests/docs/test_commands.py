"""Every command and example of the documentation is run, smaller but by the same verb, or named with the reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.docs.pages import PAGES, ROOT, Command, File, Python, Step, steps, title
from tests.docs.running import prepare, run
from tests.docs.scripts import run_script
from tests.docs.smaller import NOT_RUN

READ = {title(page): steps(page.read_text(encoding="utf-8")) for page in PAGES}
EXTENDING = [name for name, found in READ.items() if any(isinstance(step, File) for step in found)]


def commands(found: Iterable[Step]) -> list[Command]:
    return [step for step in found if isinstance(step, Command)]


def is_script(step: Step) -> bool:
    return isinstance(step, Command) and step.words[0] == "python"


def is_run(step: Step) -> bool:
    """In a page's own folder, in order."""
    return isinstance(step, Python) or (isinstance(step, Command) and step.words[0] == "myna")


SCRIPTS = sorted(
    {
        str(step): step for name in READ if name not in EXTENDING for step in commands(READ[name]) if is_script(step)
    }.items()
)


@pytest.mark.parametrize(
    "name", [name for name, found in READ.items() if any(map(is_run, found)) and name not in EXTENDING]
)
def test_what_a_page_asks_for_runs_in_its_order(
    name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path / "checkout")
    monkeypatch.chdir(tmp_path / "checkout")
    for step in dict.fromkeys(filter(is_run, READ[name])):
        assert isinstance(step, (Command, Python))
        assert run(step, data) == 0, f"{step}\n{capsys.readouterr().err}"


@pytest.mark.parametrize(
    "command", [pytest.param(step, id=name[:100]) for name, step in SCRIPTS if name not in NOT_RUN]
)
def test_a_program_runs(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path / "checkout")
    run_script(command.words, tmp_path / "checkout", monkeypatch)


@pytest.mark.parametrize("name", EXTENDING)
def test_what_a_page_adds_is_taken_at_its_word(name: str, data: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay"
    prepare(tmp_path / "checkout")
    for step in READ[name]:
        if isinstance(step, File):
            write(step, overlay)
    asked = [step for step in READ[name] if is_script(step) or (is_run(step) and not getattr(step, "named", False))]
    asked.sort(key=lambda step: not is_script(step))  # they make what the others read
    told = [("python", step.code) if isinstance(step, Python) else ("command", step.words) for step in asked]
    (tmp_path / "steps.json").write_text(json.dumps(told), encoding="utf-8")
    places = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.overlaid", overlay, data, tmp_path / "steps.json"],
        cwd=tmp_path / "checkout", env={**os.environ, "PYTHONPATH": places}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def write(file: File, overlay: Path) -> None:
    """A new file, or lines put after the one that the page shows above them."""
    source = ROOT / file.path
    path = overlay / Path(file.path).relative_to("src")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not file.change:
        assert not source.exists(), f"{file.path} is there already"
        path.write_text(file.text + "\n", encoding="utf-8")
        return
    text = (path if path.exists() else source).read_text(encoding="utf-8")
    before = [line[1:] for line in file.text.splitlines() if line[0] == " "]
    after = [line[1:] for line in file.text.splitlines()]
    assert text.count("\n".join(before)) == 1, f"{file.path} has no such lines, or several:\n{before}"
    path.write_text(text.replace("\n".join(before), "\n".join(after)), encoding="utf-8")
    for beside in source.parent.glob("*.json"):  # what a module finds beside itself
        (path.parent / beside.name).write_bytes(beside.read_bytes())


def test_every_command_is_run_or_named_with_a_reason() -> None:
    left = {
        str(step) for found in READ.values() for step in commands(found) if not is_run(step) and not is_script(step)
    }
    skipped = left | {name for name, _ in SCRIPTS if name in NOT_RUN}
    assert skipped == set(NOT_RUN)


def test_commands_are_found_wherever_they_stand() -> None:
    page = """Type `myna doctor --json`, or `myna match`; not `myna VERB --help` nor `myna … | jq`.
A span may `myna suites
list` be broken.

    myna match a.wav --out out/a      # a comment
    python benchmarks/env.py [--json]
    MYNA_SOAK=1 pytest -m soak
    myna presets list | head -1

!!! note
    myna is a bird, and an admonition is no block.

```python
print(1)
```

| a | `make test \\| tee log` |
"""
    found = steps(page)
    assert [str(step) for step in commands(found)] == [
        "myna doctor --json", "myna match", "myna suites list", "myna match a.wav --out out/a",
        "python benchmarks/env.py --json", "pytest -m soak", "myna presets list", "make test",
    ]  # fmt: skip
    assert [step.named for step in commands(found)] == [False, True, True, *5 * [False]]
    assert Python("print(1)") in found
