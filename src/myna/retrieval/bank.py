"""The bank of rendered presets that retrieval looks into: factory presets and musical draws at several notes.

Built once and kept on disk. Shapes: K presets, D pooled features, P parameters.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from myna.errors import MynaError
from myna.features import FeatureConfig, Features, analyse, frame_at, pool
from myna.files import cache_dir, write_atomic
from myna.params import ParameterTable
from myna.presets.factory import load_factory
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["DRAWS", "LEAN", "NOTES", "Bank", "bank_dir", "forget", "load_bank", "pooled"]

NOTES = (36, 48, 60, 72, 84)
GATE_S, TOTAL_S = 0.6, 1.0
DRAWS = 8000
_BANDS = 64
# Stretches in seconds from the onset and from the end of the gate: short at first, where the attack is told.
_HELD_S = (0.0, 0.02, 0.04, 0.08, 0.14, 0.22, 0.32, 0.45, 0.6)
_RELEASED_S = (0.0, 0.05, 0.12, 0.24, 0.4)
_BATCH = 64
_VERSION = 2
LEAN = FeatureConfig(windows=(2048,), mels=((2048, 128),), magnitudes=False)
"""All that the bank needs to hear."""
_READY: dict[Path, Bank] = {}


@dataclass(frozen=True)
class Bank:
    """Presets and how they sound.

    Attributes:
        u: (K, P) float64 presets.
        features: (len(NOTES), K, D) float16, see `pooled`.
    """

    u: np.ndarray
    features: np.ndarray

    def nearest(self, query: np.ndarray, gate_s: float, note_midi: float, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The nearest presets at the bank's nearest note, each at the volume that suits it best.

        Distance is mean absolute dB over the stretches that both sounds hold.

        Args:
            query: (D,) from `pooled` with the target's own gate.
            gate_s: how long the target's key is held.
            note_midi: its note.
            count: presets wanted.

        Returns:
            (indices (n,), gains in dB (n,)), nearest first.
        """
        note = int(np.argmin(np.abs(np.array(NOTES) - note_midi)))
        weights = _weights(gate_s)
        shape = (-1, len(weights), _BANDS)
        heard = query.reshape(shape)[:, weights > 0]
        sounds = self.features[note].reshape(shape)[:, weights > 0].astype(np.float32)
        shares = weights[weights > 0, None] / (weights.sum() * _BANDS)
        gains = _level(heard, shares) - _level(sounds, shares)
        louder = np.maximum(sounds + gains[:, None, None], np.float32(LEAN.floor_db))
        distance = np.sum(np.abs(louder - heard) * shares, axis=(1, 2)) + 0.02 * np.abs(gains)
        order = np.argsort(distance, kind="stable")[:count]
        return order, gains[order].astype(np.float64)


def _weights(gate_s: float) -> np.ndarray:
    """How much each stretch counts, (8 held + 4 released,): equally, but for those that the key is up for."""
    held = np.array([start < gate_s for start in _HELD_S[:-1]], np.float32)
    return np.concatenate([held, np.ones(len(_RELEASED_S) - 1, np.float32)])


def _level(sounds: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Level in dB of pooled sounds (n, stretches, bands): the power in all bands, averaged over the stretches."""
    power = np.exp(sounds * np.float32(np.log(10) / 10)).sum(axis=2)
    return 10 * np.log10(np.sum(power * shares[:, 0], axis=1) + 1e-12)


def pooled(features: Features, gate_s: float, sample_rate: int) -> np.ndarray:
    """Log-mel by stretches of the held and of the released part, (B, D) float32.

    Sounds whose keys are held for different times are so compared attack with attack and release with release.
    """
    held = [frame_at(min(t, gate_s), sample_rate) for t in _HELD_S]
    released = [frame_at(gate_s + t, sample_rate) for t in _RELEASED_S]
    parts = (pool(features, edges, _BANDS) for edges in (held, released))
    return torch.cat(list(parts), dim=1).numpy()


def load_bank(
    renderer: Renderer,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Bank | None:
    """The bank of a renderer's synth; rendered and saved the first time (a minute or two), read after that.

    The file is named by the engine's sources, the presets and the notes, so a change of any of them builds another.
    A damaged file is built again. Two processes may build at once: both write the same bits, whole files only.

    Args:
        renderer: of the synth.
        progress: called with (done, total) while it is built.
        stop: asked between batches; true gives the building up.

    Returns:
        The bank, or None if stopped.
    """
    u = _presets(renderer.table)
    path = bank_dir() / f"{_key(renderer, u)}.npy"
    if path not in _READY:
        shape = (len(NOTES), len(u), _BANDS * (len(_HELD_S) + len(_RELEASED_S) - 2))
        features = _read(path, shape)
        if features is None:
            features = _build(renderer, u, shape, progress, stop)
            if features is None:
                return None
            _save(path, features)
        _READY[path] = Bank(u, features)
    return _READY[path]


def bank_dir() -> Path:
    """The folder that banks are kept in."""
    return cache_dir() / "bank"


def forget() -> None:
    """Drop the banks held in memory; the files stay."""
    _READY.clear()
    _presets.cache_clear()


@functools.cache
def _presets(table: ParameterTable) -> np.ndarray:
    factory = [preset.u(table) for preset in load_factory(table)]
    drawn = MusicalPrior(table).sample(DRAWS, generator(0, "bank"))
    return np.concatenate([np.reshape(factory, (-1, len(table))), drawn])


def _key(renderer: Renderer, u: np.ndarray) -> str:
    from myna.synth.serum_lite.engine import source_hash

    layout = f"{_VERSION} {NOTES} {GATE_S} {TOTAL_S} {_HELD_S} {_RELEASED_S} {_BANDS} {renderer.sample_rate}"
    return hashlib.sha256(f"{source_hash()} {layout}".encode() + u.tobytes()).hexdigest()[:16]


def _read(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The features on disk, or None if there are none or the file is damaged."""
    try:
        features = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = features.shape == shape and features.dtype == np.float16 and bool(np.isfinite(features).all())
    return features if whole else None


def _save(path: Path, features: np.ndarray) -> None:
    """Keep the features for later runs; a disk that is full or read-only only costs time."""
    buffer = io.BytesIO()
    np.save(buffer, features, allow_pickle=False)
    with contextlib.suppress(OSError, MynaError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, buffer.getvalue())


def _build(
    renderer: Renderer,
    u: np.ndarray,
    shape: tuple[int, ...],
    progress: Callable[[int, int], None] | None,
    stop: Callable[[], bool] | None,
) -> np.ndarray | None:
    features = np.empty(shape, np.float16)
    for n, note in enumerate(NOTES):
        probe = Probe(note, 100, GATE_S, TOTAL_S)
        for i in range(0, len(u), _BATCH):
            if stop is not None and stop():
                return None
            audio = renderer.render(u[i : i + _BATCH], [probe])[:, 0]
            sounds = analyse(audio, renderer.sample_rate, LEAN, renderer.threads)
            features[n, i : i + _BATCH] = pooled(sounds, GATE_S, renderer.sample_rate)
            if progress is not None:
                progress(n * len(u) + min(i + _BATCH, len(u)), len(NOTES) * len(u))
    return features
