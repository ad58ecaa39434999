"""`myna doctor`: versions, extras and settings of this installation, and whether it works."""

from __future__ import annotations

import os
import platform
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from myna import __version__, provenance
from myna.cli.arguments import Flag, parse
from myna.cli.messages import print_json, say, shown
from myna.errors import BackendError
from myna.files import cache_dir
from myna.rounding import rounded

__all__ = ["Options", "report", "run"]


@dataclass(frozen=True)
class Options:
    """Show what this installation has and what is missing, and check in some seconds that it works.

    Example: myna doctor --quick --json
    """

    quick: Flag = False
    """leave the self-check out"""
    json: Flag = False
    """print JSON instead of text"""


def run(argv: list[str]) -> int:
    """Print the report and the self-check; 0 if all is well, 5 if a core dependency is missing or a check failed."""
    options = parse(Options, "myna doctor", argv)
    found = report()
    complete = all(found["dependencies"].values())
    if not options.json:
        print(_text(found), flush=True)
    checked = [] if options.quick or not complete else _checked(options.json)
    if options.json:
        print_json(rounded({**found, "checks": checked}))
    return 0 if complete and all(check["ok"] for check in checked) else BackendError.exit_code


def _checked(quiet: bool) -> list[dict[str, Any]]:
    """Make the checks, and unless `quiet` print each when it is done."""
    from myna.cli.self_check import checks

    say("checking; the first time the synth is compiled, which takes a minute.")
    if not quiet:
        print("\nself-check", flush=True)
    made = []
    for check in checks():
        made.append(asdict(check))
        if not quiet:
            mark = "ok    " if check.ok else "FAILED"
            print(f"  {check.name:<14} {mark} {check.seconds:5.1f} s  {shown(check.about)}", flush=True)
    return made


def report() -> dict[str, Any]:
    """Gather the facts; versions come from package metadata."""
    required, extras = provenance.requirements()
    sha, changed = provenance.commit()
    return {
        "myna": __version__,
        "commit": sha,
        "changed": changed,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "dependencies": {name: provenance.installed(name) for name in required},
        "extras": {extra: _extra(extra, names) for extra, names in extras.items()},
        "cache_dir": str(cache_dir()),
        "cache_writable": _writable(cache_dir()),
        "gpu": _gpu(),
        "threads": {
            "available": _cores(),
            "NUMBA_NUM_THREADS": os.environ.get("NUMBA_NUM_THREADS"),
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        },
    }


def _extra(extra: str, names: list[str]) -> dict[str, Any]:
    versions = {name: provenance.installed(name) for name in names}
    installed = all(versions.values())
    what = f"-e '.[{extra}]'" if provenance.checkout() else f"'myna[{extra}]'"
    return {"installed": installed, "packages": versions, "install": None if installed else f"pip install {what}"}


def _writable(folder: Path) -> bool:
    """Whether the folder, or the nearest one above it that is there, can be written to."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _gpu() -> str | None:
    """Name of the GPU that torch can use; None where there is none, or no torch."""
    try:
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a driver that is too old is no GPU either
            return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    except (ImportError, OSError, RuntimeError):
        return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _text(found: dict[str, Any]) -> str:
    threads, sha = found["threads"], found["commit"]
    at = f" (commit {sha[:12]}{', changed' if found['changed'] else ''})" if sha else ""
    lines = [f"myna {found['myna']}{at}, Python {found['python']}, {found['platform']}", "", "dependencies"]
    lines += [f"  {name:<14} {version or 'MISSING'}" for name, version in found["dependencies"].items()]
    lines += ["", "extras"]
    lines += [f"  {extra:<14} {_extra_line(state)}" for extra, state in found["extras"].items()]
    cannot = "" if found["cache_writable"] else "  CANNOT BE WRITTEN TO: set MYNA_CACHE_DIR to another folder"
    lines += ["", f"cache    {shown(found['cache_dir'])}{cannot}"]
    lines += [f"gpu      {found['gpu'] or 'none that torch can use; the CPU does all'}"]
    lines += [f"threads  {threads['available']} available"]
    lines += [f"         {name}={value}" for name, value in threads.items() if name != "available" and value]
    return "\n".join(lines)


def _extra_line(state: dict[str, Any]) -> str:
    if not state["installed"]:
        missing = ", ".join(name for name, version in state["packages"].items() if not version)
        return f"missing {missing}: {state['install']}"
    return ", ".join(f"{name} {version}" for name, version in state["packages"].items())
