"""Features that were measured before: by the content of the audio, in memory and in a folder.

Both are bounded, and the least recently used leave first. Several processes may share the folder.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import threading
import time
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

from myna.audio import loudness
from myna.errors import MynaError
from myna.features.config import FULL, FeatureConfig
from myna.features.container import Features
from myna.features.extractor import analyse
from myna.files import make_folder, write_atomic

__all__ = ["FeatureCache", "cache_key"]

_SUFFIX = ".features"
_DIGEST_BYTES = 32
_ABANDONED_S = 600.0  # a temporary file this old belongs to a process that was killed


class FeatureCache:
    """`analyse`, but what was measured before is looked up.

    Features that come out may be shared with other callers: do not write into their tensors.

    Args:
        folder: made when something is first kept; None keeps features in memory alone.
        memory_bytes: at most this much is held.
        disk_bytes: at most this much lies in the folder.

    Example:
        >>> # cache = FeatureCache(cache_dir() / "features"); cache.analyse(audio, 44100)
    """

    def __init__(
        self, folder: str | os.PathLike[str] | None = None, memory_bytes: int = 256 << 20, disk_bytes: int = 2 << 30
    ) -> None:
        self._folder = None if folder is None else Path(folder)
        self._memory_bytes, self._disk_bytes = memory_bytes, disk_bytes
        self._held: OrderedDict[str, Features] = OrderedDict()
        self._held_bytes = 0
        self._lock = threading.Lock()

    def analyse(
        self, audio: torch.Tensor | np.ndarray, sample_rate: int, config: FeatureConfig = FULL, threads: int = 1
    ) -> Features:
        """Features of the whole batch, on the device of the audio; arguments and errors as of `myna.features.analyse`.

        A file that is damaged counts as absent, and a folder that cannot be written to only costs time.
        """
        key = cache_key(audio, sample_rate, config)
        features = self._from_memory(key) or self._from_disk(key)
        if features is None:
            features = analyse(audio, sample_rate, config, threads).to("cpu")
            self._to_disk(key, features)
        self._to_memory(key, features)
        return features.to(audio.device) if isinstance(audio, torch.Tensor) else features

    def _from_memory(self, key: str) -> Features | None:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def _to_memory(self, key: str, features: Features) -> None:
        size = _bytes_of(features)
        with self._lock:
            if key in self._held or size > self._memory_bytes:
                return
            self._held[key] = features
            self._held_bytes += size
            while self._held_bytes > self._memory_bytes:
                _, oldest = self._held.popitem(last=False)
                self._held_bytes -= _bytes_of(oldest)

    def _from_disk(self, key: str) -> Features | None:
        if self._folder is None:
            return None
        path = self._folder / (key + _SUFFIX)
        try:
            content = path.read_bytes()
            digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
            if hashlib.sha256(data).digest() != digest:
                return None
            features = Features.from_bytes(data)
        except (OSError, ValueError):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # the file's time is that of its last use
        return features

    def _to_disk(self, key: str, features: Features) -> None:
        if self._folder is None:
            return
        data = features.to_bytes()
        if len(data) + _DIGEST_BYTES > self._disk_bytes:
            return
        with contextlib.suppress(MynaError, OSError):
            make_folder(self._folder)
            write_atomic(self._folder / (key + _SUFFIX), hashlib.sha256(data).digest() + data)
            _evict(self._folder, self._disk_bytes)


def cache_key(audio: torch.Tensor | np.ndarray, sample_rate: int, config: FeatureConfig) -> str:
    """64 hex digits of everything that the features depend on: samples, shape, rate, config and this code."""
    array = audio.detach().cpu().numpy() if isinstance(audio, torch.Tensor) else np.asarray(audio)
    digest = hashlib.sha256(f"{_version()} {array.shape} {sample_rate} {config}".encode())
    digest.update(np.ascontiguousarray(array, np.float32).data)
    return digest.hexdigest()


@functools.cache
def _version() -> str:
    """A hash of the sources, so that no change of the code can be forgotten, and torch's version."""
    digest = hashlib.sha256(torch.__version__.encode())
    for path in (*sorted(Path(__file__).parent.glob("*.py")), Path(loudness.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _bytes_of(features: Features) -> int:
    return sum(tensor.nbytes for tensor in features.tensors().values())


def _evict(folder: Path, limit: int) -> None:
    """Delete what was not used for longest, and what a killed process left, until the rest fits."""
    files, now = [], time.time()
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):  # another process may have been faster
            about = entry.stat()
            if entry.name.endswith(".tmp") and now - about.st_mtime > _ABANDONED_S:
                os.unlink(entry)
            elif entry.name.endswith((_SUFFIX, ".tmp")):
                files.append((about.st_mtime_ns, about.st_size, entry))
    total = sum(size for _, size, _ in files)
    for _, size, entry in sorted(files, key=lambda file: file[0]):
        if total <= limit:
            return
        if entry.name.endswith(_SUFFIX):
            with contextlib.suppress(OSError):
                os.unlink(entry)
            total -= size
