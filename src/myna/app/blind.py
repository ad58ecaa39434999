"""Blind tests that are going on: kept in this process by an unguessable id, and each vote in a file of the user's.

A reload finds its test again by the id in its address. What is sent to a page is a number of a trial and three clips:
no key, no names, no gains, no outlines. X is a clip of its own, and every clip of every trial carries noise of its own
of one 16-bit step, so that no two are alike in their bytes; who subtracts the sounds can still tell, as who listens
must be able to.

Shapes: audio (2, T), full scale = 1.
"""

from __future__ import annotations

import contextlib
import functools
import json
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from myna.app.pair import Pair
from myna.errors import MynaError
from myna.evaluation.listening.abx import Abx
from myna.files import data_dir, make_folder, write_atomic
from myna.seeding import generator

__all__ = ["COUNTS", "Blind", "Blinds", "the_blinds"]

COUNTS = (8, 10, 12, 16, 20, 25)
KEPT = 12
"""Tests in memory; each holds two sounds."""
STEP = 1.0 / 32768.0


@dataclass
class Blind:
    """A test and its two sounds as they are heard.

    Attributes:
        id: unguessable; who knows it owns the test.
        abx: the test.
        pair: what is compared, and how loud.
        sounds: A and B as they are heard.
        folder: where its record is kept.
    """

    id: str
    abx: Abx
    pair: Pair
    sounds: tuple[np.ndarray, np.ndarray]
    folder: Path
    began_s: float = field(default_factory=time.monotonic)

    @property
    def file(self) -> Path:
        """Its record: the votes so far, and the key once it is over."""
        return self.folder / f"abx-{self.id}.json"

    def is_of(self, pair: Pair) -> bool:
        """Whether it is a test of these very sounds."""
        return pair.a is self.pair.a and pair.b is self.pair.b and pair.equal == self.pair.equal

    def clips(self) -> dict[str, np.ndarray]:
        """A, B and X of the trial that waits, of one length; the same at each call."""
        longest = max(sound.shape[1] for sound in self.sounds)
        a, b = (np.pad(sound, ((0, 0), (0, longest - sound.shape[1]))) for sound in self.sounds)
        x = a if self.abx.x_is(self.abx.trial) == "A" else b
        return {key: self._veiled(key, sound) for key, sound in (("A", a), ("B", b), ("X", x))}

    def _veiled(self, key: str, sound: np.ndarray) -> np.ndarray:
        """With triangular noise of one step, as a converter's dither: at -98 dB, under what 16 bits do anyway."""
        noise = generator(self.abx.entropy, "dither", self.abx.trial, key).random((2, *sound.shape), np.float32)
        return sound + (noise[0] - noise[1]) * np.float32(STEP)

    def vote(self, said: str) -> None:
        """Take a vote, and keep it at once; one that cannot be kept does not count.

        Raises:
            MynaError: the record cannot be written, or the test is over.
        """
        self.abx.vote(said, time.monotonic() - self.began_s)
        try:
            self.keep()
        except MynaError:
            self.abx.votes.pop()
            raise

    def keep(self) -> None:
        """Write the record, which only this user can read."""
        if not self.folder.is_dir():
            make_folder(self.folder.parent)
            with contextlib.suppress(FileExistsError):
                self.folder.mkdir(mode=0o700)
        write_atomic(self.file, json.dumps(self.abx.as_json(), indent=1) + "\n")


class Blinds:
    """All tests that go on in one app; the oldest is forgotten when there are too many, and its record stays."""

    def __init__(self, kept: int = KEPT) -> None:
        """See the class."""
        self.kept = kept
        self._lock = threading.Lock()
        self._tests: dict[str, Blind] = {}

    def begin(self, pair: Pair, count: int) -> Blind:
        """Fix a test of a pair, both sounds chosen, before anything of it is heard.

        Raises:
            MynaError: its record cannot be written.
        """
        (a, gain_a), (b, gain_b) = pair.heard()
        names = tuple("" if sound is None else sound.name for sound in (pair.a, pair.b))
        about = {
            "begun_utc": datetime.now(UTC).isoformat(timespec="seconds"),
            "equal_loudness": pair.equal,
            "gains_db": [round(gain_a, 3), round(gain_b, 3)],
        }
        # The entropy is the operating system's: a seed that could be guessed or repeated would give the key away.
        abx = Abx((names[0], names[1]), count, secrets.randbits(128), about)
        blind = Blind(secrets.token_hex(16), abx, replace(pair), (a, b), data_dir() / "listening")
        blind.keep()
        with self._lock:
            self._tests[blind.id] = blind
            while len(self._tests) > self.kept:
                del self._tests[next(iter(self._tests))]
        return blind

    def find(self, name: str | None) -> Blind | None:
        """The test of that id, or None."""
        with self._lock:
            return self._tests.get(name or "")


@functools.cache
def the_blinds() -> Blinds:
    """The tests of this process, shared by all sessions."""
    return Blinds()
