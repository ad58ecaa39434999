"""Drive and distortion: their aliases, their harmonics, and a dry path that stays in step."""

from __future__ import annotations

import numpy as np
import pytest
from tests.synth.measure import (
    db,
    harmonic_amplitudes,
    hz_of,
    lag_of,
    loudest_alias_db,
    play,
    rms,
    spectrum,
    steady,
    telling_note,
)

from myna.synth.serum_lite.memory import BLOCK
from myna.synth.serum_lite.parameters import DISTORTION_TYPES

ALIAS_DB = -60.0  # promised: with drive
NOTES = (24, 36, 45, 52, 60, 67, 74, 81, 88, 95, 102, 108)
WAVES = {"sine": 0.0, "triangle": 1 / 3, "saw": 2 / 3, "square": 1.0}
SHAPED = {"distortion.on": True, "master.volume_db": -30.0}


def loudest(base: dict, variants: list[dict]) -> tuple[float, int, dict]:
    found = []
    for note in NOTES:
        tuned = telling_note(note)
        for variant, wave in zip(variants, steady(*(base | v for v in variants), note=tuned), strict=True):
            found.append((loudest_alias_db(wave, hz_of(tuned)), note, variant))
    return max(found, key=lambda f: f[0])


@pytest.mark.parametrize("wave", WAVES)
@pytest.mark.parametrize("kind", DISTORTION_TYPES)
def test_distortion_aliases_60_db_down(kind: str, wave: str) -> None:
    base = SHAPED | {"osc_a.position": WAVES[wave], "distortion.type": kind}
    level, *where = loudest(base, [{"distortion.drive_db": d} for d in (0.0, 6.0, 12.0, 18.0, 24.0, 30.0, 36.0)])
    assert level < ALIAS_DB, where


@pytest.mark.parametrize("wave", WAVES)
def test_filter_drive_aliases_60_db_down(wave: str) -> None:
    base = {"osc_a.position": WAVES[wave], "filter.on": True, "filter.cutoff_hz": 20_000.0, "filter.resonance": 0.0}
    level, *where = loudest(base, [{"filter.drive_db": d} for d in (1.0, 6.0, 12.0, 18.0, 24.0)])
    assert level < ALIAS_DB, where


@pytest.mark.parametrize(("kind", "even"), [("soft", False), ("hard", False), ("fold", False), ("tube", True)])
def test_a_curve_makes_odd_harmonics_and_the_tube_even_ones_too(kind: str, even: bool) -> None:
    wave = steady(SHAPED | {"distortion.type": kind, "distortion.drive_db": 18.0}, note=48)[0]
    partials = harmonic_amplitudes(spectrum(wave), hz_of(48), 2_000.0)
    assert partials[2] > 0.01 * partials[0]
    assert (partials[1] > 0.01 * partials[0]) == even
    assert (partials[1] < 1e-4 * partials[0]) != even


@pytest.mark.parametrize("kind", DISTORTION_TYPES)
def test_distortion_leaves_no_direct_current(kind: str) -> None:
    wave = steady(SHAPED | {"distortion.type": kind, "distortion.drive_db": 24.0}, note=48)[0]
    assert spectrum(wave)[0] < 1e-4 * rms(wave)


def test_dry_and_wet_are_in_step() -> None:
    """Half wet at no gain loses nothing to a comb: the dry path waits for the shaper."""
    quiet = {"osc_a.level": 0.05, "osc_a.position": 2 / 3, "distortion.drive_db": 0.0, "distortion.type": "soft"}
    dry, half = steady(quiet, SHAPED | quiet | {"distortion.mix": 0.5, "master.volume_db": -18.0}, note=60)
    heard, wanted = (harmonic_amplitudes(spectrum(w), hz_of(60), 16_000.0) for w in (half, dry))
    assert np.abs(db(heard / wanted)).max() < 0.5  # measured 0.27 at 16 kHz


def test_mix_zero_is_the_dry_sound_a_little_later() -> None:
    wave = {"osc_a.position": 2 / 3}
    dry, late = play(wave, SHAPED | wave | {"distortion.mix": 0.0, "master.volume_db": -18.0}, seconds=0.2)[:, 0]
    lag = lag_of(late, dry)
    assert 0 < lag <= BLOCK
    assert np.allclose(late[lag:], dry[:-lag], atol=1e-6)


def test_drive_raises_the_level_less_than_its_gain() -> None:
    """Loudness stays within 15 dB from 0 to 36 dB of gain, so that drive is a colour and not a volume."""
    for kind in DISTORTION_TYPES:
        drives = [SHAPED | {"distortion.type": kind, "distortion.drive_db": d} for d in (0.0, 12.0, 24.0, 36.0)]
        assert np.ptp(db(rms(steady(*drives, note=48)))) < 15.0  # measured 13.6, fold
