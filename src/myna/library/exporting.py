"""Presets out of the library, as files that any myna reads: into a folder, or as one zip file.

The files are the presets as they were kept, to the byte; favourites, ratings, notes and lineage stay in the library.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import select

from myna.errors import UsageError, printable
from myna.files import make_folder, safe_stems, write_atomic
from myna.library.schema import ENTRIES, PRESETS
from myna.library.store import Library, each_of

__all__ = ["export_folder", "export_zip", "zip_bytes"]

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same presets give the same bytes, whenever


def export_folder(library: Library, ids: Iterable[str], folder: str | os.PathLike[str]) -> list[Path]:
    """Write a file for each entry, named after its preset; no file that is there is overwritten.

    Args:
        library: where they are.
        ids: whole ids; those that are gone are left out.
        folder: made if it is not there.

    Returns:
        The files, in order of the presets' names.

    Raises:
        MynaError: the folder or a file cannot be written.
    """
    out = make_folder(folder)
    written = []
    for stem, preset in _named(library, ids, taken=(path.stem for path in out.iterdir())):
        written.append(out / f"{stem}.json")
        write_atomic(written[-1], preset)
    return written


def export_zip(library: Library, ids: Iterable[str], path: str | os.PathLike[str]) -> int:
    """Write a zip file of entries, whole or not at all; how many there are. Arguments as for `export_folder`.

    Raises:
        UsageError: the file is there already.
        MynaError: it cannot be written.
    """
    if os.path.lexists(path):
        raise UsageError(f"{printable(os.fspath(path))} exists already: choose another name.")
    make_folder(Path(path).parent)
    data = zip_bytes(library, ids)
    write_atomic(path, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return len(archive.infolist())


def zip_bytes(library: Library, ids: Iterable[str]) -> bytes:
    """The content of a zip file of entries, as a download takes it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for stem, preset in _named(library, ids):
            archive.writestr(zipfile.ZipInfo(f"{stem}.json", _EPOCH), preset, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _named(library: Library, ids: Iterable[str], taken: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Safe stems that are not taken, and presets as they were kept, by name."""
    wanted = select(ENTRIES.c.name, PRESETS.c.preset).join(PRESETS).where(ENTRIES.c.id.in_(each_of(ids)))
    with library.database.reading() as connection:
        rows = connection.execute(wanted.order_by(ENTRIES.c.name_key, ENTRIES.c.seq)).all()
    stems = safe_stems((name for name, _ in rows), taken)
    yield from zip(stems, (preset for _, preset in rows), strict=True)
