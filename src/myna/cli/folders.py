"""The folder that a verb writes into."""

from __future__ import annotations

import os
from pathlib import Path

from myna.errors import MynaError, printable
from myna.files import make_folder

__all__ = ["open_out"]


def open_out(out: str) -> Path:
    """Make the output folder and check, before any work, that files can be written there.

    Raises:
        MynaError: it cannot be made or written to.
    """
    folder = make_folder(out)
    try:
        probe = folder / f".myna-{os.getpid()}.tmp"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise MynaError(f"cannot write to the folder {printable(out)} ({reason}): choose another --out.") from error
    return folder
