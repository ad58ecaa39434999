"""What figures hang on besides their settings: versions, commit and machine."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from myna import __version__, provenance

__all__ = ["about", "commit"]

PACKAGES = ("numpy", "numba", "torch", "scipy", "librosa", "cmaes")


def about() -> dict[str, Any]:
    """Of this run, as JSON: `myna`, `commit` (None outside of a checkout), `packages`, `machine` and `began` (UTC)."""
    return {
        "myna": __version__,
        "commit": commit(),
        "packages": {name: provenance.installed(name) for name in PACKAGES},
        "machine": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
        },
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def commit() -> str | None:
    """Of the checkout that this runs from, 12 digits, with a + where it has changes; None where there is none."""
    sha, changed = provenance.commit()
    return None if sha is None else sha[:12] + ("+" if changed else "")


def _processor() -> str:
    """Its name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
