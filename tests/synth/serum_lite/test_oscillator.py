"""The oscillator without a warp: in tune, band-limited, bright, and its unison symmetric."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from tests.synth.measure import (
    BRIGHT_HZ,
    RATE,
    cents,
    db,
    frequency_hz,
    harmonic_amplitudes,
    hz_of,
    loudest_alias_db,
    play,
    rms,
    spectrum,
    steady,
    telling_note,
)

from myna.synth.serum_lite.parameters import WAVETABLES
from myna.synth.serum_lite.wavetable_shapes import FRAMES, SHAPES

ALIAS_DB = -90.0  # promised: loudest alias below 20 kHz under the loudest partial, MIDI 24 to 108
LOSS_DB = 1.0  # promised: less than this is lost up to 16 kHz
TUNING_CENTS = 0.1  # promised, MIDI 24 to 108
NOTES = (24, 31, 38, 45, 52, 60, 67, 74, 81, 88, 95, 102, 108)
SINE = {"osc_a.table": "sine_harmonics", "osc_a.position": 0.0}
SAW = {"osc_a.table": "basic_shapes", "osc_a.position": 2 / 3}


@pytest.mark.parametrize("note", NOTES)
def test_a_saw_aliases_90_db_down_and_keeps_its_treble(note: int) -> None:
    tuned = telling_note(note)
    f0 = hz_of(tuned)
    wave = steady(SAW, note=tuned)[0]
    assert loudest_alias_db(wave, f0) < ALIAS_DB
    heard = harmonic_amplitudes(spectrum(wave), f0, BRIGHT_HZ)
    ideal = 1.0 / np.arange(1, len(heard) + 1)
    assert np.abs(db(heard / heard[0] / ideal)).max() < LOSS_DB


@pytest.mark.parametrize("table", WAVETABLES)
def test_every_wavetable_aliases_90_db_down_and_keeps_its_treble(table: str) -> None:
    """At nine notes; frames by themselves and halfway between two."""
    assert_clean_and_bright(table, (*NOTES[::2], 67, 88), (0.0, 4.5, 7.0, 11.0, 15.0))


@pytest.mark.soak
@pytest.mark.parametrize("table", WAVETABLES)
def test_every_frame_at_every_third_note_aliases_90_db_down_and_keeps_its_treble(table: str) -> None:
    assert_clean_and_bright(table, range(24, 109, 3), tuple(np.arange(0.0, FRAMES - 0.5, 0.5)))


def assert_clean_and_bright(table: str, notes: Iterable[int], frames: tuple[float, ...]) -> None:
    spectra = np.abs(SHAPES[table]())
    for note in notes:
        tuned = telling_note(note)
        f0 = hz_of(tuned)
        waves = steady(*({"osc_a.table": table, "osc_a.position": f / (FRAMES - 1)} for f in frames), note=tuned)
        for frame, wave in zip(frames, waves, strict=True):
            if rms(wave) == 0.0:
                continue  # one partial, and it lies above the band
            assert loudest_alias_db(wave, f0) < ALIAS_DB, (note, frame)
            if frame % 1 == 0:
                assert _largest_loss_db(wave, f0, spectra[int(frame)]) < LOSS_DB, (note, frame)


def _largest_loss_db(wave: np.ndarray, f0: float, ideal: np.ndarray) -> float:
    """How far any loud partial up to 16 kHz strays from the formula, the loudest one taken as the reference."""
    heard = harmonic_amplitudes(spectrum(wave), f0, BRIGHT_HZ)[: len(ideal)]
    ideal = ideal[: len(heard)]
    loud = ideal > 1e-3 * ideal.max(initial=0.0)
    if not loud.any() or heard.max() < 1e-6:
        return 0.0
    apart = db(heard[loud] / ideal[loud])
    return float(np.abs(apart - apart[np.argmax(ideal[loud])]).max())


@pytest.mark.parametrize("note", NOTES)
def test_a_note_is_in_tune_within_a_tenth_of_a_cent(note: int) -> None:
    wave = play(SINE, note=note, seconds=2.0)[0, 0]
    assert abs(cents(frequency_hz(wave, hz_of(note)), hz_of(note))) < TUNING_CENTS


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000, 96_000, 192_000])
def test_a_note_is_in_tune_at_any_sample_rate(rate: int) -> None:
    for note in (24, 60, 93):
        wave = play(SINE, note=note, seconds=1.0, rate=rate)[0, 0]
        assert abs(cents(frequency_hz(wave, hz_of(note), rate), hz_of(note))) < TUNING_CENTS


@pytest.mark.parametrize(
    ("settings", "semitones"),
    [
        ({"osc_a.octave": 3}, 36.0),
        ({"osc_a.octave": -3}, -36.0),
        ({"osc_a.semitone": 12}, 12.0),
        ({"osc_a.semitone": -7}, -7.0),
        ({"osc_a.fine_cents": 100.0}, 1.0),
        ({"osc_a.fine_cents": -37.0}, -0.37),
        ({"osc_a.octave": 1, "osc_a.semitone": -5, "osc_a.fine_cents": 12.5}, 7.125),
    ],
)
@pytest.mark.parametrize("oscillator", ["osc_a", "osc_b"])
def test_octave_semitone_and_fine_tuning_add_up(oscillator: str, settings: dict, semitones: float) -> None:
    own = {k.replace("osc_a", oscillator): v for k, v in (SINE | {"osc_a.level": 1.0} | settings).items()}
    wave = play({"osc_a.on": False, f"{oscillator}.on": True} | own, note=60, seconds=2.0)[0, 0]
    wanted = hz_of(60 + semitones)
    assert abs(cents(frequency_hz(wave, wanted), wanted)) < TUNING_CENTS


@pytest.mark.parametrize("octave", [-3, -2, -1, 0])
def test_the_sub_plays_whole_octaves_below(octave: int) -> None:
    wave = play({"osc_a.on": False, "sub.on": True, "sub.octave": octave, "sub.level": 1.0}, note=69, seconds=2.0)[0, 0]
    wanted = 440.0 * 2.0**octave
    assert abs(cents(frequency_hz(wave, wanted), wanted)) < TUNING_CENTS


@pytest.mark.parametrize("count", range(2, 8))
def test_unison_voices_sit_evenly_within_the_stated_cents(count: int) -> None:
    """Each voice measured by itself: at MIDI 93, 50 cents and 3 s their spectra do not touch."""
    places = np.linspace(-1.0, 1.0, count)
    wide = SINE | {"osc_a.unison": count, "osc_a.detune_cents": 50.0, "osc_a.blend": 1.0, "osc_a.width": 0.0}
    wave = play(wide, note=93, seconds=3.0)[0, 0]
    for place in places:
        wanted = hz_of(93 + 0.5 * place)
        assert abs(cents(frequency_hz(wave, wanted), wanted)) < TUNING_CENTS


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7])
def test_unison_is_mirrored_between_left_and_right(count: int) -> None:
    """The voice at +x cents is as loud on the right as the one at -x cents on the left."""
    mirrored_db = 0.02
    wide = SINE | {"osc_a.unison": count, "osc_a.detune_cents": 50.0, "osc_a.blend": 0.7, "osc_a.width": 0.9}
    sides = spectrum(play(wide, note=93, seconds=3.0)[0])
    at = [hz_of(93 + 0.5 * x) for x in np.linspace(-1.0, 1.0, count)]
    left, right = (np.array([harmonic_amplitudes(side, hz, 1.5 * hz)[0] for hz in at]) for side in sides)
    assert np.abs(db(left / right[::-1])).max() < mirrored_db
    inner = np.abs(np.linspace(-1.0, 1.0, count)) < 1.5 / (count - 1)
    power = left**2 + right**2
    if count > 3:
        assert np.sqrt(power[~inner].mean() / power[inner].max()) == pytest.approx(0.7, rel=0.01)


def test_unison_keeps_the_power_of_one_voice() -> None:
    """Voices with random phases add in power: within 0.5 dB of one voice over 3 s."""
    settings = [SINE | {"osc_a.unison": n, "osc_a.detune_cents": 50.0, "osc_a.random_phase": 1.0} for n in (1, 4, 7)]
    loudness = db(rms(play(*settings, note=93, seconds=3.0)).mean(axis=1))
    assert np.ptp(loudness) < 0.5


def test_pan_keeps_the_power() -> None:
    pans = (-1.0, -0.5, 0.0, 0.5, 1.0)
    left, right = rms(play(*(SINE | {"osc_a.pan": p} for p in pans))).T
    assert np.allclose(left**2 + right**2, left[2] ** 2 + right[2] ** 2, rtol=1e-3)
    assert left[-1] == right[0] == 0.0
    assert (np.diff(right) > 0).all()


def test_phase_says_where_the_cycle_begins() -> None:
    """A quarter of a cycle makes a sine a cosine: the two trace a circle."""
    sine, cosine = play(SINE, SINE | {"osc_a.phase": 0.25}, note=48)[:, 0, 64:]
    assert np.ptp(np.hypot(sine, cosine)) < 1e-4 * np.abs(sine).max()
    assert abs(sine[: RATE // 400]).argmin() != abs(cosine[: RATE // 400]).argmin()


def test_random_phase_follows_the_seed_and_nothing_else() -> None:
    wild = SINE | {"osc_a.random_phase": 1.0}
    first, again, other = (play(wild, seconds=0.1, seed=s)[0] for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert rms(first - other).max() > 0.1 * rms(first).max()


def test_position_morphs_between_neighbouring_frames() -> None:
    """Halfway between two frames is their mean, sample by sample."""
    places = np.array([4.0, 4.5, 5.0]) / (FRAMES - 1)
    low, middle, high = play(*({"osc_a.table": "harmonic_sweep", "osc_a.position": p} for p in places))[:, 0]
    assert np.abs(middle - (low + high) / 2).max() < 1e-4 * np.abs(middle).max()
