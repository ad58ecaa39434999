"""Files: atomic writes, safe names, content hashes, and the folders for caches and for data."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from myna.errors import MynaError, UsageError, printable

__all__ = ["alone", "cache_dir", "data_dir", "make_folder", "read_toml", "safe_stems", "sha256_hex", "write_atomic"]

_MAX_STEM_BYTES, _MAX_TOML_BYTES = 80, 1 << 20
# Names of devices on Windows, whatever their ending: a folder of files may end up there.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in "0123456789¹²³")}


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder, and those above it, where they are not there yet.

    Raises:
        MynaError: It cannot be made, or a file is in the way.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise MynaError(f"cannot make the folder {printable(os.fspath(path))} ({reason}): choose another.") from error
    return folder


def read_toml(path: Path, what: str, where: str = "") -> dict[str, Any]:
    """A file's tables.

    Args:
        path: of the file.
        what: it should be, with its article, as messages say it: `a curriculum`.
        where: how messages call it; by its path where that is left out.

    Raises:
        UsageError: it cannot be read, is larger than 1 MiB, or is no TOML.
    """
    where = where or printable(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_TOML_BYTES + 1)
        if len(data) > _MAX_TOML_BYTES:
            raise UsageError(f"{where} is larger than 1 MiB: give {what}.")
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise UsageError(f"Cannot read {where}: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{where} is not TOML: {printable(str(error), 120)}.") from error


def write_atomic(path: str | os.PathLike[str], data: bytes | str) -> None:
    """Write a whole file or nothing: a reader sees the old content or the new, never a part.

    The data goes to a temporary name in the same folder, is synced to disk and renamed over `path`.
    A symbolic link is followed, an existing file keeps its permissions, and text is UTF-8 as given.

    Args:
        path: The file to write; its folder must exist.
        data: The full content.

    Raises:
        MynaError: The file cannot be written; what was there before is untouched.
    """
    content = data.encode("utf-8") if isinstance(data, str) else data
    try:
        _replace(Path(os.path.realpath(path)), content)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise MynaError(f"cannot write {printable(os.fspath(path))}: {reason}.") from error


def _replace(target: Path, content: bytes) -> None:
    if target.is_dir():
        raise IsADirectoryError(0, "it is a folder")
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _mode_for(target))
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(target.parent)


def _mode_for(target: Path) -> int:
    """Permissions of the file that is replaced, or those that `open` would give a new one."""
    try:
        return target.stat().st_mode & 0o777
    except FileNotFoundError:
        return 0o666 & ~_UMASK


def _read_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


# Read once at import: the only way to read it is to set it, which is not safe between threads.
_UMASK = _read_umask()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the file system allows it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def safe_stems(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """A file name without its ending for each of some names, free of what a path could misread; no two are alike.

    Letters of any script, digits, `-`, `_`, `.` and spaces stay; a name that is taken (upper and lower
    case counted as one) gets `-2`, `-3`, ….

    Args:
        names: anything.
        taken: stems that are in use already.

    >>> safe_stems(["bass", "Bass", "..", ".hidden", "<b>", "con"])
    ['bass', 'Bass-2', 'sound', 'hidden', '_b_', '_con']
    """
    used, counts = {unicodedata.normalize("NFC", stem).casefold() for stem in taken}, dict[str, int]()
    stems = []
    for name in names:
        stem = base = _safe_stem(name)
        while stem.casefold() in used:
            counts[base.casefold()] = count = counts.get(base.casefold(), 1) + 1
            stem = f"{base}-{count}"
        used.add(stem.casefold())
        stems.append(stem)
    return stems


def _safe_stem(name: str) -> str:
    name = unicodedata.normalize("NFC", name)
    kept = "".join(c if c.isalnum() or c in "-_. " or unicodedata.combining(c) else "_" for c in name)
    short = kept.encode("utf-8", "replace")[:_MAX_STEM_BYTES].decode("utf-8", "ignore").strip(". ")
    device = short.partition(".")[0].rstrip().casefold() in _DEVICES
    return f"_{short}" if device else short or "sound"


def sha256_hex(data: bytes | str) -> str:
    """Return the SHA-256 of the data as 64 hex digits; text is hashed as UTF-8.

    >>> sha256_hex("myna")[:16]
    'eec047dd63cc6082'
    """
    return hashlib.sha256(data.encode("utf-8") if isinstance(data, str) else data).hexdigest()


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """Within it no other thread or process of this user is within the same: the others wait; a kill lets them go on.

    Where the cache folder cannot be written to, or the system has no such locks, nobody waits.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError, MynaError):
            import fcntl  # not on Windows

            file = stack.enter_context((make_folder(cache_dir()) / f"{name}.lock").open("a"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cache_dir() -> Path:
    """Return the folder for what can be computed again; it need not exist yet.

    `MYNA_CACHE_DIR` if set, else `XDG_CACHE_HOME/myna`, else `~/.cache/myna`. As the XDG rules ask,
    a relative `XDG_CACHE_HOME` is ignored.
    """
    return _own_dir("MYNA_CACHE_DIR", "XDG_CACHE_HOME", ".cache")


def data_dir() -> Path:
    """Return the folder for what the user has made; it need not exist yet.

    `MYNA_DATA_DIR` if set, else `XDG_DATA_HOME/myna`, else `~/.local/share/myna`.
    """
    return _own_dir("MYNA_DATA_DIR", "XDG_DATA_HOME", ".local/share")


def _own_dir(own_name: str, shared_name: str, in_home: str) -> Path:
    own = os.environ.get(own_name)
    if own:
        return Path(own).expanduser()
    shared = os.environ.get(shared_name)
    if shared and Path(shared).is_absolute():
        return Path(shared) / "myna"
    return Path.home() / in_home / "myna"
