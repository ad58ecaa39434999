"""Runs steps of a page in a process of its own, in which some of the package's modules are files of an overlay.

python -m tests.docs.overlaid OVERLAY DATA STEPS.json
"""

from __future__ import annotations

import importlib.util
import json
import runpy
import shutil
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from tests.docs.pages import ROOT, Command, Python


class Overlay(MetaPathFinder):
    """Finds `myna.x.y` at ROOT/myna/x/y.py, where that is a file."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        file = self.root / (fullname.replace(".", "/") + ".py")
        return importlib.util.spec_from_file_location(fullname, file) if file.is_file() else None


def module(words: list[str], overlay: Path) -> int:
    """`python -m MODULE …`, with fewer pairs; what it writes beside itself goes into the overlay."""
    path = Path(words[1].replace(".", "/") + ".py")
    if not (overlay / path).exists():
        (overlay / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "src" / path, overlay / path)
    sys.argv = [*words[1:]]
    if "--pairs" in sys.argv:
        sys.argv[sys.argv.index("--pairs") + 1] = "4"
    runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    return 0


def main(overlay: str, data: str, steps: str) -> None:
    sys.meta_path.insert(0, Overlay(Path(overlay)))
    from tests.docs.running import run

    for kind, what in json.loads(Path(steps).read_text(encoding="utf-8")):
        step = Python(what) if kind == "python" else Command(tuple(what))
        print(f"# {step}", file=sys.stderr)
        script = kind == "command" and what[0] == "python"
        code = module(what[1:], Path(overlay)) if script else run(step, Path(data))
        if code:
            raise SystemExit(f"exit code {code} of {step}")


if __name__ == "__main__":
    main(*sys.argv[1:])
