"""Any point of the parameter space makes a finite, bounded sound, and none stalls on denormals."""

from __future__ import annotations

import time

import numpy as np
import pytest
from tests.synth.measure import normalised, presets

from myna import seeding
from myna.presets.generator import UniformPrior
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.parameters import TABLE

BOUND = 2.0  # what the master's soft limit guarantees
SMALLEST_NORMAL = np.finfo(np.float32).tiny
PROBES = [Probe(21.0, 127.0, 0.1, 0.3), Probe(60.0, 80.0, 0.2, 0.4), Probe(108.0, 1.0, 0.25, 0.25)]
STALL = 10.0  # a preset's CPU time over the median; the dearest of 20,000 measures 2.5 to 2.9


def assert_sound(sound: np.ndarray) -> None:
    size = np.abs(sound)
    assert np.isfinite(sound).all()
    assert size.max() <= BOUND
    assert np.count_nonzero((size > 0) & (size < SMALLEST_NORMAL)) == 0


def draw(count: int, seed: int) -> np.ndarray:
    """Uniform presets (count, P), every other one without the delay that would let it begin after the probe's end."""
    u = presets(UniformPrior, count, seeding.generator(seed, "fuzz"))
    u[::2, TABLE.index["env_1.delay_s"]] = 0.0
    return u


def test_2000_uniform_presets_at_three_notes_are_finite_and_bounded() -> None:
    renderer = Renderer()
    for part in np.array_split(draw(2_000, seed=0), 10):
        sounds = renderer.render(part, PROBES)
        assert_sound(sounds)
        assert sounds.any(axis=(1, 2, 3)).mean() > 0.6


@pytest.mark.parametrize("rate", [8_000, 22_050, 192_000])
def test_other_sample_rates_are_finite_and_bounded_too(rate: int) -> None:
    u = presets(UniformPrior, 60, seeding.generator(0, "fuzz", rate))
    assert_sound(Renderer(sample_rate=rate).render(u, PROBES))


def test_corners_of_the_parameter_space_are_finite_and_bounded() -> None:
    """Every knob at one of its ends."""
    corners = seeding.generator(0, "corners").integers(0, 2, (300, len(TABLE))).astype(float)
    assert_sound(
        Renderer().render(np.concatenate([corners, np.zeros((1, len(TABLE))), np.ones((1, len(TABLE)))]), PROBES)
    )


def test_tails_fade_to_exact_silence() -> None:
    """After a click of a note, with the shortest tails: zeros at the end, and nothing denormal on the way."""
    short = {"env_1.release_s": 0.01, "osc_a.level": 1.0}
    effects = [
        {"delay.on": True, "delay.time_s": 0.02, "delay.feedback": 0.3},
        {"reverb.on": True, "reverb.decay_s": 0.2},
        {"chorus.on": True, "chorus.feedback": 0.2},
        {"filter.on": True, "filter.resonance": 1.0},
        {"distortion.on": True, "distortion.type": "tube"},
        {"eq.on": True, "eq.low_db": 15.0, "eq.low_hz": 40.0},
    ]
    sounds = Renderer().render(normalised(*(short | fx for fx in effects)), Probe(60, 100, 0.05, 4.0))
    assert_sound(sounds)
    assert not sounds[..., -4410:].any()


@pytest.mark.soak
def test_20000_uniform_presets_at_three_notes_are_finite_bounded_and_never_stall() -> None:
    """One at a time and timed: a preset whose CPU time is far beyond the median runs on denormals."""
    u = draw(20_000, seed=1)
    renderer = Renderer(threads=1)
    renderer.render(u[:1], PROBES)

    def seconds(row: np.ndarray) -> float:
        start = time.thread_time()
        assert_sound(renderer.render(row[None], PROBES))
        return time.thread_time() - start

    spent = np.array([seconds(row) for row in u])
    # The machine's own hiccups do not come back: the dearest are timed again.
    dearest = max(min(seconds(u[i]) for _ in range(3)) for i in np.argsort(spent)[-50:]) / np.median(spent)
    print(f"20,000 presets × 3 notes: {spent.sum():.0f} s CPU, dearest {dearest:.1f} × the median")
    assert dearest < STALL
