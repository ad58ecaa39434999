"""The filter against the analytic curve, through the whole engine: a saw's partials with and without it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.synth.measure import BRIGHT_HZ, RATE, db, harmonic_amplitudes, hz_of, play, rms, spectrum

from myna.synth.serum_lite.filter import damping, filter_block, prewarp
from myna.synth.serum_lite.memory import BLOCK

CUTOFF_ERROR = 0.03  # promised: of the -3 dB point of the Butterworth setting
SLOPE_ERROR_DB = 1.0  # promised: per octave
CURVE_ERROR_DB = 0.1  # measured: 0.02 dB
NOTE = 24
SAW = {"osc_a.table": "basic_shapes", "osc_a.position": 2 / 3}
BUTTERWORTH = {"12_db": (np.sqrt(2.0),), "24_db": (1.8477591, 0.7653669)}


def response(settings: dict, note: float = NOTE) -> tuple[np.ndarray, np.ndarray]:
    """(frequencies, gains) of the filter at each partial of a saw up to 16 kHz."""
    samples = 1 << 17
    off = SAW | {"filter.on": False}
    on = SAW | {"filter.on": True, "filter.resonance": 0.0} | settings
    waves = play(off, on, note=note, seconds=(samples + 8192) / RATE)[:, 0, -samples:]
    dry, wet = (harmonic_amplitudes(spectrum(wave), hz_of(note), BRIGHT_HZ) for wave in waves)
    return hz_of(note) * np.arange(1, len(dry) + 1), wet / dry


def analytic(kind: str, dampings: tuple[float, ...], cutoff_hz: float, hz: np.ndarray) -> np.ndarray:
    """Gain of state-variable stages of those dampings, frequencies as the bilinear transform bends them."""
    s = 1j * np.tan(np.pi * hz / RATE) / np.tan(np.pi * cutoff_hz / RATE)
    top = {
        "low_pass": lambda k: 1,
        "high_pass": lambda k: s * s,
        "band_pass": lambda k: k * s,
        "notch": lambda k: 1 + s * s,
    }
    gains = [np.abs(top[kind](k) / (s * s + k * s + 1)) for k in dampings]
    return np.prod(gains, axis=0)


def crossing(hz: np.ndarray, gain_db: np.ndarray, level_db: float) -> float:
    """The first frequency at which the gain passes a level, interpolated."""
    at = int(np.flatnonzero(np.diff(np.sign(gain_db - level_db)))[0])
    way = (level_db - gain_db[at]) / (gain_db[at + 1] - gain_db[at])
    return float(hz[at] * (hz[at + 1] / hz[at]) ** way)


@pytest.mark.parametrize("slope", ["12_db", "24_db"])
@pytest.mark.parametrize("kind", ["low_pass", "high_pass", "band_pass", "notch"])
@pytest.mark.parametrize("cutoff_hz", [150.0, 1_000.0, 6_000.0, 15_000.0])
def test_the_response_is_the_analytic_one(kind: str, slope: str, cutoff_hz: float) -> None:
    hz, gain = response({"filter.type": kind, "filter.slope": slope, "filter.cutoff_hz": cutoff_hz})
    wanted = analytic(kind, BUTTERWORTH[slope], cutoff_hz, hz)
    heard = wanted > 1e-3  # below it a partial sinks into its neighbours' rounding
    assert heard.sum() > 4
    assert np.abs(db(gain[heard] / wanted[heard])).max() < CURVE_ERROR_DB


@pytest.mark.parametrize("slope", ["12_db", "24_db"])
@pytest.mark.parametrize("kind", ["low_pass", "high_pass"])
@pytest.mark.parametrize("cutoff_hz", [250.0, 1_000.0, 4_000.0, 12_000.0])
def test_the_cutoff_is_3_db_down_where_it_says(kind: str, slope: str, cutoff_hz: float) -> None:
    hz, gain = response({"filter.type": kind, "filter.slope": slope, "filter.cutoff_hz": cutoff_hz})
    assert crossing(hz, db(gain), -10 * np.log10(2)) == pytest.approx(cutoff_hz, rel=CUTOFF_ERROR)


@pytest.mark.parametrize("slope", ["12_db", "24_db"])
@pytest.mark.parametrize("kind", ["low_pass", "high_pass"])
def test_the_slope_is_12_or_24_db_per_octave(kind: str, slope: str) -> None:
    """Over the octave that begins two octaves beyond the cutoff."""
    cutoff_hz, edge = (500.0, 2_000.0) if kind == "low_pass" else (4_000.0, 500.0)
    hz, gain = response({"filter.type": kind, "filter.slope": slope, "filter.cutoff_hz": cutoff_hz})
    near, far = np.interp([edge, 2 * edge], hz, db(gain))
    assert abs(far - near) == pytest.approx(float(slope[:2]), abs=SLOPE_ERROR_DB)


@pytest.mark.parametrize("cutoff_hz", [300.0, 1_000.0, 5_000.0])
def test_the_band_pass_peaks_and_the_notch_vanishes_at_the_cutoff(cutoff_hz: float) -> None:
    hz, band = response({"filter.type": "band_pass", "filter.slope": "12_db", "filter.cutoff_hz": cutoff_hz})
    near = np.abs(hz - cutoff_hz) < 0.3 * cutoff_hz
    centre = -np.polyfit(np.log(hz[near]), db(band[near]), 2)
    assert np.exp(-centre[1] / (2 * centre[0])) == pytest.approx(cutoff_hz, rel=CUTOFF_ERROR)
    # Each side of a notch is straight in |f/c - c/f|: where the two lines cross is its centre.
    hz, notch = response({"filter.type": "notch", "filter.slope": "12_db", "filter.cutoff_hz": cutoff_hz})
    signed = np.where(hz < cutoff_hz, notch, -notch)
    near = np.abs(hz - cutoff_hz) < 0.2 * cutoff_hz
    assert np.interp(0.0, -signed[near], hz[near]) == pytest.approx(cutoff_hz, rel=CUTOFF_ERROR)


@pytest.mark.parametrize(("keytrack", "note"), [(1.0, 36.0), (0.5, 36.0), (1.0, 48.0), (0.25, 24.0), (0.0, 36.0)])
def test_keytrack_moves_the_cutoff_with_the_note(keytrack: float, note: float) -> None:
    """The stated cutoff holds at MIDI note 60."""
    settings = {"filter.type": "low_pass", "filter.cutoff_hz": 6_000.0, "filter.keytrack": keytrack}
    hz, gain = response(settings, note)
    wanted = 6_000.0 * 2 ** (keytrack * (note - 60) / 12)
    assert crossing(hz, db(gain), -10 * np.log10(2)) == pytest.approx(wanted, rel=CUTOFF_ERROR)


@pytest.mark.parametrize("slope", ["12_db", "24_db"])
@pytest.mark.parametrize("resonance", [0.3, 0.7, 1.0])
def test_resonance_lifts_the_cutoff_as_the_damping_says(slope: str, resonance: float) -> None:
    cutoff_hz = float(16 * hz_of(NOTE))  # upon a partial, where the peak is
    hz, gain = response({"filter.slope": slope, "filter.cutoff_hz": cutoff_hz, "filter.resonance": resonance})
    stages = range(1 if slope == "12_db" else 2)
    dampings = tuple(float(damping(resonance, len(stages) - 1, stage)) for stage in stages)
    wanted = analytic("low_pass", dampings, cutoff_hz, hz)
    heard = wanted > 1e-3
    assert np.abs(db(gain[heard] / wanted[heard])).max() < CURVE_ERROR_DB
    if resonance == 1.0:
        assert np.argmax(gain) == 15
        assert db(gain[15]) > 30.0  # measured 34 and 35 dB


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
@pytest.mark.parametrize("slope", ["12_db", "24_db"])
@pytest.mark.parametrize("kind", ["low_pass", "high_pass", "band_pass", "notch"])
def test_the_filter_stays_bounded_at_full_resonance_under_a_wild_cutoff(kind: str, slope: str, rate: int) -> None:
    settings = {
        "noise.on": True, "noise.level": 1.0, "filter.on": True, "filter.type": kind, "filter.slope": slope,
        "filter.resonance": 1.0, "filter.cutoff_hz": 600.0, "lfo_1.rate_hz": 30.0, "lfo_1.shape": "sample_hold",
        "matrix.source_1": "lfo_1", "matrix.destination_1": "filter.cutoff", "matrix.amount_1": 1.0,
    }  # fmt: skip
    sound = play(SAW | settings, seconds=1.0, rate=rate)
    assert np.isfinite(sound).all()
    # Measured at most 1.0; the input's RMS is 0.05, and a stage lifts its cutoff fifty-fold.
    assert 0.0 < np.abs(sound).max() < 2.0


def test_a_ringing_filter_decays_to_exact_zero() -> None:
    """Direct: an impulse, then silence; the state is flushed before it becomes denormal."""
    left, right = np.zeros(BLOCK, np.float32), np.zeros(BLOCK, np.float32)
    state, scratch = np.zeros(8, np.float32), np.zeros((8, BLOCK), np.float32)
    g = prewarp(2_000.0, 44_100.0)
    left[0] = right[0] = 1.0
    peaks = []
    for _ in range(1_000):
        filter_block(0, 2, left, right, g, g, 1.0, 1.0, state, scratch)
        peaks.append(np.abs(left).max())
        left[:], right[:] = 0.0, 0.0
    assert peaks[0] > 0.1
    assert peaks[-1] == 0.0
    assert not state.any()


def test_mix_goes_from_dry_to_filtered() -> None:
    """At mix 0 the filter is not heard at all, and half-way is the mean."""
    mixes = (0.0, 0.5, 1.0)
    wet = SAW | {"filter.on": True, "filter.type": "high_pass", "filter.cutoff_hz": 2_000.0}
    plain, *mixed = play(SAW, *(wet | {"filter.mix": m} for m in mixes), note=40)[:, 0]
    assert np.array_equal(plain, mixed[0])
    assert np.abs(mixed[1] - (mixed[0] + mixed[2]) / 2).max() < 1e-6
    assert rms(mixed[2]) < 0.5 * rms(plain)


@pytest.mark.parametrize("source", ["osc_a", "osc_b", "sub", "noise"])
def test_each_source_goes_through_the_filter_or_past_it(source: str) -> None:
    alone = {f"{s}.on": s == source for s in ("osc_a", "osc_b", "sub", "noise")} | {f"{source}.level": 1.0}
    shut = alone | {"filter.on": True, "filter.type": "low_pass", "filter.cutoff_hz": 20.0}
    plain, through, past = play(
        alone, shut | {f"{source}.to_filter": True}, shut | {f"{source}.to_filter": False}, note=84
    )
    assert rms(through).max() < 0.05 * rms(plain).max()
    assert np.array_equal(plain, past)
