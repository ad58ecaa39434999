"""Where results come from: versions, the commit, and the `run.json` that every run folder keeps.

`run.json` says what made the folder: `{"format": "myna-run", "version": 1, "verb": "match", "command": ["myna", …],
"config": {…}, "myna": "0.1.0", "commit": "66de…", "changed": false, "python": "3.11.2", "platform": "Linux-…",
"packages": {"numpy": "2.1.0", …}, "resumed": []}`. `docs/cli.md` tells of each field.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from myna import __version__
from myna.errors import BackendError
from myna.files import write_atomic

__all__ = ["RUN", "RUN_BYTES", "checkout", "commit", "installed", "requirements", "write_run"]

RUN = "run.json"
RUN_BYTES = 1 << 16
"""Room to leave for it where a folder is bounded; it takes some KiB."""
FORMAT, VERSION = "myna-run", 1
_MOST_WORDS = 64  # of the command line: a match of a thousand files would be told a thousand times
_GIT_S = 10.0


def checkout() -> Path | None:
    """The folder that this myna is developed in, None where it was installed from a wheel."""
    root = Path(__file__).parents[2]
    return root if (root / "pyproject.toml").is_file() and (root / "src" / "myna").is_dir() else None


@functools.cache
def commit() -> tuple[str | None, bool]:
    """The checkout's commit, 40 hex digits, and whether files that git knows differ from it; (None, False) without."""
    root = checkout()
    if root is None or not (root / ".git").exists():
        return None, False
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_S, env=quiet, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None, False
    found = re.fullmatch(r"([0-9a-f]{40})(-dirty)?", done.stdout.strip())
    return (found.group(1), found.group(2) is not None) if found else (None, False)


def requirements() -> tuple[list[str], dict[str, list[str]]]:
    """Core dependency names, and those of each extra, as the installed package declares them.

    Raises:
        BackendError: myna is on the path without being installed.
    """
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


def installed(name: str) -> str | None:
    """Version of an installed package, None where it is missing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def write_run(folder: Path, verb: str, config: Mapping[str, Any], *, resumed: bool = False) -> None:
    """Write the folder's `run.json`, whole or not at all.

    Args:
        folder: of the run; it must exist.
        verb: that makes the folder.
        config: all settings, defaults included.
        resumed: the run goes on: what the file says stays, and what is otherwise now comes under `resumed`.

    Raises:
        MynaError: it cannot be written.
    """
    now = _described(verb, config)
    kept = _kept(folder / RUN) if resumed else None
    if kept is not None:
        change = {name: value for name, value in now.items() if name != "resumed" and kept.get(name) != value}
        if change and change not in kept["resumed"]:
            kept["resumed"].append(change)
        now = kept
    write_atomic(folder / RUN, json.dumps(now, indent=1, allow_nan=False) + "\n")


def _described(verb: str, config: Mapping[str, Any]) -> dict[str, Any]:
    sha, changed = commit()
    facts = {
        "format": FORMAT,
        "version": VERSION,
        "verb": verb,
        "command": _command(sys.argv),
        "config": config,
        "myna": __version__,
        "commit": sha,
        "changed": changed,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": _packages(),
        "resumed": [],
    }
    return json.loads(json.dumps(facts, default=_plain))


def _command(argv: list[str]) -> list[str]:
    """The command line: the program by its name alone, and no more words than are of use."""
    name = Path(argv[0]).name if argv and argv[0] else "python"
    return [name, *argv[1:_MOST_WORDS], *(["…"] if len(argv) > _MOST_WORDS else [])]


@functools.cache
def _packages() -> dict[str, str | None]:
    try:
        return {name: installed(name) for name in requirements()[0]}
    except BackendError:
        return {}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _kept(path: Path) -> dict[str, Any] | None:
    """What the file says; None where there is none that can be read."""
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    good = isinstance(said, dict) and said.get("format") == FORMAT and said.get("version") == VERSION
    return said if good and isinstance(said.get("resumed"), list) else None
