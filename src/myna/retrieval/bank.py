"""The bank of rendered presets that retrieval looks into: factory presets and draws of both priors at several notes.

What is held out to judge methods on is not in it. Built once and kept on disk.

Shapes: K presets, M candidates of which K can be heard, D pooled features, P parameters.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load, save

from myna.errors import MynaError
from myna.features import FeatureConfig, Features, analyse, frame_at, pool
from myna.files import cache_dir, write_atomic
from myna.params import ParameterTable
from myna.presets.factory import load_trainable
from myna.presets.generator import MusicalPrior, UniformPrior, audible
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["DRAWS", "LEAN", "NOTES", "UNIFORM_DRAWS", "Bank", "bank_dir", "forget", "load_bank", "pooled"]

NOTES = (36, 48, 60, 72, 84)
GATE_S, TOTAL_S = 0.6, 1.0
DRAWS = 8000
"""Of the musical prior."""
UNIFORM_DRAWS = 5400
"""Of the uniform prior: half of them are silent, and left out."""
_BANDS = 64
# Stretches in seconds from the onset and from the end of the gate: short at first, where the attack is told.
_HELD_S = (0.0, 0.02, 0.04, 0.08, 0.14, 0.22, 0.32, 0.45, 0.6)
_RELEASED_S = (0.0, 0.05, 0.12, 0.24, 0.4)
_BATCH = 64
_VERSION = 3
LEAN = FeatureConfig(windows=(2048,), mels=((2048, 128),), magnitudes=False)
"""All that the bank needs to hear."""
_READY: dict[Path, Bank] = {}
_Kept = dict[str, np.ndarray]  # `heard` (M,) bool, and `features` (len(NOTES), K, D) float16 of those


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
    """The bank of a renderer's synth; rendered and saved the first time (some minutes), read after that.

    The file is named by the engine's sources, the presets and the notes, so a change of any of them builds another.
    A damaged file is built again. Two processes may build at once: both write the same bits, whole files only.

    Args:
        renderer: of the synth.
        progress: called with (done, total) while it is built; what is left out counts as done.
        stop: asked between batches; true gives the building up.

    Returns:
        The bank, or None if stopped.
    """
    u = _candidates(renderer.table)
    path = bank_dir() / f"{_key(renderer, u)}.safetensors"
    if path not in _READY:
        kept = _read(path, len(u))
        if kept is None:
            kept = _build(renderer, u, progress, stop)
            if kept is None:
                return None
            _save(path, kept)
        _READY[path] = Bank(u[kept["heard"]], kept["features"])
    return _READY[path]


def bank_dir() -> Path:
    """The folder that banks are kept in."""
    return cache_dir() / "bank"


def forget() -> None:
    """Drop the banks held in memory; the files stay."""
    _READY.clear()
    _candidates.cache_clear()


@functools.cache
def _candidates(table: ParameterTable) -> np.ndarray:
    factory = [preset.u(table) for preset in load_trainable(table)]
    drawn = MusicalPrior(table).sample(DRAWS, generator(0, "bank"))
    uniform = UniformPrior(table).sample(UNIFORM_DRAWS, generator(0, "bank", "uniform"))
    return np.concatenate([np.reshape(factory, (-1, len(table))), drawn, uniform])


def _key(renderer: Renderer, u: np.ndarray) -> str:
    from myna.synth.serum_lite.engine import source_hash

    layout = f"{_VERSION} {NOTES} {GATE_S} {TOTAL_S} {_HELD_S} {_RELEASED_S} {_BANDS} {renderer.sample_rate}"
    return hashlib.sha256(f"{source_hash()} {layout}".encode() + u.tobytes()).hexdigest()[:16]


def _read(path: Path, count: int) -> _Kept | None:
    """What is on disk for M candidates, or None if there is nothing or the file is damaged."""
    try:
        kept = load(path.read_bytes())
        heard, features = kept["heard"], kept["features"]
    except (OSError, SafetensorError, KeyError):
        return None
    whole = heard.shape == (count,) and heard.dtype == bool and features.dtype == np.float16
    whole = whole and features.shape == _shape(int(heard.sum())) and bool(np.isfinite(features).all())
    return kept if whole else None


def _save(path: Path, kept: _Kept) -> None:
    """Keep it for later runs; a disk that is full or read-only only costs time."""
    with contextlib.suppress(OSError, MynaError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, save(kept))


def _shape(count: int) -> tuple[int, int, int]:
    return len(NOTES), count, _BANDS * (len(_HELD_S) + len(_RELEASED_S) - 2)


def _build(
    renderer: Renderer,
    u: np.ndarray,
    progress: Callable[[int, int], None] | None,
    stop: Callable[[], bool] | None,
) -> _Kept | None:
    """Render candidates u (M, P) at the middle note, and those that can be heard at the others; None if stopped."""
    middle = len(NOTES) // 2
    heard, features = np.ones(len(u), bool), np.empty(_shape(len(u)), np.float16)
    batches = range(0, len(u), _BATCH)
    done, total = 0, len(NOTES) * len(u)
    for n in (middle, *(n for n in range(len(NOTES)) if n != middle)):
        for i in batches:
            if stop is not None and stop():
                return None
            rows = i + np.flatnonzero(heard[i : i + _BATCH])
            audio = renderer.render(u[rows], [Probe(NOTES[n], 100, GATE_S, TOTAL_S)])[:, 0]
            sounds = analyse(audio, renderer.sample_rate, LEAN, renderer.threads)
            features[n, rows] = pooled(sounds, GATE_S, renderer.sample_rate)
            heard[rows] &= (n != middle) | audible(audio)
            done += len(u[i : i + _BATCH])
            if progress is not None:
                progress(done, total)
    return {"heard": heard, "features": np.ascontiguousarray(features[:, heard])}
