"""What figures hang on besides their settings: versions, commit and machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from myna import __version__

__all__ = ["about"]

PACKAGES = ("numpy", "numba", "torch", "scipy", "librosa", "cmaes")


def about() -> dict[str, Any]:
    """Of this run, as JSON: `myna`, `commit` (None outside of a checkout), `packages`, `machine` and `began` (UTC)."""
    return {
        "myna": __version__,
        "commit": commit(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "machine": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
        },
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def commit() -> str | None:
    """Of the checkout that this runs from, with a + where its sources have changes; None where there is none."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    try:
        found, changed = _git(root, "rev-parse", "--short=12", "HEAD"), _git(root, "status", "--porcelain", "src")
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.strip() + ("+" if changed else "")


def _git(root: Path, *words: str) -> str:
    command = ("git", "-C", str(root), *words)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own words


def _processor() -> str:
    """Its name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
