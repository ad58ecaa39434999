"""The warps: each heard, none aliasing above -60 dB, sync and mirror without a step."""

from __future__ import annotations

import numpy as np
import pytest
from tests.synth.measure import RATE, db, frequency_hz, hz_of, loudest_alias_db, rms, spectrum, steady, telling_note

from myna.synth.serum_lite.parameters import WARPS, WAVETABLES

ALIAS_DB = -60.0  # promised: with a warp or FM
NOTES = (24, 36, 45, 52, 60, 67, 74, 82, 88, 95, 102, 108)
AMOUNTS = (0.1, 0.3, 0.5, 0.75, 0.95, 1.0)
ALIKE_DB = -20.0
SINE = {"osc_a.table": "sine_harmonics", "osc_a.position": 0.0}


def loudest(base: dict, variants: list[dict], notes: tuple[int, ...] = NOTES) -> tuple[float, int, dict]:
    """The worst alias over variants and notes: (dB, note, variant)."""
    found = []
    for note in notes:
        tuned = telling_note(note)
        for variant, wave in zip(variants, steady(*(base | v for v in variants), note=tuned), strict=True):
            if rms(wave) > 1e-6:
                found.append((loudest_alias_db(wave, hz_of(tuned)), note, variant))
    return max(found, key=lambda f: f[0])


@pytest.mark.parametrize("table", WAVETABLES)
@pytest.mark.parametrize("warp", WARPS[1:])
def test_a_warp_aliases_60_db_down(warp: str, table: str) -> None:
    """Oscillator B, the FM source, is a sine at the same pitch, so that all wanted partials are harmonics."""
    base = {"osc_a.table": table, "osc_a.warp": warp, "osc_b.table": "sine_harmonics", "osc_b.position": 0.0}
    variants = [{"osc_a.position": p, "osc_a.warp_amount": a} for p in (0.3, 1.0) for a in AMOUNTS]
    level, *where = loudest(base, variants)
    assert level < ALIAS_DB, where


@pytest.mark.parametrize("modulator", ["saw", "square", "two octaves up", "noise_like"])
def test_fm_by_a_bright_oscillator_aliases_60_db_down(modulator: str) -> None:
    source = {
        "saw": {"osc_b.table": "basic_shapes", "osc_b.position": 2 / 3},
        "square": {"osc_b.table": "basic_shapes", "osc_b.position": 1.0},
        "two octaves up": {"osc_b.table": "sine_harmonics", "osc_b.position": 0.0, "osc_b.octave": 2},
        "noise_like": {"osc_b.table": "noise_like", "osc_b.position": 1.0},
    }[modulator]
    variants = [{"osc_a.position": p, "osc_a.warp_amount": a} for p in (0.0, 2 / 3) for a in AMOUNTS]
    level, *where = loudest({"osc_a.table": "basic_shapes", "osc_a.warp": "fm"} | source, variants)
    assert level < ALIAS_DB, where


@pytest.mark.parametrize("warp", WARPS[1:])
def test_a_warp_keeps_the_pitch(warp: str) -> None:
    base = {"osc_a.table": "basic_shapes", "osc_a.position": 0.5, "osc_a.warp": warp}
    for amount in (0.25, 0.5, 1.0):
        wave = steady(base | {"osc_a.warp_amount": amount}, note=57)[0]
        loudest_hz = 220.0 * round(np.argmax(spectrum(wave)) * RATE / len(wave) / 220.0)
        assert frequency_hz(wave, loudest_hz) == pytest.approx(loudest_hz, rel=1e-5)


@pytest.mark.parametrize("warp", WARPS[1:])
def test_a_warp_brightens_a_sine_more_and_more(warp: str) -> None:
    """What stands above the fundamental grows with the amount, from nothing."""
    amounts = (0.0, 0.2, 0.4, 0.8)
    waves = steady(*(SINE | {"osc_a.warp": warp, "osc_a.warp_amount": a} for a in amounts), note=48)
    partials = np.array([spectrum(w) for w in waves])
    bin_hz = 44_100 / waves.shape[1]
    above = np.sqrt(np.sum(partials[:, int(1.5 * hz_of(48) / bin_hz) :] ** 2, axis=1))
    assert above[0] < 1e-4 * above[3]
    assert above[1] > 0.01 * above[3]
    assert (above[1:] > 10 * above[0]).all()


def test_fm_follows_the_other_oscillator_even_when_that_is_off() -> None:
    base = SINE | {"osc_a.warp": "fm", "osc_a.warp_amount": 0.5, "osc_b.table": "sine_harmonics", "osc_b.position": 0.0}
    plain, octave = steady(base, base | {"osc_b.octave": 1}, note=48)
    assert db(rms(plain - octave) / rms(plain)) > ALIKE_DB
