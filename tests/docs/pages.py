"""Reads documentation pages: the commands, Python examples and files in them, in the order in which they stand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("docs/*.md")) + [
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")
]
PROGRAMS = {
    "myna", "make", "python", "pytest", "pip", "tensorboard", "mkdocs", "apt-get",
    "benchmarks/evaluation.sh", "benchmarks/peers.sh",
}  # fmt: skip
GROUPS = {"presets", "suites", "listen", "library"}  # verbs with verbs of their own
SHELLS = {"bash", "sh", "shell", "console"}
_FENCE = re.compile(r"^ *(`{3,}|~{3,}) *([\w+-]*)(.*)$")
_TITLE = re.compile(r'title="([^"]+)"')
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_PLACEHOLDER = re.compile(r"…|^\[?[A-Z]{2,}(\.\w+)?\]?$|^[A-Z]+=[A-Z]+$")


@dataclass(frozen=True)
class Command:
    """A command line without what redirects it; `named` where running text only names a verb."""

    words: tuple[str, ...]
    named: bool = False

    def __str__(self) -> str:
        return shlex.join(self.words)


@dataclass(frozen=True)
class Python:
    """An example."""

    code: str


@dataclass(frozen=True)
class File:
    """A whole file, or (`change`) lines to put into one, to be found at `path` in the repository."""

    path: str
    text: str
    change: bool


Step = Command | Python | File


def title(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def steps(text: str) -> list[Step]:
    """All that a page asks its reader to run or write."""
    return [step for kind, block in _blocks(text) for step in _read(kind, block)]


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """(`fence LANGUAGE REST`, `indented` or `text`, lines); a table's rows stand by themselves."""
    lines = iter(text.splitlines())
    run: list[str] = []
    kind, admonition = "text", False
    for line in lines:
        fence = _FENCE.match(line)
        indented = line.startswith("    ") and not admonition and (kind == "indented" or not run)
        new = "indented" if indented else "text"
        if fence or new != kind or not line.strip() or line.startswith("|"):
            if run and not (kind == "indented" and not line.strip()):
                yield kind, run
                run = []
            kind = kind if not line.strip() else new
        if fence:
            yield f"fence {fence[2]} {fence[3]}", _until(lines, fence[1])
        elif line.strip() or kind == "indented":
            run.append(line)
        admonition = line.startswith(("!!!", "???")) or (admonition and (not line.strip() or line.startswith("    ")))
    if run:
        yield kind, run


def _until(lines: Iterator[str], fence: str) -> list[str]:
    found = []
    for line in lines:
        if line.strip() == fence:
            break
        found.append(line)
    return found


def _read(kind: str, lines: list[str]) -> Iterator[Step]:
    if kind == "text":
        for span in _SPAN.finditer(" ".join(lines)):
            yield from _command(span[2], inline=True)
        return
    _, _, info = kind.partition(" ")
    language, _, rest = info.partition(" ")
    named, code = (
        _TITLE.search(rest),
        "\n".join(line.removeprefix("    ") if kind == "indented" else line for line in lines),
    )
    if named:
        yield File(named[1], code, language == "diff")
    elif language == "python" or (kind == "indented" and code.lstrip().startswith(("import ", "from "))):
        yield Python(code)
    elif kind == "indented" or language in SHELLS:
        for line in code.replace("\\\n", " ").splitlines():
            yield from _command(line.removeprefix("$ "), inline=False)


def _command(text: str, inline: bool) -> Iterator[Command]:
    """A command, if it is a whole one: nothing stands for something else in it."""
    text = re.split(r" {2,}| # | \\?[|>] ", text.strip())[0]
    if text.split("=")[0].isupper():  # VARIABLE=value before the program
        text = text.partition(" ")[2]
    if not text or text.split()[0] not in PROGRAMS or len(text.split()) < 1 + inline:
        return
    words = [word.strip("[]") if word.startswith("[-") else word for word in shlex.split(text)]
    if not any(_PLACEHOLDER.search(word) for word in words):
        verbs = 2 + (len(words) > 2 and words[1] in GROUPS)
        yield Command(tuple(words), named=inline and words[0] == "myna" and len(words) == verbs)
