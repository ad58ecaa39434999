"""A process of its own that compares sounds by their embeddings while the environment steps on.

`submit` copies two sounds into a bounded queue and returns; a thread hands them to the process, one pair at a
time, as raw bytes over a pipe, and waits there for the answer. Nothing a step does waits for the network.
As with everything that starts processes with `spawn`, a script's own work stands under `if __name__ == "__main__"`.

Shapes: C channels, T samples.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import threading
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from myna.envs.embedding import check_scorer
from myna.envs.embedding_process import ScoringProcess, figure_in, is_refusal, pack, reason_in
from myna.envs.loggers import Once
from myna.errors import BackendError

__all__ = ["Counts", "EmbeddingWorker", "Score"]


@dataclass(frozen=True)
class Score:
    """One answer.

    Attributes:
        key: what the pair was submitted under.
        similarity: cosine of the two embeddings, −1 to 1.
    """

    key: int
    similarity: float


@dataclass(frozen=True)
class Counts:
    """What became of the pairs so far: `submitted = scored + failed + lost + pending`.

    Attributes:
        submitted: taken into the queue.
        dropped: refused, because the queue was full or scoring is off.
        scored: answered with a figure.
        failed: the scorer could not take the sound.
        lost: in the process when it died, or still waiting when the worker was closed or gave up.
        pending: waiting or in the process.
        deaths: of the process.
    """

    submitted: int = 0
    dropped: int = 0
    scored: int = 0
    failed: int = 0
    lost: int = 0
    pending: int = 0
    deaths: int = 0


class EmbeddingWorker:
    """Scores pairs of sounds in a process of its own.

    A process that dies or does not answer in time is counted and started again, `restarts` times; after that, or
    where the weights cannot be loaded, scoring is off: said in one sentence (also in `fault`), every further pair is
    counted as dropped, and training goes on.

    Args:
        name: of the scorer, see `myna.envs.embedding.SCORERS`.
        folder: of its weights.
        capacity: pairs that may wait; a 1-s stereo pair at 44.1 kHz holds 0.7 MB.
        restarts: how many times a dead process is replaced.
        timeout_s: longest time for one pair, and for loading the weights.
        threads: CPU threads of the process; it runs at low priority.

    Raises:
        UsageError: unknown name.
        BackendError: the weights or the library are missing, or processes may not be started from here.

    Example:
        >>> with EmbeddingWorker("vggish", "models/vggish") as worker:  # doctest: +SKIP
        ...     worker.submit(0, target, render, 44_100)
        ...     worker.poll()
    """

    def __init__(
        self,
        name: str,
        folder: str | os.PathLike[str],
        *,
        capacity: int = 64,
        restarts: int = 3,
        timeout_s: float = 300.0,
        threads: int = 1,
    ) -> None:
        check_scorer(name, folder)
        if multiprocessing.current_process().daemon:
            raise BackendError("Embeddings cannot be scored inside a daemonic process: score in the main one.")
        self.fault: str | None = None
        self._start = lambda: ScoringProcess(name, os.fspath(folder), threads)
        self._capacity, self._restarts, self._timeout_s = capacity, restarts, timeout_s
        self._changed = threading.Condition()  # guards all that follows; held for moments only
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._scores: list[Score] = []
        self._counts = Counts()
        self._process: ScoringProcess | None = None
        self._closed, self._said = False, Once()
        self._thread = threading.Thread(target=self._run, name="myna-embedding", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def counts(self) -> Counts:
        """What became of the pairs so far."""
        return self._counts

    @property
    def pid(self) -> int | None:
        """The process's number; None where none runs."""
        process = self._process
        return process.pid if process else None

    @property
    def has_room(self) -> bool:
        """Whether a pair would be taken now."""
        return not self._closed and self.fault is None and len(self._waiting) < self._capacity

    def submit(self, key: int, target: np.ndarray, render: np.ndarray, sample_rate: int) -> bool:
        """Queue a pair without waiting for anything.

        Args:
            key: comes back with the score.
            target: (C, T), full scale = 1; copied.
            render: (C, T), full scale = 1; copied.
            sample_rate: Hz, of both.

        Returns:
            Whether it was taken; where not, it is counted as dropped.
        """
        message = pack(target, render, sample_rate) if self.has_room else b""
        with self._changed:
            taken = bool(message) and self.has_room
            if taken:
                self._waiting.append((int(key), message))
            self._count(submitted=taken, pending=taken, dropped=not taken)
            self._changed.notify_all()
        return taken

    def poll(self) -> list[Score]:
        """Return the scores that came since the last call, oldest first, without waiting."""
        with self._changed:
            scores, self._scores = self._scores, []
        return scores

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing is pending; return False where that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self._counts.pending == 0, timeout_s)

    def close(self, timeout_s: float = 0.0) -> None:
        """Stop the process, after what is pending or after a time, whichever comes first; harmless twice."""
        self.wait(timeout_s)
        with self._changed:
            self._closed = True
            self._give_up_waiting()
            self._changed.notify_all()
            if self._process:
                self._process.kill()  # the thread wakes, sees that it is over, and buries it
        self._thread.join()
        atexit.unregister(self.close)

    def __enter__(self) -> EmbeddingWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        """The thread's life: load the weights, then one pair after the other."""
        self._have_process()
        while (pair := self._next()) is not None:
            self._settle(pair[0], self._ask(pair[1]))
        self._drop_process()

    def _next(self) -> tuple[int, bytes] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            return self._waiting.popleft() if self._waiting else None

    def _ask(self, message: bytes) -> bytes | None:
        """Return the answer; None where the process died over it."""
        process = self._have_process()
        if process is None:
            return None
        try:
            return process.ask(message, self._timeout_s)
        except (EOFError, OSError):
            self._note_death()
            return None

    def _have_process(self) -> ScoringProcess | None:
        """Return a process with loaded weights, started where need be; None where scoring is over."""
        while self._process is None and self.fault is None and not self._closed:
            try:
                process = self._start()
                with self._changed:
                    self._process = process
                    if self._closed:
                        process.kill()
                answer = process.receive(self._timeout_s)
            except (EOFError, OSError):
                self._note_death()
            else:
                if is_refusal(answer):
                    self._turn_off(reason_in(answer))
        return self._process

    def _settle(self, key: int, answer: bytes | None) -> None:
        with self._changed:
            if answer is None:
                self._count(lost=1, pending=-1)
            elif is_refusal(answer):
                self._count(failed=1, pending=-1)
                self._said.say(f"A sound was not scored ({reason_in(answer)}); training goes on.")
            else:
                self._count(scored=1, pending=-1)
                self._scores.append(Score(key, figure_in(answer)))
            self._changed.notify_all()

    def _note_death(self) -> None:
        self._drop_process()
        if not self._closed:
            with self._changed:
                self._count(deaths=1)
            if self._counts.deaths > self._restarts:
                self._turn_off(f"its process died or hung {self._counts.deaths} times")

    def _turn_off(self, reason: str) -> None:
        self._drop_process()
        with self._changed:
            self.fault = f"Scoring by embeddings is off ({reason}); training goes on."
            self._give_up_waiting()
            self._changed.notify_all()
        Once().say(self.fault)

    def _drop_process(self) -> None:
        with self._changed:
            process, self._process = self._process, None
        if process:
            process.stop()

    def _give_up_waiting(self) -> None:
        self._count(lost=len(self._waiting), pending=-len(self._waiting))
        self._waiting.clear()

    def _count(self, **more: int) -> None:
        self._counts = replace(self._counts, **{name: getattr(self._counts, name) + n for name, n in more.items()})
