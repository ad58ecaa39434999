"""The callback that has ended episodes scored by their embeddings and logs what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from myna.envs.callbacks import Callback, Episode, Observed
from myna.envs.embedding_worker import EmbeddingWorker
from myna.envs.loggers import Logger

__all__ = ["EmbeddingLog"]

COUNTED = ("dropped", "failed", "lost", "deaths")


class EmbeddingLog(Callback):
    """Logs how alike the best renders of ended episodes are to their targets.

    Names: `match/embedding/<scorer>`, the mean cosine of what came back since the last line, and
    `match/embedding/dropped`, `…/failed`, `…/lost` and `…/deaths`, counts since the start. A line is written
    where a score came or a count changed, some time after the episode: its step is that of the writing.

    Args:
        worker: does the scoring; `close` closes it.
        name: of the scorer, for the names.
        logger: where they go.
        every: score every so manieth episode, counted over all environments.
        patience_s: how long `close` waits for what is pending.
    """

    def __init__(
        self, worker: EmbeddingWorker, name: str, logger: Logger, every: int = 1, patience_s: float = 10.0
    ) -> None:
        self._worker, self._name, self._logger = worker, name, logger
        self._every, self._patience_s = every, patience_s
        self._ended, self._unrendered = 0, 0
        self._step, self._last = 0, dict.fromkeys((f"match/embedding/{kind}" for kind in COUNTED), 0.0)

    def on_episode_end(self, step: int, episodes: Sequence[Episode]) -> None:
        """Submit those whose turn it is; where the queue is full they are not even rendered."""
        for number, episode in enumerate(episodes, self._ended):
            if number % self._every == 0:
                self._submit(number, episode)
        self._ended += len(episodes)

    def _submit(self, number: int, episode: Episode) -> None:
        if self._worker.has_room:
            sounds = episode.sounds()
            self._worker.submit(number, sounds.target, sounds.best, sounds.sample_rate)
        else:
            self._unrendered += 1

    def on_step(self, step: int, state: Observed, info: Mapping[str, Any]) -> None:
        """Log what came back, if anything did."""
        self._step = step
        self._log()

    def _log(self) -> None:
        counts = asdict(self._worker.counts)
        counts["dropped"] += self._unrendered
        values = {f"match/embedding/{kind}": float(counts[kind]) for kind in COUNTED}
        scores = [score.similarity for score in self._worker.poll()]
        mean = {f"match/embedding/{self._name}": sum(scores) / len(scores)} if scores else {}
        if mean or values != self._last:
            self._logger.scalars(self._step, mean | values)
            self._last = values

    def close(self) -> None:
        """Wait a while for what is pending, log it, and stop the process."""
        self._worker.close(self._patience_s)
        self._log()
