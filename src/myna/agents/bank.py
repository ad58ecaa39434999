"""The bank of rendered presets that retrieval looks into: built once, kept on disk.

Shapes: K presets, D pooled features.
"""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from myna.features import Features, analyse
from myna.files import cache_dir, write_atomic
from myna.presets.factory import load_factory
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["NOTES", "Bank", "load_bank", "pooled"]

NOTES = (36, 48, 60, 72, 84)
SECONDS = 1.0
DRAWS = 3000
_TIME, _BANDS = 16, 64
_BATCH = 128


@dataclass(frozen=True)
class Bank:
    """u (K, P) float32 and, for each of NOTES, pooled features (K, D) float16."""

    u: np.ndarray
    features: np.ndarray

    def nearest(self, query: np.ndarray, note_midi: float, count: int) -> np.ndarray:
        """Indices of the `count` nearest presets (mean absolute dB) at the bank's nearest note."""
        note = int(np.argmin(np.abs(np.array(NOTES) - note_midi)))
        distance = np.mean(np.abs(self.features[note].astype(np.float32) - query), axis=1)
        return np.argsort(distance, kind="stable")[:count]


def pooled(features: Features) -> np.ndarray:
    """Log-mel of the coarsest scale averaged to 16 frames × 64 bands over the first second, (B, D) float32."""
    mel = features.mels[0]
    frames = np.linspace(0, mel.shape[1], _TIME + 1).astype(int)
    mel = np.stack([mel[:, a : max(b, a + 1)].mean(1) for a, b in zip(frames[:-1], frames[1:], strict=True)], 1)
    return mel.reshape(len(mel), _TIME, _BANDS, -1).mean(-1).reshape(len(mel), -1)


@functools.cache
def load_bank(renderer: Renderer, progress: Callable[[int, int], None] | None = None) -> Bank:
    """The bank for a renderer's synth; built and saved the first time (about a minute)."""
    table = renderer.table
    u = [preset.u(table) for preset in load_factory(table)]
    drawn = MusicalPrior(table).sample(DRAWS, generator(0, "bank"))
    u = np.concatenate([np.reshape(u, (-1, len(table))), drawn]).astype(np.float32)
    path = cache_dir() / "bank" / f"{_key(renderer, u)}.npy"
    shape = (len(NOTES), len(u), _TIME * _BANDS)
    try:
        features = np.load(path, allow_pickle=False)
        if features.shape == shape and features.dtype == np.float16:
            return Bank(u, features)
    except (OSError, ValueError, EOFError):
        pass  # not built yet, or damaged
    features = _build(renderer, u, shape, progress)
    buffer = io.BytesIO()
    np.save(buffer, features, allow_pickle=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, buffer.getvalue())
    return Bank(u, features)


def _key(renderer: Renderer, u: np.ndarray) -> str:
    from myna.synth.serum_lite.engine import source_hash

    return hashlib.sha256(source_hash().encode() + u.tobytes() + bytes(str(NOTES), "ascii")).hexdigest()[:16]


def _build(
    renderer: Renderer, u: np.ndarray, shape: tuple[int, ...], progress: Callable[[int, int], None] | None
) -> np.ndarray:
    features = np.empty(shape, np.float16)
    for n, note in enumerate(NOTES):
        probe = Probe(note, 100, 0.6, SECONDS)
        for i in range(0, len(u), _BATCH):
            audio = renderer.render(u[i : i + _BATCH], [probe])[:, 0]
            features[n, i : i + _BATCH] = pooled(analyse(audio, renderer.sample_rate))
            if progress is not None:
                progress(n * len(u) + min(i + _BATCH, len(u)), len(NOTES) * len(u))
    return features
