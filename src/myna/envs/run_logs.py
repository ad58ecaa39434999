"""Callbacks that log figures and words: losses by step, episodes, edits and the curriculum.

Shapes: B environments.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from myna.envs.callbacks import Callback, Episode, Observed
from myna.envs.loggers import Logger
from myna.errors import printable

__all__ = ["CurriculumLog", "EditLog", "EpisodeStats", "LossTerms", "curriculum_figures", "episode_words"]

MOST_FIGURES = 64  # numbers of one curriculum's state; what comes after is left out


class LossTerms(Callback):
    """Logs the loss, its terms and the parts of the reward: means over environments and over `every` steps.

    Names: `match/loss`, `match/best_loss`, `match/loss_<term>`, `rollout/reward_<part>`, and `match/broken`, the share
    of environments whose loss is not a number; those are left out of the means.

    Args:
        logger: where they go.
        every: how many calls of `on_step` make one line.
    """

    def __init__(self, logger: Logger, every: int = 1) -> None:
        self._logger, self._every = logger, every
        self._sums: dict[str, torch.Tensor] = {}
        self._counts: dict[str, torch.Tensor] = {}
        self._calls, self._step = 0, 0

    def on_step(self, step: int, state: Observed, info: Mapping[str, Any]) -> None:
        """Add one step; nothing leaves the device before the line is full."""
        values = {"match/loss": state.loss, "match/best_loss": state.best_loss}
        values |= {f"match/loss_{name}": term for name, term in state.terms.items()}
        values |= {f"rollout/reward_{name}": part for name, part in info.get("reward_parts", {}).items()}
        for name, value in values.items():
            self._add(name, torch.as_tensor(value))
        self._add("match/broken", (~torch.isfinite(torch.as_tensor(state.loss))).double())
        self._calls, self._step = self._calls + 1, step
        if self._calls >= self._every:
            self._flush()

    def _add(self, name: str, value: torch.Tensor) -> None:
        good = torch.isfinite(value)
        total = torch.where(good, value, 0.0).double().sum()
        self._sums[name] = self._sums.get(name, 0.0) + total
        self._counts[name] = self._counts.get(name, 0) + good.sum()

    def _flush(self) -> None:
        if self._calls:
            names = list(self._sums)
            means = torch.stack([self._sums[n] for n in names]) / torch.stack([self._counts[n] for n in names])
            self._logger.scalars(self._step, dict(zip(names, means.tolist(), strict=True)))
        self._sums, self._counts, self._calls = {}, {}, 0

    def close(self) -> None:
        """Log the last, unfilled line."""
        self._flush()


class EpisodeStats(Callback):
    """Logs what the episodes that ended in a step have in common, by stage.

    Names: `rollout/stage_<n>/first_loss`, `…/best_loss`, `…/steps` (means), `…/success` (share) and
    `…/count`. Losses that are not finite are left out of the means.
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def on_episode_end(self, step: int, episodes: Sequence[Episode]) -> None:
        """Log one line per call."""
        values: dict[str, float] = {}
        for stage in sorted({episode.stage for episode in episodes}):
            ended = [episode for episode in episodes if episode.stage == stage]
            path = f"rollout/stage_{stage}"
            values[f"{path}/count"] = len(ended)
            for name in ("first_loss", "best_loss", "steps", "success"):
                values[f"{path}/{name}"] = _mean([float(getattr(episode, name)) for episode in ended])
        if values:
            self._logger.scalars(step, values)


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


class EditLog(Callback):
    """Logs the edits of one episode in so many, in words: `match/edits`.

    Args:
        logger: where they go.
        every: log every so manieth episode, counted over all environments, beginning with the first.
        most_edits: the first so many of an episode; the rest is counted.
    """

    def __init__(self, logger: Logger, every: int = 1000, most_edits: int = 40) -> None:
        self._logger, self._every, self._most = logger, every, most_edits
        self._ended = 0

    def on_episode_end(self, step: int, episodes: Sequence[Episode]) -> None:
        """Log those whose turn it is, at most one per call."""
        offset = -self._ended % self._every
        self._ended += len(episodes)
        if offset < len(episodes):
            self._logger.text(step, "match/edits", episode_words(episodes[offset], self._most))


def episode_words(episode: Episode, most_edits: int = 40) -> str:
    """An episode in words, line by line: its figures, then the first edits; the rest is counted."""
    edits = episode.edits()
    head = f"stage {episode.stage}, {episode.steps} steps, loss {episode.first_loss:.3f} → {episode.best_loss:.3f}"
    lines = [printable(edit, 200) for edit in edits[:most_edits]]
    rest = [f"… and {len(edits) - most_edits} more"] if len(edits) > most_edits else []
    return "\n".join([head, *lines, *rest])


class CurriculumLog(Callback):
    """Logs the numbers in the curriculum's state, where one changed: see `curriculum_figures`."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._last: dict[str, float] = {}

    def on_curriculum(self, step: int, state: Mapping[str, Any]) -> None:
        """Log one line, or none where all is as before."""
        numbers = curriculum_figures(state)
        if numbers and numbers != self._last:
            self._logger.scalars(step, numbers)
            self._last = numbers


def curriculum_figures(state: Mapping[str, Any]) -> dict[str, float]:
    """The first numbers of a curriculum's `state_dict()`, by `curriculum/<key>`.

    Mappings are followed, keys joined by `/`; lists, tensors and text are left out (they belong to checkpoints).
    """
    return dict(itertools.islice(_numbers("curriculum", state), MOST_FIGURES))


def _numbers(path: str, state: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in state.items():
        name = f"{path}/{key}"
        if isinstance(value, Mapping):
            yield from _numbers(name, value)
        elif isinstance(value, (bool, int, float)) and math.isfinite(value):
            yield name, float(value)
