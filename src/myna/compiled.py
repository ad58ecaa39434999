"""Kernels: functions that numba compiles, and their machine code, read from a cache that other processes fill.

Those of the synth run on the CPU and inside the CUDA kernel (numba compiles an `njit` function that a CUDA kernel calls
for the device), so kernels allocate nothing and take their scratch as arguments.

Nothing is compiled in a process that renders or hears. The cached object holds a copy of every function that LLVM did
not inline, fitted to the kernel; in a process that compiled it, the linker would take the functions' own, earlier
builds in their place, whose sums are rounded elsewhere. Loaded, the code is the same everywhere, and so are the bits.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numba
from numba.core.compiler import CompilerBase

from myna.errors import BackendError, MynaError, printable
from myna.files import cache_dir, make_folder

__all__ = ["compile_cached", "dsp", "load_kernel", "source_hash"]

# No GIL, numpy's division rules and, as on CUDA, no reference counting (`_nrt`): views cost nothing, and what would not
# compile for the GPU (returning a view, allocating) does not compile for the CPU either.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
# No `nnan`/`ninf`: bounds on wild values must survive optimisation.
_FASTMATH = {"contract", "arcp", "nsz", "reassoc", "afn"}


def dsp(function: Callable[..., Any]) -> Any:
    """Compile a function that kernels call, contraction and reordering of sums allowed."""
    return numba.njit(fastmath=_FASTMATH, **_OPTIONS)(function)


def source_hash(sources: Iterable[Path]) -> str:
    """A hash of source files and numba's version: the key of whatever was compiled, rendered or heard by them.

    numba keys its own cache on the entry's file alone and would miss a change in an imported function.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(sources):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def compile_cached(function: Callable[..., Any], folder: Path, **options: Any) -> Any:
    """`njit` with a cache folder of our own."""
    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    try:
        return numba.njit(cache=True, **_OPTIONS, **options)(function)
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]


def load_kernel(function: Callable[..., Any], signature: tuple[Any, ...], key: str) -> Any:
    """The compiled function, which takes arguments of these types and no others.

    Where it is not in the cache, another process compiles it (half a minute for the synth); where the cache cannot be
    written to, by way of a temporary folder. The function's module must have a `compile_kernel(folder)` that calls
    `compile_cached`.

    Args:
        function: the entry.
        signature: numba types of its arguments.
        key: the `source_hash` of all that it is compiled from.

    Raises:
        BackendError: it cannot be compiled.
    """
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return function
    folder = cache_dir() / "kernels" / key
    with contextlib.nullcontext(folder) if _writable(folder) else tempfile.TemporaryDirectory() as place:
        kernel = _load(function, signature, Path(place))
        if kernel is None:
            trouble = _compile_apart(function, Path(place))
            kernel = _load(function, signature, Path(place))
            if kernel is None:
                raise BackendError(f"{function.__module__} could not be compiled: {printable(trouble, 200)}.")
    kernel.disable_compile()
    return kernel


def _writable(folder: Path) -> bool:
    with contextlib.suppress(MynaError):
        return os.access(make_folder(folder), os.W_OK | os.X_OK)
    return False


class _MissingError(Exception):
    """There is no such kernel in the cache."""


class _Refuse(CompilerBase):
    """Compiles nothing: what numba turns to when its cache has nothing for the signature."""

    def define_pipelines(self) -> Any:
        raise _MissingError


def _load(function: Callable[..., Any], signature: tuple[Any, ...], folder: Path) -> Any:
    kernel = compile_cached(function, folder, pipeline_class=_Refuse)
    try:
        kernel.compile(signature)
    except _MissingError:
        return None
    return kernel


def _compile_apart(function: Callable[..., Any], folder: Path) -> str:
    """Run `compile_kernel` in a fresh process, which finds modules where this one does; the last line of its errors."""
    code = f"import sys; from {function.__module__} import compile_kernel; compile_kernel(sys.argv[1])"
    run = subprocess.run(  # noqa: S603 - this interpreter, and code of our own
        [sys.executable, "-c", code, str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    lines = run.stderr.strip().splitlines()
    return lines[-1].rstrip(".") if lines else "the cache folder does not keep it"
