"""`myna bench`: the benchmarks of a checkout, which do not come with the package."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from myna.cli.arguments import Flag, parse
from myna.cli.messages import print_json, shown, unknown
from myna.errors import BackendError, UsageError
from myna.provenance import checkout

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """List the benchmarks; with a NAME first, run that one: what comes after the name is the benchmark's own.

    Example: myna bench engine --json
    """

    json: Flag = False
    """print the list as a JSON array"""


def run(argv: list[str]) -> int:
    """List them, 0; or run one, whose exit code is returned."""
    if argv and not argv[0].startswith("-"):
        return _run(argv[0], argv[1:])
    options = parse(Options, "myna bench", argv)
    found = [{"name": name, "about": _about(path)} for name, path in _benchmarks().items()]
    if options.json:
        print_json(found)
    for one in [] if options.json else found:
        print(f"{one['name']:<12} {one['about']}")
    return 0


def _run(name: str, arguments: list[str]) -> int:
    known = _benchmarks()
    if name not in known:
        raise UsageError(unknown("benchmark", name, [*known]))
    sys.stdout.flush()
    code = subprocess.run([sys.executable, str(known[name]), *arguments], check=False).returncode  # noqa: S603
    return code if code >= 0 else 128 - code


def _benchmarks() -> dict[str, Path]:
    """Name → program.

    Raises:
        BackendError: they are not here.
    """
    root = checkout()
    folder = None if root is None else root / "benchmarks"
    if folder is None or not folder.is_dir():
        raise BackendError("The benchmarks are not part of the package: run `myna bench` from a checkout of myna.")
    programs = sorted(path for path in folder.glob("*.py") if "\nif __name__ ==" in path.read_text(encoding="utf-8"))
    return {path.stem: path for path in programs}


def _about(path: Path) -> str:
    """The first sentence of the program's own description."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return shown(text.split("\n", 1)[0].split(": `", 1)[0].rstrip(".:"))
