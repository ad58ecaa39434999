"""The trials of a blind listening test: which targets, in which order, which contender is A, all at one loudness.

Shapes: C channels, T samples. Units: dB; full scale = 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from myna.audio.target import normalise
from myna.errors import UsageError, printable
from myna.evaluation.listening.formats import KEY_FORMAT, KEY_VERSION
from myna.evaluation.listening.sounds import Sounds, Three
from myna.evaluation.report.clips import equal_gains_db
from myna.files import sha256_hex
from myna.seeding import generator
from myna.units import db_to_gain

__all__ = ["ListeningTest", "Trial", "draw_test", "samples_16"]


@dataclass(frozen=True)
class Trial:
    """Three sounds to compare.

    Attributes:
        id: says nothing but the place in the test.
        target: its name.
        kind: `pair`, or `trap`, where one side is the target itself.
        sides: who made A and who made B; None is the target.
        sounds: X, A and B, float32 (C, T) of one length, at the level they are played.
        gains_db: that brought them there.
    """

    id: str
    target: str
    kind: Literal["pair", "trap"]
    sides: tuple[str | None, str | None]
    sounds: Three
    gains_db: tuple[float, float, float]

    @property
    def alike(self) -> bool:
        """Whether A and B are the very same sound."""
        return np.array_equal(self.sounds[1], self.sounds[2])


@dataclass(frozen=True)
class ListeningTest:
    """A test as it was drawn.

    Attributes:
        labels: of the two contenders.
        trials: in the order in which they are heard.
        sample_rate: Hz.
        seed: that it was drawn with.
        about: where the sounds come from, as JSON.
    """

    labels: tuple[str, str]
    trials: tuple[Trial, ...]
    sample_rate: int
    seed: int
    about: Mapping[str, Any]

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits that tell tests apart, of the sounds alone: names do not go into it."""
        sounds = (samples_16(sound) for trial in self.trials for sound in trial.sounds)
        return sha256_hex("".join(sha256_hex(sound.tobytes()) for sound in sounds))[:16]

    def key(self) -> dict[str, Any]:
        """What the page hides, as JSON: who is who in each trial, and the gains."""
        return {
            "format": KEY_FORMAT,
            "version": KEY_VERSION,
            "test": self.id,
            "contenders": list(self.labels),
            "seed": self.seed,
            "about": dict(self.about),
            "trials": [_told(trial) for trial in self.trials],
        }


def _told(trial: Trial) -> dict[str, Any]:
    gains = {name: round(gain, 2) for name, gain in zip("xab", trial.gains_db, strict=True)}
    a, b = trial.sides
    return {"id": trial.id, "target": trial.target, "kind": trial.kind, "a": a, "b": b, "gains_db": gains}


def samples_16(sound: np.ndarray) -> np.ndarray:
    """A sound (C, T) as 16-bit whole numbers, rounded."""
    return np.clip(np.rint(sound * 32768.0), -32768, 32767).astype("<i2")


def draw_test(sounds: Sounds, pairs: int, traps: int, seed: int) -> ListeningTest:
    """Draw a test.

    Targets are drawn without replacement, and traps take targets that are left over as long as there are some. A coin
    for each trial says which side is A, another which contender stands beside the target in a trap.

    Args:
        sounds: to draw from.
        pairs: trials that compare the two contenders; all targets, where there are fewer.
        traps: trials in which one side is the target itself, to see who listens.
        seed: 0 or more.

    Raises:
        UsageError: a target is silent, or its sounds cannot be loaded.
    """
    rng = generator(seed, "listening")
    order = rng.permutation(len(sounds.names))
    pairs = min(pairs, len(order))
    plans: list[tuple[int, bool]] = [(int(order[i]), False) for i in range(pairs)]
    plans += [(int(order[(pairs + i) % len(order)]), True) for i in range(traps)]
    trials = tuple(
        _trial(sounds, f"t{place:02d}", *plans[int(chosen)], rng)
        for place, chosen in enumerate(rng.permutation(len(plans)), 1)
    )
    return ListeningTest(sounds.labels, trials, sounds.sample_rate, seed, sounds.about)


def _trial(sounds: Sounds, name: str, index: int, trap: bool, rng: np.random.Generator) -> Trial:
    swapped, second = rng.integers(2, size=2)
    x, *made = sounds.load(index)
    sides: list[tuple[str | None, np.ndarray]] = list(zip(sounds.labels, made, strict=True))
    if trap:
        sides = [(None, x), sides[second]]
    (a, heard_a), (b, heard_b) = reversed(sides) if swapped else sides
    if not np.abs(x).max(initial=0.0) > 0.0:
        raise UsageError(f"The target “{printable(sounds.names[index])}” is silent: there is nothing to compare with.")
    levelled, gains = _levelled((x, heard_a, heard_b), sounds.sample_rate)
    return Trial(name, sounds.names[index], "trap" if trap else "pair", (a, b), levelled, gains)


def _levelled(sounds: Three, sample_rate: int) -> tuple[Three, tuple[float, float, float]]:
    """The sounds at one loudness and of one length: -18 LUFS, or what the peaks leave room for; and the gains in dB."""
    length = max(sound.shape[1] for sound in sounds)
    x, a, b = (np.pad(sound, ((0, 0), (0, length - sound.shape[1]))) for sound in sounds)
    normal, to_norm_db = normalise(x, sample_rate)
    x_db, a_db, b_db = equal_gains_db([normal, a, b], sample_rate)
    gains = x_db + to_norm_db, a_db, b_db
    x, a, b = (sound * np.float32(db_to_gain(gain)) for sound, gain in zip((x, a, b), gains, strict=True))
    return (x, a, b), gains
