"""How alike two sounds are to a network that was trained on sound: CLAP and VGGish behind one protocol.

A figure to watch beside the loss; it is no part of the reward. The weights are not shipped: they are read
from a local folder, as safetensors only, and nothing is fetched.

Shapes: C channels, T samples, D dimensions of the embedding.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
import soxr

from myna.errors import BackendError, BadAudioError, UsageError, printable

__all__ = ["SCORERS", "EmbeddingScorer", "ScorerKind", "check_scorer", "cosine", "make_scorer", "mono_at", "similarity"]


class EmbeddingScorer(Protocol):
    """Turns a sound into a vector; equal sounds give equal vectors."""

    def embed(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """Return the embedding, float32 (D,).

        Args:
            samples: (C, T) or (T,), full scale = 1; channels are averaged.
            sample_rate: Hz; resampled to what the network knows.

        Raises:
            BadAudioError: there are no samples, or some are not finite.
        """
        ...


def _clap(folder: Path) -> EmbeddingScorer:
    from myna.envs.clap import ClapScorer

    return ClapScorer(folder)


def _vggish(folder: Path) -> EmbeddingScorer:
    from myna.envs.vggish import VggishScorer

    return VggishScorer(folder)


def _vggish_pca(folder: Path) -> EmbeddingScorer:
    from myna.envs.vggish import VggishScorer

    return VggishScorer(folder, pca=True)


@dataclass(frozen=True)
class ScorerKind:
    """How to get one scorer.

    Attributes:
        title: for messages.
        files: that must be in its folder.
        needs: the module that must be installed, "" where there is none.
        load: makes it from its folder; imports are late, transformers takes seconds.
    """

    title: str
    files: tuple[str, ...]
    needs: str
    load: Callable[[Path], EmbeddingScorer]


CLAP_FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
VGGISH_FILES = ("vggish.safetensors",)
SCORERS = {
    "clap": ScorerKind("CLAP", CLAP_FILES, "transformers", _clap),
    "vggish": ScorerKind("VGGish", VGGISH_FILES, "", _vggish),
    "vggish-pca": ScorerKind("VGGish", VGGISH_FILES, "", _vggish_pca),
}


def make_scorer(name: str, folder: str | os.PathLike[str]) -> EmbeddingScorer:
    """Load a scorer by name.

    Args:
        name: `clap`, `vggish`, or `vggish-pca` (VGGish with its whitening, as in the AudioSet release).
        folder: where the weights are; see `myna.envs.clap` and `myna.envs.vggish` for the files.

    Raises:
        UsageError: unknown name.
        BackendError: the weights or the `embeddings` extra are missing, or the weights do not fit.

    Example:
        >>> make_scorer("vggish", "models/vggish").embed(np.zeros((1, 16_000)), 16_000).shape  # doctest: +SKIP
        (128,)
    """
    return check_scorer(name, folder).load(Path(folder))


def check_scorer(name: str, folder: str | os.PathLike[str]) -> ScorerKind:
    """Return a scorer's kind after a quick look at all that it needs, without loading it.

    Raises:
        UsageError: unknown name.
        BackendError: a file or the `embeddings` extra is missing.
    """
    kind = SCORERS.get(name)
    if kind is None:
        raise UsageError(f"The embedding {printable(name)!r} is not known: use {', '.join(SCORERS)}.")
    if kind.needs and find_spec(kind.needs) is None:
        raise BackendError(f"{kind.title} needs the library {kind.needs}: pip install 'myna[embeddings]'.")
    missing = next((file for file in kind.files if not (Path(folder) / file).is_file()), None)
    if missing:
        where = printable(os.fspath(folder))
        raise BackendError(f"The weights of {kind.title} are not in {where}: put {missing} there.")
    return kind


def similarity(scorer: EmbeddingScorer, a: np.ndarray, b: np.ndarray, sample_rate: int) -> float:
    """Return how alike two sounds are, −1 to 1: the cosine of their embeddings.

    Raises:
        BadAudioError: see `EmbeddingScorer.embed`.
        BackendError: the network's answer is not a number.
    """
    value = cosine(scorer.embed(a, sample_rate), scorer.embed(b, sample_rate))
    if not np.isfinite(value):
        raise BackendError("The embedding of a sound is not a number: the weights are damaged, fetch them again.")
    return value


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the cosine of the angle between two vectors (D,); 0 where one of them is zero.

    >>> cosine(np.array([1.0, 0.0]), np.array([1.0, 1.0])).__round__(3)
    0.707
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.clip(a @ b / lengths, -1.0, 1.0)) if lengths != 0 else 0.0


def mono_at(samples: np.ndarray, sample_rate: int, wanted_hz: int) -> np.ndarray:
    """Return a sound's middle at another rate, float32 (T,).

    Raises:
        BadAudioError: there are no samples, or some are not finite.
    """
    mono = np.atleast_2d(np.asarray(samples, np.float32)).mean(axis=0)
    if mono.ndim != 1 or mono.size == 0 or not np.isfinite(mono).all():
        raise BadAudioError("A sound that is empty or not finite has no embedding: render again.")
    return np.asarray(soxr.resample(mono, sample_rate, wanted_hz), np.float32) if sample_rate != wanted_hz else mono
