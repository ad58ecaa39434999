"""Both ends of the pipe between a run and the process that scores embeddings for it.

A request is a header and two sounds as raw float32; an answer is `+` and a float64, or `-` and a sentence.
Raw bytes only: nothing is pickled on the way.

Shapes: C channels, T samples.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import struct
from multiprocessing.connection import Connection, wait

import numpy as np

from myna.envs.embedding import EmbeddingScorer, make_scorer, similarity
from myna.errors import MynaError, printable

__all__ = ["ScoringProcess", "figure_in", "is_refusal", "pack", "reason_in", "unpack"]

HEADER = struct.Struct("<5I")  # rate, then channels and samples of both sounds
FIGURE = struct.Struct("<d")
YES, NO = b"+", b"-"
NICENESS = 10  # a figure to watch must not slow down the renders


def pack(target: np.ndarray, render: np.ndarray, sample_rate: int) -> bytes:
    """Return a request: two sounds (C, T) and their rate in Hz; this is the copy that makes them safe to reuse."""
    sounds = [np.ascontiguousarray(np.atleast_2d(sound), "<f4") for sound in (target, render)]
    return b"".join([HEADER.pack(sample_rate, *sounds[0].shape, *sounds[1].shape), *map(np.ndarray.tobytes, sounds)])


def unpack(message: bytes) -> tuple[np.ndarray, np.ndarray, int]:
    """Return what was packed: both sounds (C, T), read-only, and their rate in Hz."""
    rate, channels, samples, *_ = shape = HEADER.unpack_from(message)
    values = np.frombuffer(message, "<f4", offset=HEADER.size)
    first = channels * samples
    return values[:first].reshape(channels, samples), values[first:].reshape(shape[3:]), rate


def is_refusal(answer: bytes) -> bool:
    """Tell whether an answer is a sentence and not a figure."""
    return answer[:1] == NO


def reason_in(answer: bytes) -> str:
    """Return the sentence of a refusal, without its full stop."""
    return answer[1:].decode("utf-8").rstrip(".")


def figure_in(answer: bytes) -> float:
    """Return the figure of an answer that is none."""
    return FIGURE.unpack(answer[1:])[0]


class ScoringProcess:
    """One process and our end of its pipe; it loads the weights at once and then says so (`receive`).

    Args:
        name: of the scorer.
        folder: of its weights.
        threads: of the CPU.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, name: str, folder: str, threads: int) -> None:
        spawn = multiprocessing.get_context("spawn")  # a fork would copy the locks of numba's and torch's threads
        self._link, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, name, folder, threads), daemon=True)
        try:
            self._process.start()
        except BaseException:
            self._link.close()
            raise
        finally:
            theirs.close()
        self.pid = self._process.pid

    def ask(self, message: bytes, timeout_s: float) -> bytes:
        """Send a request and return the answer: see `receive`."""
        self._link.send_bytes(message)
        return self.receive(timeout_s)

    def receive(self, timeout_s: float) -> bytes:
        """Return the next answer.

        Raises:
            EOFError: the process died, or took longer than that.
            OSError: it died while sending.
        """
        # The sentinel as well as the pipe: a fork elsewhere in the run may hold a copy of the pipe's other end.
        if self._link not in wait([self._link, self._process.sentinel], timeout_s):
            raise EOFError
        return self._link.recv_bytes()

    def kill(self) -> None:
        """End the process now; may be called from another thread."""
        self._process.kill()

    def stop(self) -> None:
        """End the process and leave nothing of it behind."""
        self._link.close()
        self._process.kill()
        self._process.join()
        self._process.close()


def _serve(link: Connection, name: str, folder: str, threads: int) -> None:
    """The process: load, then answer until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the run decides what it means
    os.nice(NICENESS)
    with contextlib.suppress(EOFError, ConnectionError):  # the run is over
        try:
            scorer = _load(name, folder, threads)
        except Exception as error:
            link.send_bytes(NO + _sentence(error))
            return
        link.send_bytes(YES)
        while True:
            link.send_bytes(_answer(scorer, link.recv_bytes()))


def _load(name: str, folder: str, threads: int) -> EmbeddingScorer:
    import torch

    torch.set_num_threads(threads)
    return make_scorer(name, folder)


def _answer(scorer: EmbeddingScorer, message: bytes) -> bytes:
    try:
        return YES + FIGURE.pack(similarity(scorer, *unpack(message)))
    except Exception as error:
        return NO + _sentence(error)


def _sentence(error: Exception) -> bytes:
    text = str(error) if isinstance(error, MynaError) else f"{type(error).__name__}: {error}"
    return printable(" ".join(text.split()), 300).encode("utf-8")
