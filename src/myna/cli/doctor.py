"""`myna doctor`: versions, extras and settings of this installation, for people and for bug reports."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from myna import __version__
from myna.cli.arguments import Flag, parse
from myna.cli.messages import print_json
from myna.errors import BackendError
from myna.files import cache_dir

__all__ = ["Options", "report", "run"]


@dataclass(frozen=True)
class Options:
    """Show what this installation has: versions, extras, cache and threads."""

    json: Flag = False
    """print JSON instead of text"""


def run(argv: list[str]) -> int:
    """Print the report, as text or with `--json`; 0 if every core dependency is there, else 5."""
    options = parse(Options, "myna doctor", argv)
    found = report()
    if options.json:
        print_json(found)
    else:
        print(_text(found))
    return 0 if all(found["dependencies"].values()) else 5


def report() -> dict[str, Any]:
    """Gather the facts; nothing heavy is imported, versions come from package metadata."""
    required, extras = _requirements()
    return {
        "myna": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "dependencies": {name: _version(name) for name in required},
        "extras": {extra: _extra(extra, names) for extra, names in extras.items()},
        "cache_dir": str(cache_dir()),
        "threads": {
            "available": _cores(),
            "NUMBA_NUM_THREADS": os.environ.get("NUMBA_NUM_THREADS"),
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        },
    }


def _requirements() -> tuple[list[str], dict[str, list[str]]]:
    """Core dependency names, and those of each extra, as the installed package declares them."""
    required: list[str] = []
    extras: dict[str, list[str]] = {}
    try:
        lines = metadata.requires("myna") or []
    except metadata.PackageNotFoundError as error:
        raise BackendError("myna is not installed, only on the path: run `make setup`.") from error
    for line in lines:
        name = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
        (extras.setdefault(extra.group(1), []) if extra else required).append(name)
    return required, extras


def _extra(extra: str, names: list[str]) -> dict[str, Any]:
    versions = {name: _version(name) for name in names}
    installed = all(versions.values())
    how = None if installed else f"pip install -e '.[{extra}]'"
    return {"installed": installed, "packages": versions, "install": how}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _text(found: dict[str, Any]) -> str:
    threads = found["threads"]
    lines = [f"myna {found['myna']}, Python {found['python']}, {found['platform']}", "", "dependencies"]
    lines += [f"  {name:<14} {version or 'MISSING'}" for name, version in found["dependencies"].items()]
    lines += ["", "extras"]
    lines += [f"  {extra:<14} {_extra_line(state)}" for extra, state in found["extras"].items()]
    lines += ["", f"cache    {found['cache_dir']}", f"threads  {threads['available']} available"]
    lines += [f"         {name}={value}" for name, value in threads.items() if name != "available" and value]
    return "\n".join(lines)


def _extra_line(state: dict[str, Any]) -> str:
    if not state["installed"]:
        missing = ", ".join(name for name, version in state["packages"].items() if not version)
        return f"missing {missing}: {state['install']}"
    return ", ".join(f"{name} {version}" for name, version in state["packages"].items())
