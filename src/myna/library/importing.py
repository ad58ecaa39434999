"""Presets from folders and zip files of strangers into the library.

Nothing is unpacked to disk and no name becomes a path; sizes and counts are bounded before anything is read. What is
no sound preset is left out with one sentence. Presets are kept in batches, each whole or not at all; a batch that is
kept stays, and what is there already is not kept twice, so an import that was cut short is simply run again.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from myna.errors import MynaError, printable
from myna.library.entry import Lineage
from myna.library.store import Library
from myna.presets import Preset, loads
from myna.presets.strict_json import MAX_BYTES

__all__ = ["MAX_FILES", "MAX_TOTAL_BYTES", "MAX_ZIP_BYTES", "Imported", "import_presets", "import_zip"]

MAX_FILES = 20_000
MAX_TOTAL_BYTES = 256 << 20
MAX_ZIP_BYTES = 64 << 20
BATCH = 100
_CENTRAL = b"PK\x01\x02"  # begins each entry of a zip file's directory
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Source = Iterator[tuple[str, bytes | str]]
"""Names with the content of files, or with the sentence that says why there is none."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Imported:
    """What came of an import.

    Attributes:
        ids: of the presets that are new.
        known: how many were in the library already.
        refused: one sentence for each file that is no sound preset.
        stopped: whether it was stopped before its end.
    """

    ids: tuple[str, ...] = ()
    known: int = 0
    refused: tuple[str, ...] = ()
    stopped: bool = False


def import_presets(
    library: Library,
    path: str | os.PathLike[str],
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> Imported:
    """Bring in a preset file, a zip file of them, or a folder with all below it; links in it are not followed.

    Args:
        library: where they go.
        path: what to read.
        progress: called with (done, total) files.
        stop: asked between batches.

    Raises:
        MynaError: there is no such thing, it cannot be read, or it is larger than the limits of this module.
    """
    content = _opened(path)
    if isinstance(content, list):
        return _keep(library, _read_all(content), len(content), progress, stop)
    if content.startswith(b"PK"):
        return import_zip(library, content, os.fspath(path), progress, stop)
    return _keep(library, iter([(Path(path).name, content)]), 1, progress, stop)


def _opened(path: str | os.PathLike[str]) -> bytes | list[Path]:
    """What is in a file, a byte more than the largest zip file at most; or the preset files in a folder."""
    shown = printable(os.fspath(path))
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            return _files(Path(path), shown)
        if not stat.S_ISREG(mode):
            raise MynaError(f"“{shown}” is neither a file nor a folder: give presets, a zip file or a folder of them.")
        with open(path, "rb") as file:
            return file.read(MAX_ZIP_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise MynaError(f"“{shown}” cannot be read ({reason.lower()}).") from None


def import_zip(
    library: Library,
    data: bytes,
    name: str = "the zip file",
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> Imported:
    """Bring in the presets of a zip file, as it came through an upload; other arguments as for `import_presets`.

    Args:
        library: where they go.
        data: the file's content.
        name: what messages call it.
        progress: see there.
        stop: see there.

    Raises:
        MynaError: it is no zip file, or larger than the limits of this module, packed or unpacked.
    """
    shown = printable(name)
    if len(data) > MAX_ZIP_BYTES:
        raise MynaError(f"“{shown}” is larger than {MAX_ZIP_BYTES >> 20} MiB: split it.")
    if data.count(_CENTRAL) > MAX_FILES:  # before the directory is read, which takes memory for each entry
        raise MynaError(f"“{shown}” holds more than {MAX_FILES:,} files: split it.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, RuntimeError) as error:
        raise MynaError(f"“{shown}” is no sound zip file ({printable(str(error))}).") from None
    members = [one for one in archive.infolist() if not one.is_dir() and _is_wanted(one.filename)]
    if sum(one.file_size for one in members) > MAX_TOTAL_BYTES:
        raise MynaError(f"“{shown}” unpacks to more than {MAX_TOTAL_BYTES >> 20} MiB: split it.")
    return _keep(library, _unpacked(archive, members), len(members), progress, stop)


def _is_wanted(name: str) -> bool:
    """Whether a name is that of a preset file; macOS puts `._` twins of other files beside them."""
    base = name.replace("\\", "/").rpartition("/")[2]
    return base.lower().endswith(".json") and not base.startswith("._")


def _files(folder: Path, shown: str) -> list[Path]:
    """Regular files in a folder and below that may be presets, in order of their paths."""
    found: list[Path] = []
    for parent, _, names in os.walk(folder, followlinks=False):
        paths = (Path(parent, name) for name in names if _is_wanted(name))
        found += [path for path in paths if stat.S_ISREG(path.lstat().st_mode)]
        if len(found) > MAX_FILES:
            raise MynaError(f"“{shown}” holds more than {MAX_FILES:,} preset files: import parts of it.")
    if sum(min(path.lstat().st_size, MAX_BYTES) for path in found) > MAX_TOTAL_BYTES:
        raise MynaError(f"“{shown}” holds more than {MAX_TOTAL_BYTES >> 20} MiB of presets: import parts of it.")
    return sorted(found)


def _read_all(paths: list[Path]) -> Source:
    for path in paths:
        try:
            with open(path, "rb") as file:
                yield path.name, file.read(MAX_BYTES + 1)
        except OSError as error:
            yield path.name, f"“{printable(str(path))}” cannot be read ({(error.strerror or str(error)).lower()})."


def _unpacked(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> Source:
    for one in members:
        shown = printable(one.filename)
        if one.compress_type not in _PACKED or one.flag_bits & 0x1:
            yield one.filename, f"“{shown}” is encrypted or packed in an unusual way: unpack it first."
            continue
        try:
            with archive.open(one) as file:  # reads no more than the directory says, which was added up
                yield one.filename, file.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError) as error:
            yield one.filename, f"“{shown}” is damaged ({printable(str(error))})."


def _keep(
    library: Library, source: Source, total: int, progress: Progress | None, stop: Callable[[], bool] | None
) -> Imported:
    ids, refused, batch = list[str](), list[str](), list[tuple[Preset, Lineage]]()
    known, done = 0, 0
    for done, (name, content) in enumerate(source, 1):
        preset = _preset(library, name, content)
        if isinstance(preset, str):
            refused.append(preset)
        else:
            batch.append((preset, Lineage("import", printable(Path(name).name, 200))))
        if done % BATCH and done < total:
            continue
        kept = library.add_many(batch)
        ids += [entry_id for entry_id, is_new in kept if is_new]
        known += sum(not is_new for _, is_new in kept)
        batch.clear()
        if progress is not None:
            progress(done, total)
        if stop is not None and stop():
            break
    return Imported(tuple(ids), known, tuple(refused), stopped=done < total)


def _preset(library: Library, name: str, content: bytes | str) -> Preset | str:
    """The preset, or the sentence that says why there is none."""
    if isinstance(content, str):
        return content
    try:
        return loads(content, library.table, source=name)
    except MynaError as error:
        return str(error)
