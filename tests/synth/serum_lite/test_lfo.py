"""The LFOs: rate, shape, phase, rise and retrigger, heard as a tremolo."""

from __future__ import annotations

import numpy as np
import pytest
from tests.synth.measure import BLOCK_S, RATE, frequency_hz, play

RATE_ERROR = 1e-3  # promised
SHAPES = ("sine", "triangle", "saw", "square", "sample_hold")


def swing(settings: dict, lfo: str = "lfo_1", seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    """The LFO's course, -1 to 1, (T,): it moves a sine's level about a half; a quarter-cycle twin gives the level."""
    tremolo = {
        "osc_a.table": "sine_harmonics", "osc_a.position": 0.0, "osc_a.level": 0.5, "matrix.source_1": lfo,
        "matrix.destination_1": "osc_a.level", "matrix.amount_1": 0.4,
    }  # fmt: skip
    twins = (tremolo | settings | {"osc_a.phase": phase} for phase in (0.0, 0.25))
    moved = np.hypot(*play(*twins, note=84, seconds=seconds, seed=seed)[:, 0])
    still = np.hypot(
        *play(*({**tremolo, "matrix.amount_1": 0.0, "osc_a.phase": p} for p in (0.0, 0.25)), note=84)[:, 0]
    )
    return (moved / still[RATE // 2] - 1.0) * 0.5 / 0.4


def shape(name: str, cycles: np.ndarray) -> np.ndarray:
    phase = cycles % 1.0
    return {
        "sine": np.sin(2 * np.pi * phase),
        "triangle": 2 / np.pi * np.arcsin(np.sin(2 * np.pi * phase)),
        "saw": 2 * phase - 1,
        "square": np.where(phase < 0.5, 1.0, -1.0),
    }[name]


@pytest.mark.parametrize("lfo", ["lfo_1", "lfo_2"])
@pytest.mark.parametrize("rate_hz", [0.5, 2.0, 7.3, 30.0])
def test_the_rate_is_right_within_a_thousandth(lfo: str, rate_hz: float) -> None:
    """Over 20 s; measured 1e-6."""
    course = swing({f"{lfo}.rate_hz": rate_hz, f"{lfo}.shape": "sine"}, lfo, seconds=20.0)
    assert frequency_hz(course, rate_hz) == pytest.approx(rate_hz, rel=RATE_ERROR)


def test_the_slowest_lfo_keeps_its_rate() -> None:
    """One cycle of 0.05 Hz takes 20 s: where the sine comes back through zero."""
    course = swing({"lfo_1.rate_hz": 0.05, "lfo_1.shape": "sine"}, seconds=21.0)
    back = np.flatnonzero((course[:-1] < 0) & (course[1:] >= 0))[-1] / RATE
    assert back == pytest.approx(20.0, rel=RATE_ERROR)


@pytest.mark.parametrize("name", ["sine", "triangle", "saw", "square"])
@pytest.mark.parametrize("lfo", ["lfo_1", "lfo_2"])
@pytest.mark.parametrize("phase", [0.0, 0.3])
def test_a_shape_is_its_formula_within_one_block(lfo: str, name: str, phase: float) -> None:
    rate_hz = 3.0
    course = swing({f"{lfo}.rate_hz": rate_hz, f"{lfo}.shape": name, f"{lfo}.phase": phase}, lfo)[64:]
    t = np.arange(64, 64 + len(course)) / RATE
    around = np.stack([shape(name, phase + rate_hz * (t + dt)) for dt in np.linspace(-BLOCK_S, BLOCK_S, 33)])
    assert (course > around.min(axis=0) - 0.01).all()
    assert (course < around.max(axis=0) + 0.01).all()


def test_sample_and_hold_draws_one_level_per_cycle() -> None:
    rate_hz = 10.0
    course = swing({"lfo_1.rate_hz": rate_hz, "lfo_1.shape": "sample_hold"}, seconds=4.0)
    cycles = np.floor(np.arange(len(course)) / RATE * rate_hz)
    levels = []
    for cycle in range(40):
        inside = course[cycles == cycle][128:-128]
        assert np.ptp(inside) < 1e-3
        levels.append(inside.mean())
    assert -1.0 <= min(levels) < -0.6 < 0.6 < max(levels) <= 1.0
    assert len(np.unique(np.round(levels, 3))) > 35


@pytest.mark.parametrize("rise_s", [0.25, 1.0])
def test_rise_fades_the_lfo_in_linearly(rise_s: float) -> None:
    settings = {"lfo_1.rate_hz": 5.0, "lfo_1.shape": "sine"}
    faded, full = swing(settings | {"lfo_1.rise_s": rise_s}), swing(settings)
    fade = np.minimum(np.arange(len(full)) / RATE / rise_s, 1.0)
    assert np.abs(faded - fade * full)[64:].max() < 0.02  # the amplifier opens over the first block


def test_a_retriggered_lfo_starts_at_its_phase_whatever_the_seed() -> None:
    settings = {"lfo_1.rate_hz": 3.0, "lfo_1.retrigger": True, "lfo_1.phase": 0.2}
    assert np.array_equal(swing(settings, seed=1), swing(settings, seed=2))


def test_a_free_lfo_starts_where_the_seed_says() -> None:
    settings = {"lfo_1.rate_hz": 3.0, "lfo_1.retrigger": False}
    starts = [swing(settings, seconds=1.0, seed=s) for s in range(12)]
    assert np.array_equal(starts[3], swing(settings, seconds=1.0, seed=3))
    first = np.array([s[64] for s in starts])
    assert first.min() < -0.3 < 0.3 < first.max()


def test_the_two_lfos_run_free_of_each_other() -> None:
    free = {f"lfo_{k}.{knob}": v for k in (1, 2) for knob, v in (("rate_hz", 3.0), ("retrigger", False))}
    assert np.abs(swing(free, "lfo_1") - swing(free, "lfo_2")).max() > 0.1


@pytest.mark.parametrize("lfo", ["lfo_1", "lfo_2"])
def test_the_matrix_moves_the_rate_by_four_octaves_at_full_depth(lfo: str) -> None:
    """An eighth of velocity 127: half an octave, that is the square root of two."""
    speed = {"matrix.source_2": "velocity", "matrix.destination_2": f"{lfo}.rate", "matrix.amount_2": 0.125 * 127 / 100}
    course = swing({f"{lfo}.rate_hz": 4.0, f"{lfo}.shape": "sine"} | speed, lfo, seconds=10.0)
    assert frequency_hz(course, 4.0 * 2**0.5) == pytest.approx(4.0 * 2**0.5, rel=RATE_ERROR)
