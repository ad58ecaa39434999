"""Priors over presets: the way people make them, and uniformly; both can leave silence out.

Each draw has its own child generator, so that draw i does not depend on how many are drawn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from myna.errors import MynaError, UsageError
from myna.params import ParameterTable
from myna.presets.draw import draw_settings
from myna.presets.styles import STYLES

__all__ = ["MAX_TRIES", "SILENT_DB", "MusicalPrior", "UniformPrior", "audible"]

Render = Callable[[np.ndarray], np.ndarray]
SILENT_DB = -45.0
"""A render whose loudest tenth stays below this RMS level (dBFS) is silence."""
MAX_TRIES = 64
_BATCH = 128


class _Prior(ABC):
    """What the two priors share: rows of a table, each drawn from its own generator."""

    def __init__(self, table: ParameterTable) -> None:
        self.table = table

    @abstractmethod
    def _draw(self, generators: list[np.random.Generator]) -> np.ndarray:
        """One preset from each generator, (n, P) normalised."""

    def sample(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Draw (count, P) normalised, canonical presets."""
        return self.sample_each(generator.spawn(count))

    def sample_audible(self, count: int, generator: np.random.Generator, render: Render) -> np.ndarray:
        """As `sample`, silent draws drawn again.

        Args:
            count: presets wanted.
            generator: root of the draws.
            render: u (n, P) → audio (n, …, T); called with at most 128 rows at a time.

        Raises:
            MynaError: a row is still silent after MAX_TRIES draws.
        """
        children = generator.spawn(count)
        u = self.sample_each(children)
        silent = list(range(count))
        for _ in range(MAX_TRIES):
            batches = [silent[i : i + _BATCH] for i in range(0, len(silent), _BATCH)]
            silent = [
                row for rows in batches for row, heard in zip(rows, audible(render(u[rows])), strict=True) if not heard
            ]
            if not silent:
                return u
            u[silent] = self.sample_each([children[row] for row in silent])
        raise MynaError(f"{len(silent)} of {count} presets stayed silent after {MAX_TRIES} draws.")

    def sample_each(self, generators: list[np.random.Generator]) -> np.ndarray:
        """Draw one normalised, canonical preset from each generator, (n, P)."""
        return self.table.canonical(np.reshape(self._draw(generators), (len(generators), len(self.table))))


class UniformPrior(_Prior):
    """Uniform in u, discrete knobs at bin centres, canonical.

    Args:
        table: the synth's parameters.
    """

    def _draw(self, generators: list[np.random.Generator]) -> np.ndarray:
        return np.array([generator.random(len(self.table)) for generator in generators])


class MusicalPrior(_Prior):
    """Presets the way people make them: a category's habits, few modules at once, a sparse matrix.

    Args:
        table: Serum-lite's parameters.
        category: one of STYLES; each draw picks its own where absent.

    Raises:
        UsageError: people have no habits in that category.
    """

    def __init__(self, table: ParameterTable, category: str | None = None) -> None:
        """See the class."""
        super().__init__(table)
        if category is not None and category not in STYLES:
            raise UsageError(f"There is no category '{category}' to draw from; choose one of {', '.join(STYLES)}.")
        self.category = category

    def _draw(self, generators: list[np.random.Generator]) -> np.ndarray:
        values = [self.table.from_dict(self._settings(generator)) for generator in generators]
        return self.table.encode(np.reshape(values, (len(values), len(self.table))))

    def _settings(self, generator: np.random.Generator) -> dict[str, Any]:
        categories = tuple(STYLES)
        category = self.category or categories[generator.integers(len(categories))]
        return draw_settings(STYLES[category], generator)


def audible(audio: np.ndarray) -> np.ndarray:
    """Which renders are more than silence, (n,) bool.

    A tenth of the render decides, so that a short drum in a long render counts as sound.

    Args:
        audio: (n, …, T), full scale = 1; what is not finite counts as silence.
    """
    audio = np.asarray(audio, np.float32)
    block = max(1, audio.shape[-1] // 10)
    whole = audio[..., : audio.shape[-1] // block * block].reshape(len(audio), -1, audio.shape[-1] // block, block)
    power = np.vecdot(whole, whole).mean(axis=1) / block
    return power.max(axis=1) > 10.0 ** (SILENT_DB / 10.0)
