"""Checkpoints: whole folders, written under another name, synced and renamed, so that there is never half of one.

    step-000000123456/
        state.safetensors   every tensor of the learner's state
        state.json          the rest of it, and counters
        …                   what was learnt, as it is shipped

Tensors go from memory to the file without a copy: a replay may be most of the memory that there is.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from myna.errors import MynaError, printable
from myna.files import make_folder

__all__ = ["checkpoints", "clean_up", "read_checkpoint", "replace_folder", "write_checkpoint", "write_tensors"]

KEPT = 2
_PREFIX, _TEMPORARY = "step-", ".writing-"
_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def checkpoints(folder: Path) -> list[Path]:
    """Those in a folder, the newest first."""
    return sorted((path for path in folder.glob(f"{_PREFIX}*") if path.is_dir()), reverse=True)


def clean_up(folder: Path) -> None:
    """Remove what a killed process left half-written."""
    for path in folder.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(path, ignore_errors=True)


def write_checkpoint(
    folder: Path, step: int, state: Mapping[str, Any], save: Callable[[Path], None] = lambda folder: None
) -> Path:
    """Write one, and remove all but the last two; where that step has one already it stays.

    Args:
        folder: of all checkpoints; made where it is missing.
        step: that it is of.
        state: tensors, what JSON can hold, and mappings of both, by names without a slash.
        save: writes what else belongs into the folder that it is given.

    Raises:
        MynaError: it cannot be written; those that were there are untouched.
    """
    path = make_folder(folder) / f"{_PREFIX}{step:012d}"
    if path.exists():
        return path
    temporary = folder / f"{_TEMPORARY}{path.name}"
    try:
        _write(temporary, state, save)
        os.rename(temporary, path)
    except OSError as error:
        raise MynaError(f"cannot write the checkpoint {printable(str(path))}: {error.strerror}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    with contextlib.suppress(OSError):  # not every file system lets a folder be synced
        _sync(folder)
    for old in checkpoints(folder)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def replace_folder(path: Path, save: Callable[[Path], None]) -> None:
    """Put a folder in the place of one that may be there: whole, and the old one goes last.

    Raises:
        MynaError: it cannot be written; the old one is untouched.
    """
    temporary, old = (path.with_name(f"{_TEMPORARY}{path.name}{suffix}") for suffix in ("", ".old"))
    try:
        for folder in (temporary, old):
            shutil.rmtree(folder, ignore_errors=True)
        temporary.mkdir()
        save(temporary)
        if path.exists():
            os.rename(path, old)
        os.rename(temporary, path)
    except OSError as error:
        raise MynaError(f"cannot write {printable(str(path))}: {error.strerror}.") from error
    finally:
        for folder in (temporary, old):
            shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, state: Mapping[str, Any], save: Callable[[Path], None]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_tensors(folder / "state.safetensors", dict(_tensors(state)))
    (folder / "state.json").write_text(json.dumps(_plain(state)) + "\n", encoding="utf-8")
    save(folder)
    for path in (*folder.iterdir(), folder):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tensors(state: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    for name, value in state.items():
        if isinstance(value, torch.Tensor):
            yield prefix + name, value
        elif isinstance(value, Mapping):
            yield from _tensors(value, f"{prefix}{name}/")


def _plain(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state without its tensors."""
    kept = {name: value for name, value in state.items() if not isinstance(value, torch.Tensor)}
    return {name: _plain(value) if isinstance(value, Mapping) else value for name, value in kept.items()}


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write a safetensors file tensor by tensor; the library's own writer would copy them all first.

    Raises:
        OSError: it cannot be written.
    """
    header, end = {}, 0
    for name, tensor in tensors.items():
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            file.write(flat.view(torch.uint8).numpy().data)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The state that was written.

    Raises:
        MynaError: it cannot be read.
    """
    try:
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        for name, tensor in load_file(path / "state.safetensors").items():
            *outer, last = name.split("/")
            place = state
            for one in outer:
                place = place[one]
            place[last] = tensor
    except OSError as error:
        raise MynaError(f"cannot read the checkpoint {printable(str(path))}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise MynaError(
            f"The checkpoint {printable(str(path))} is damaged: remove it to go on from another."
        ) from error
    return state
