"""Targets: note, gate, trim and level of recordings and of sounds whose truth is known exactly."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from myna.audio.envelope import level_db
from myna.audio.files import Audio, load_audio, write_wav
from myna.audio.loudness import k_weighting_sos, loudness_lufs
from myna.audio.pitch import settle_note
from myna.audio.target import Target, target_from_audio, target_from_file
from myna.errors import BadAudioError, UsageError

RATE = 44_100
RECORDINGS = Path(__file__).parents[2] / "examples" / "targets"
TRUTH = {  # the key that was played, and for how long
    "electric_piano": (60, 1.0),
    "drawbar_organ": (57, 1.0),
    "nylon_guitar": (52, 1.0),
    "slap_bass": (40, 0.6),
    "string_ensemble": (60, 1.2),
    "trumpet": (65, 0.8),
    "flute": (72, 1.0),
    "square_lead": (60, 0.8),
    "saw_lead": (57, 0.8),
    "warm_pad": (55, 1.2),
    "steel_drum": (67, 0.5),
    "fretless_bass": (43, 0.8),
}


@cache
def recorded(name: str) -> Target:
    return target_from_file(RECORDINGS / f"{name}.flac")


def tone(note_midi: float, seconds: float, partials: int = 40, step: int = 1) -> np.ndarray:
    """(T,) a saw (step 1), square (step 2) or sine (partials 1), band-limited."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    hz = 440.0 * 2 ** ((note_midi - 69) / 12)
    kept = [k for k in range(1, partials + 1, step) if k * hz < 18_000]
    return 0.4 * sum(np.sin(2 * np.pi * hz * k * time_s) / k for k in kept)


def held(samples: np.ndarray, gate_s: float, release_s: float, shape: str = "exponential") -> np.ndarray:
    """Apply a 5 ms attack, and from the gate a release: -60 dB, or zero, after release_s."""
    time_s = np.arange(samples.size) / RATE
    past = np.maximum((time_s - gate_s) / release_s, 0.0)
    falling = {
        "exponential": 10 ** (-3 * past),
        "linear": np.maximum(1 - past, 0),
        "quartic": np.maximum(1 - past, 0) ** 4,
    }
    return samples * np.minimum(time_s / 0.005, 1.0) * falling[shape]


def make(samples: np.ndarray, **options: object) -> Target:
    samples = np.atleast_2d(samples).astype(np.float32)
    return target_from_audio(Audio(samples, RATE, RATE), name="sound", **options)  # type: ignore[arg-type]


def check_promises(target: Target) -> None:
    assert target.audio.dtype == np.float32 and target.audio.shape[0] == 2
    assert np.isfinite(target.audio).all() and np.abs(target.audio).max() <= 0.99
    assert target.total_s == target.audio.shape[1] / target.sample_rate
    assert 0 < target.gate_s <= target.total_s
    assert 0 <= target.note_midi <= 127 and target.velocity == 100


# Recordings


@pytest.mark.parametrize("name", TRUTH)
def test_recorded_note_keeps_every_promise(name: str) -> None:
    check_promises(recorded(name))
    assert recorded(name).voiced and recorded(name).warnings == ()


# The organ's lowest drawbar sounds at 55 Hz, two octaves under the key: 33 is the truth of the sound.
@pytest.mark.parametrize("name", TRUTH)
def test_recorded_note_is_found_within_50_cents(name: str) -> None:
    expected = 33 if name == "drawbar_organ" else TRUTH[name][0]
    assert abs(recorded(name).note_midi - expected) <= 0.5


# The steel drum is left to ring: it has decayed before the key is let go.
@pytest.mark.parametrize("name", [name for name in TRUTH if name != "steel_drum"])
def test_recorded_gate_is_found_within_50_ms(name: str) -> None:
    assert abs(recorded(name).gate_s - TRUTH[name][1]) <= 0.05


# Notes


@pytest.mark.parametrize("note", [21, 24, 28, 33, 40, 48, 60, 60.23, 66.5, 72, 84, 96, 105, 108])
@pytest.mark.parametrize(("partials", "step"), [(1, 1), (40, 1), (39, 2)], ids=["sine", "saw", "square"])
def test_synthetic_note_is_found_within_3_cents(note: float, partials: int, step: int) -> None:
    target = make(held(tone(note, 0.8, partials, step), 0.7, 0.1))
    assert target.voiced and abs(target.note_midi - note) <= 0.03


@pytest.mark.parametrize("seconds", [0.03, 0.06, 0.1, 0.15])
@pytest.mark.parametrize("note", [33, 45, 60, 81])
def test_short_note_is_found_without_an_octave_error(seconds: float, note: int) -> None:
    assert abs(make(tone(note, seconds)).note_midi - note) <= 0.2


def test_note_with_a_missing_fundamental_is_found() -> None:
    assert make(tone(45, 0.8) - tone(45, 0.8, 1)).note_midi == 45


@pytest.mark.parametrize("decay", [0.0, 20.0])
def test_noise_is_unvoiced_and_plays_middle_c_with_a_warning(decay: float) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, RATE) * np.exp(-decay * np.arange(RATE) / RATE)
    target = make(noise)
    assert (target.note_midi, target.voiced) == (60.0, False)
    assert any("No clear pitch" in warning for warning in target.warnings)


def test_given_note_and_gate_are_kept() -> None:
    target = make(tone(60, 1.0), note=47.5, gate=0.3, velocity=64)
    assert (target.note_midi, target.gate_s, target.velocity, target.voiced) == (47.5, 0.3, 64, True)


@pytest.mark.parametrize(
    ("heard", "settled"), [(60.0, 60.0), (60.149, 60.0), (59.86, 60.0), (60.16, 60.16), (60.2345, 60.23)]
)
def test_note_settles_on_a_near_semitone_only(heard: float, settled: float) -> None:
    assert settle_note(heard) == settled


# Gates


@pytest.mark.parametrize("release_s", [0.05, 0.2, 0.6, 1.5])
@pytest.mark.parametrize("gate_s", [0.3, 1.0, 1.5])
@pytest.mark.parametrize("shape", ["exponential", "quartic"])
def test_gate_of_a_held_note_is_found_within_30_ms(gate_s: float, release_s: float, shape: str) -> None:
    sound = held(tone(57, gate_s + release_s + 0.1), gate_s, release_s, shape)
    assert abs(make(sound, note=57).gate_s - gate_s) <= 0.03


@pytest.mark.parametrize("release_s", [0.05, 0.2, 0.6])
def test_gate_before_a_linear_release_is_found_within_100_ms(release_s: float) -> None:
    sound = held(tone(57, 1.1 + release_s), 1.0, release_s, "linear")
    assert abs(make(sound, note=57).gate_s - 1.0) <= 0.1


@pytest.mark.parametrize("decay", [0.5, 2.0, 8.0])
def test_pluck_left_to_ring_has_a_gate_as_long_as_itself(decay: float) -> None:
    target = make(tone(57, 2.0) * np.exp(-decay * np.arange(2 * RATE) / RATE), note=57)
    assert target.gate_s == target.total_s


@pytest.mark.parametrize("decay", [0.5, 2.0, 4.0])
def test_damped_pluck_has_its_gate_where_it_is_damped(decay: float) -> None:
    sound = held(tone(57, 2.0) * np.exp(-decay * np.arange(2 * RATE) / RATE), 0.7, 0.2)
    assert abs(make(sound, note=57).gate_s - 0.7) <= 0.03


def test_tremolo_moves_the_gate_by_less_than_half_its_period() -> None:
    sound = held(tone(57, 1.5), 0.8, 0.3) * (1 + 0.4 * np.sin(2 * np.pi * 6 * np.arange(1.5 * RATE) / RATE))
    assert abs(make(sound, note=57).gate_s - 0.8) <= 1 / 12


def test_noise_floor_does_not_hide_note_or_gate() -> None:
    noise = np.random.default_rng(2).normal(0, 0.4 * 10 ** (-45 / 20), 2 * RATE)
    noise[RATE // 2 :] += held(tone(57, 1.5), 0.8, 0.3)
    target = make(noise)
    assert target.note_midi == 57 and abs(target.gate_s - 0.8) <= 0.05


# Trimming


@pytest.mark.parametrize("lead_s", [0.0, 0.001, 0.1, 3.0])
def test_onset_lies_within_5_ms_of_the_start_and_nothing_of_the_sound_is_lost(lead_s: float) -> None:
    sound = held(tone(57, 1.0), 0.8, 0.1)
    target = make(np.concatenate([np.zeros(round(lead_s * RATE)), sound, np.zeros(RATE)]), note=57)
    undone = target.audio[0] * 10 ** (-target.gain_db / 20)
    loud = int(np.argmax(np.abs(undone) > 1e-3)) - int(np.argmax(np.abs(sound) > 1e-3))
    assert 0 <= loud <= 0.005 * RATE
    kept = min(sound.size, undone.size - loud)
    assert np.abs(undone[loud : loud + kept] - sound[:kept]).max() < 1e-4
    assert np.abs(sound[kept:]).max(initial=0.0) < 1e-3


def test_click_far_under_the_note_does_not_start_it() -> None:
    sound = np.concatenate([np.zeros(RATE // 2), tone(57, 0.5)])
    sound[1000] = 0.005
    assert make(sound, note=57).total_s < 0.51


def test_slow_attack_is_kept() -> None:
    swell = tone(57, 2.0) * np.linspace(0, 1, 2 * RATE)
    assert make(np.concatenate([np.zeros(RATE), swell]), note=57).total_s > 1.95


def test_long_sound_is_faded_out_at_the_limit_with_a_warning() -> None:
    target = make(tone(57, 6.0), note=57, max_s=1.5)
    check_promises(target)
    assert target.total_s == 1.5 and target.gate_s > 1.4
    assert np.abs(target.audio[:, -1]).max() == 0 and np.abs(target.audio[:, -5000:-4000]).max() > 0.1
    assert target.warnings == ("The sound lasts 6.00 s; only the first 1.5 s are used.",)


def test_gate_longer_than_the_sound_is_shortened_with_a_warning() -> None:
    target = make(tone(57, 0.5), note=57, gate=9.0)
    assert target.gate_s == target.total_s and "shortened" in target.warnings[0]


# Channels and level


def test_mono_is_doubled_and_stereo_kept() -> None:
    sound = tone(57, 0.5)
    assert np.array_equal(*make(sound, note=57).audio)
    left, right = make(np.stack([sound, 0.5 * sound]), note=57).audio
    assert np.allclose(right, 0.5 * left, atol=1e-6)


@pytest.mark.parametrize("channels", range(3, 9))
def test_surround_is_mixed_down_to_its_own_sides(channels: int) -> None:
    samples = np.zeros((channels, RATE))
    samples[1] = tone(57, 1.0)
    left, right = make(samples, note=57).audio
    assert np.abs(left).max() == 0 and np.abs(right).max() > 0.1
    assert "mixed down" in make(samples, note=57).warnings[0]


def test_opposite_channels_still_have_a_note() -> None:
    sound = tone(57, 0.8)
    assert make(np.stack([sound, -sound])).note_midi == 57


@pytest.mark.parametrize("level", [1e-3, 0.1, 1.0, 9.0])
def test_level_is_normalised_and_its_gain_remembered(level: float) -> None:
    sound = level * tone(57, 1.0) / 0.8
    target = make(sound, note=57)
    assert abs(loudness_lufs(target.audio, RATE) + 18) < 0.01
    undone = target.audio[0] * 10 ** (-target.gain_db / 20)
    assert np.allclose(undone, sound[: undone.size], rtol=0, atol=1e-6 * level)


def test_peaky_sound_stops_at_a_peak_of_099() -> None:
    sound = 0.01 * tone(57, 1.0)
    sound[RATE // 2] = 0.5
    target = make(sound, note=57)
    assert math.isclose(np.abs(target.audio).max(), 0.99, rel_tol=1e-5)
    assert loudness_lufs(target.audio, RATE) < -18
    check_promises(target)


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_loudness_of_a_steady_sine_is_the_standards(rate: int, channels: int) -> None:
    sine = np.sin(2 * np.pi * 997 * np.arange(2 * rate) / rate)
    measured = loudness_lufs(np.repeat(sine[None], channels, axis=0), rate)
    assert abs(measured - (-3.01 + 10 * math.log10(channels))) < 0.05


def test_loudness_agrees_with_pyloudnorm_on_a_steady_sound() -> None:
    sound = np.stack([tone(45, 4.0), tone(52, 4.0)])
    reference = pyloudnorm.Meter(RATE).integrated_loudness(sound.T)
    assert abs(loudness_lufs(sound, RATE) - reference) < 0.1


def test_k_weighting_is_the_standards_table_at_48_khz() -> None:
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    assert np.allclose(k_weighting_sos(48_000), [shelf, high_pass], atol=1e-6)


@pytest.mark.parametrize("length", [1, 10, 441])
def test_loudness_and_level_of_a_few_samples_are_finite(length: int) -> None:
    assert math.isfinite(loudness_lufs(np.ones((2, length)), RATE))
    assert loudness_lufs(np.zeros((2, length)), RATE) == -200
    assert np.isfinite(level_db(np.zeros((2, length)), RATE, 0.02, 0.005)).all()


# Repeatability and refusals


@pytest.mark.parametrize("name", ["string_ensemble", "slap_bass"])
def test_same_file_gives_the_same_bits(name: str) -> None:
    first, again = recorded(name), target_from_file(RECORDINGS / f"{name}.flac")
    assert first.audio.tobytes() == again.audio.tobytes()
    for field in dataclasses.fields(Target):
        assert field.name == "audio" or getattr(first, field.name) == getattr(again, field.name)


def test_input_is_left_alone() -> None:
    audio = load_audio(RECORDINGS / "steel_drum.flac")
    before = audio.samples.copy()
    target_from_audio(audio, name="drum", max_s=0.3)
    assert np.array_equal(audio.samples, before)


def test_file_gives_its_name_and_the_asked_rate(tmp_path: Path) -> None:
    write_wav(tmp_path / "my note.wav", tone(57, 0.5), RATE)
    target = target_from_file(tmp_path / "my note.wav", sample_rate=22_050)
    assert (target.name, target.sample_rate, target.note_midi) == ("my note", 22_050, 57)


@pytest.mark.parametrize(
    ("samples", "phrase"),
    [
        (np.zeros((2, RATE)), "is silent"),
        (np.zeros((1, 0)), "is silent"),
        (np.full((1, 1), 0.5), "less than 20 ms"),
        (np.full((1, 800), 0.5), "less than 20 ms"),
        (
            np.stack([np.zeros(RATE)] * 3 + [tone(33, 1.0)] + [np.zeros(RATE)] * 2),
            "is silent once it is in stereo",
        ),
    ],
)
def test_sound_without_a_note_is_refused(samples: np.ndarray, phrase: str) -> None:
    with pytest.raises(BadAudioError, match=phrase):
        make(samples)


@pytest.mark.parametrize(
    "options",
    [
        {"note": -1},
        {"note": 128},
        {"note": float("nan")},
        {"gate": 0},
        {"gate": -1.0},
        {"gate": float("nan")},
        {"gate": float("inf")},
        {"velocity": 0},
        {"velocity": 128},
        {"max_s": 0.0},
        {"max_s": 31.0},
        {"max_s": float("nan")},
    ],
)
def test_argument_out_of_range_is_a_usage_error(options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        make(tone(57, 0.5), **options)


@pytest.mark.parametrize("seed", range(20))
def test_odd_sounds_keep_every_promise(seed: int) -> None:
    rng = np.random.default_rng(seed)
    length = int(rng.integers(1000, RATE))
    sound = rng.normal(0, rng.uniform(1e-3, 2), (int(rng.integers(1, 9)), length))
    sound *= np.exp(-rng.uniform(0, 30) * np.arange(length) / RATE) if seed % 2 else np.sign(np.sin(np.arange(length)))
    sound += rng.uniform(-1, 1) if seed % 3 == 0 else 0.0
    check_promises(make(sound))
