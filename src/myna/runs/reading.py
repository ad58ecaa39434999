"""Files of runs, read as from a stranger: plain files only, of bounded size."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from myna.errors import MynaError, printable

__all__ = ["LARGEST_JSON", "read_file", "read_object"]

LARGEST_JSON = 8 << 20


def read_file(path: Path, most: int, *, tail: bool = False) -> bytes:
    """A file's content.

    Args:
        path: where it is; a link in its place is not followed.
        most: bytes at most.
        tail: of a larger file its end, instead of refusing it.

    Raises:
        MynaError: it is gone, no plain file, too large or cannot be read.
    """
    shown = printable(path.name)
    try:
        # Not blocking: whoever puts a pipe there would stop the reader.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or (about.st_size > most and not tail):
                raise MynaError(f"{shown} is no plain file of at most {most >> 20} MiB: it is not shown.")
            file.seek(max(0, about.st_size - most))
            return file.read(most)
    except (OSError, ValueError) as error:
        raise MynaError(f"{shown} cannot be read ({getattr(error, 'strerror', None) or error}).") from None


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object in a file; empty where there is none that can be read."""
    try:
        found = json.loads(read_file(path, LARGEST_JSON))
    except (MynaError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
