"""An export as one file to take away: a zip of what its log names, and of nothing else that may lie in its folder."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from myna.errors import MynaError, printable
from myna.exporting import LOG, SHEET, read_log

__all__ = ["zip_export"]

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in it: the same export gives the same bytes."""


def zip_export(folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> int:
    """Write an export into a zip file, whole or not at all.

    Only names of the export's log go in, which are plain file names; links and folders stay out. Sounds are stored as
    they are, as they hardly shrink.

    Args:
        folder: of the export.
        path: of the zip file, in a folder that is there.

    Returns:
        How many sounds are in it.

    Raises:
        MynaError: it cannot be written.
    """
    source, target = Path(folder), Path(path)
    names = [one.file for one in read_log(source / LOG) if _is_plain(source / one.file)]
    descriptor, temporary = tempfile.mkstemp(prefix=".export-", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _fill(file, source, [*names, *(name for name in (LOG, SHEET) if _is_plain(source / name))])
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise MynaError(f"cannot write {printable(os.fspath(path))}: {error.strerror}.") from error
    return len(names)


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _fill(file: object, source: Path, names: Iterable[str]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[arg-type]
        for name in names:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w") as target, (source / name).open("rb") as sound:
                while block := sound.read(1 << 20):
                    target.write(block)
