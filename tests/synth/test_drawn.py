"""What the panel draws is what the voice does."""

from __future__ import annotations

import numpy as np
import pytest

from myna.presets.generator import UniformPrior
from myna.seeding import generator
from myna.synth.drawn import (
    envelope_levels,
    filter_response_db,
    lfo_levels,
    sub_cycle,
    wavetable_cycle,
)
from myna.synth.serum_lite.envelope import envelope
from myna.synth.serum_lite.filter import damping
from myna.synth.serum_lite.lfo import lfo_shape
from myna.synth.serum_lite.parameters import FILTER_TYPES, LFO_SHAPES, TABLE, WAVETABLES
from myna.synth.serum_lite.wavetables import FRAMES, frame

DRAWS = TABLE.decode(UniformPrior(TABLE).sample(40, generator(0, "drawn")))
TIMES_S = np.linspace(0.0, 6.0, 97)


@pytest.mark.parametrize("module", ["env_1", "env_2", "env_3"])
def test_an_envelope_is_drawn_as_the_voice_runs_it(module: str) -> None:
    for row in DRAWS:
        heard = [envelope(row, TABLE.index[f"{module}.delay_s"], t, 1.3) for t in TIMES_S]
        np.testing.assert_allclose(envelope_levels(TABLE.to_dict(row), module, TIMES_S, 1.3), heard, atol=1e-9)


def test_times_of_nothing_are_drawn_as_jumps() -> None:
    row = TABLE.from_dict({f"env_1.{name}_s": 0.0 for name in ("attack", "decay", "release")} | {"env_1.sustain": 0.5})
    times_s = np.array([0.0, 0.01, 0.99, 1.0, 1.01])
    heard = [envelope(row, TABLE.index["env_1.delay_s"], t, 1.0) for t in times_s]
    np.testing.assert_allclose(envelope_levels(TABLE.to_dict(row), "env_1", times_s, 1.0), heard)


@pytest.mark.parametrize("shape", LFO_SHAPES[:-1])
def test_an_lfo_is_drawn_as_the_voice_runs_it(shape: str) -> None:
    values = {"lfo_1.shape": shape, "lfo_1.rate_hz": 1.7, "lfo_1.phase": 0.3, "lfo_1.rise_s": 0.0}
    heard = [lfo_shape(LFO_SHAPES.index(shape), 0.3 + 1.7 * t, np.uint32(0)) for t in TIMES_S]
    np.testing.assert_allclose(lfo_levels(values, "lfo_1", TIMES_S), heard, atol=1e-9)


def test_sample_and_hold_is_drawn_in_steps_that_last_a_cycle_and_rises_with_the_fade() -> None:
    values = {"lfo_2.shape": "sample_hold", "lfo_2.rate_hz": 2.0, "lfo_2.phase": 0.0, "lfo_2.rise_s": 0.0}
    drawn = lfo_levels(values, "lfo_2", np.array([0.0, 0.49, 0.5, 0.99, 1.0]))
    assert drawn[0] == drawn[1] and drawn[2] == drawn[3] and len(set(drawn)) == 3
    faded = lfo_levels(values | {"lfo_2.rise_s": 1.0}, "lfo_2", np.array([0.0, 0.49]))
    np.testing.assert_allclose(faded, drawn[:2] * [0.0, 0.49])


@pytest.mark.parametrize("kind", FILTER_TYPES)
@pytest.mark.parametrize("slope", ["12_db", "24_db"])
def test_the_filter_is_drawn_with_the_dampings_of_the_voice(kind: str, slope: str) -> None:
    values = {"filter.type": kind, "filter.slope": slope, "filter.cutoff_hz": 1000.0, "filter.resonance": 0.6}
    stages = (0,) if slope == "12_db" else (0, 1)
    at_cutoff = 1.0
    for stage in stages:
        k = float(damping(0.6, len(stages) - 1, stage))
        at_cutoff *= {"low_pass": 1 / k, "high_pass": 1 / k, "band_pass": 1.0, "notch": 0.0}[kind]
    drawn = filter_response_db(values | {"filter.mix": 1.0}, np.array([1000.0]))[0]
    assert drawn == pytest.approx(max(20 * np.log10(max(at_cutoff, 1e-12)), -120.0), abs=1e-4)
    assert filter_response_db(values | {"filter.mix": 0.0}, np.array([50.0]))[0] == pytest.approx(0.0)


@pytest.mark.parametrize("table", WAVETABLES)
def test_an_oscillator_is_drawn_as_its_frames_stand_and_half_way_between_them(table: str) -> None:
    for place in (0, 7, FRAMES - 1):
        drawn = wavetable_cycle({"osc_a.table": table, "osc_a.position": place / (FRAMES - 1)}, "osc_a")
        stored = frame(table, place, 9)
        np.testing.assert_allclose(drawn, stored[:: len(stored) // 200], atol=1e-6)
    assert np.isfinite(wavetable_cycle({"osc_a.table": table, "osc_a.position": 0.5}, "osc_a")).all()


def test_the_sub_is_drawn_with_its_shape() -> None:
    sine, square = (sub_cycle({"sub.shape": shape}) for shape in ("sine", "square"))
    crest = [float(np.abs(c).max() / np.sqrt(np.mean(c**2))) for c in (sine, square)]
    assert crest[0] == pytest.approx(np.sqrt(2), abs=0.01) and crest[1] < 1.35
