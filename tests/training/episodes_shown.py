"""An episode to show that costs no render."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from myna.envs.callbacks import Episode, Sounds, Trail
from myna.seeding import generator
from myna.synth.serum_lite.parameters import TABLE

RATE = 44_100


def tone(hz: float, gain: float = 0.5) -> np.ndarray:
    """(2, T), louder on the left."""
    wave = np.sin(2 * np.pi * hz * np.arange(RATE // 10) / RATE).astype(np.float32)
    return gain * np.stack([wave, 0.5 * wave])


def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the time that pictures take where nobody looks at them."""
    for name in ("draw_pair", "draw_trajectory"):
        monkeypatch.setattr(f"myna.training.media.{name}", lambda *_: b"\x89PNG" + bytes(1000))


def shown_episode(best: float = 0.25, steps: int = 6, broken: bool = False) -> Episode:
    rng = generator(0, "shown")
    u = TABLE.snap(rng.random((steps + 1, len(TABLE))))
    losses = np.linspace(1.0, best, steps + 1)
    sound = np.full_like(tone(440), np.nan) if broken else tone(440, 0.3)
    sounds = functools.partial(Sounds, tone(330), tone(220), sound, RATE)
    words = [f"raised knob {i}: loss −0.01" for i in range(steps)]
    terms = {"log_mel": 0.2, "mfcc": 0.05, "dc": 0.0}
    return Episode(0, 6, steps, 1.0, best, False, sounds, lambda: words, Trail(TABLE, u, losses, u[-1]), terms)
