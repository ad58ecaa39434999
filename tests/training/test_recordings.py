"""Recordings to train on: complete, split by instrument, and augmented without telling anything wrong of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from myna.audio.collection import read_index
from myna.audio.loudness import loudness_lufs
from myna.audio.target import TARGET_LUFS, Target
from myna.errors import UsageError
from myna.seeding import generator
from myna.training.augmentation import Augmentation, augmented
from myna.training.recordings import load_recordings, split_by_instrument

TRAINING = Path(__file__).parents[2] / "recordings" / "train"


def test_198_notes_of_50_instruments_are_there_and_no_file_is_beside_the_index() -> None:
    index = read_index(TRAINING)
    assert len(index) == len({one.path for one in index}) == 198
    assert len({one.instrument for one in index}) == 50
    assert {one.path for one in index} == set(TRAINING.glob("*.flac"))


def test_every_tenth_instrument_is_for_validation_and_none_is_in_both_parts() -> None:
    train, validation = split_by_instrument(read_index(TRAINING))
    assert len(train) + len(validation) == 198
    assert len({one.instrument for one in validation}) == 5
    assert {one.instrument for one in train}.isdisjoint(one.instrument for one in validation)


def test_the_parts_load_with_their_known_notes_and_gates() -> None:
    index = read_index(TRAINING)
    targets = load_recordings(TRAINING, "train") + load_recordings(TRAINING, "validation")
    known = {one.path.stem: (one.note_midi, one.gate_s) for one in index}
    assert {target.name for target in targets} == set(known)
    for target in targets:
        note_midi, gate_s = known[target.name]
        assert (target.note_midi, target.gate_s) == (note_midi, min(gate_s, target.total_s))


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(UsageError, match="no part 'test'"):
        load_recordings(TRAINING, "test")


# Augmentation

RATE = 44_100
OFF = dict.fromkeys(("mixture", "pitch", "gate", "filtering", "noise", "level"), 0.0)
SWITCHES = sorted(OFF)


def tone(note_midi: float, gate_s: float = 0.8, name: str = "tone") -> Target:
    """A held saw, released within 0.1 s."""
    time_s = np.arange(round((gate_s + 0.2) * RATE)) / RATE
    hz = 440.0 * 2.0 ** ((note_midi - 69) / 12)
    wave = sum(np.sin(2 * np.pi * k * hz * time_s) / k for k in range(1, 9))
    audio = 0.1 * wave * 10 ** (-3.0 * np.maximum(time_s - gate_s, 0.0) / 0.1)
    audio = np.repeat(audio[None], 2, axis=0).astype(np.float32)
    return Target(audio, RATE, name, note_midi, 100, gate_s, audio.shape[1] / RATE, 0.0, True)


def drawn(
    switch: str, count: int = 12, targets: tuple[Target, ...] = (tone(57), tone(69, 0.5, "other"))
) -> list[Target]:
    """With one change alone, made every time."""
    return augmented(targets, count, generator(0, "test", switch), Augmentation(**{**OFF, switch: 1.0}))


def repeats(target: Target) -> float:
    """How well the held sound correlates with itself five periods of its note later."""
    held = target.audio[0, : round(target.gate_s * RATE)].astype(np.float64)
    period = RATE / (440.0 * 2.0 ** ((target.note_midi - 69) / 12))
    lag = round(5 * period)
    return float(np.corrcoef(held[lag:], held[:-lag])[0, 1])


def test_the_check_of_periods_hears_a_semitone() -> None:
    right = tone(57)
    assert repeats(right) > 0.98
    assert all(repeats(replace(right, note_midi=57 + off)) < 0.9 for off in (-7, -2, -1, 1, 2, 7))


def level_db(sound: np.ndarray) -> float:
    return 20.0 * float(np.log10(np.sqrt(np.mean(sound**2)) + 1e-9))


def test_with_every_change_off_the_recordings_come_as_they_are() -> None:
    targets = (tone(57), tone(69))
    found = augmented(targets, 20, generator(0), Augmentation(**OFF))
    assert {id(one) for one in found} == {id(one) for one in targets}


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_change_alone_leaves_what_it_was_given_and_makes_another_sound(switch: str) -> None:
    targets = (tone(57), tone(69, 0.5, "other"))
    before = [one.audio.copy() for one in targets]
    for one in drawn(switch, 12, targets):
        assert all(one.audio.shape != old.shape or not np.array_equal(one.audio, old) for old in before)
    assert all(np.array_equal(one.audio, old) for one, old in zip(targets, before, strict=True))


@pytest.mark.parametrize("switch", [*SWITCHES, "everything"])
def test_an_augmented_target_is_sound_and_says_how_long_it_is(switch: str) -> None:
    some = load_recordings(TRAINING, "validation")[::4]
    share = Augmentation(**dict.fromkeys(SWITCHES, 1.0) if switch == "everything" else {**OFF, switch: 1.0})
    for one in augmented(some, 12, generator(1), share):
        assert (one.audio.dtype, one.audio.shape[0]) == (np.float32, 2)
        assert np.isfinite(one.audio).all()
        assert 0.01 < np.abs(one.audio).max() <= 0.99
        assert one.total_s == pytest.approx(one.audio.shape[1] / RATE)
        assert 0.0 < one.gate_s <= one.total_s
        assert 24.0 <= one.note_midi <= 96.0


def test_the_same_generator_gives_the_same_draws_and_more_draws_change_none() -> None:
    targets = load_recordings(TRAINING, "validation")[:4]
    few, many = (augmented(targets, count, generator(0)) for count in (4, 6))
    assert [one.name for one in few] == [one.name for one in many[:4]]
    assert all(np.array_equal(a.audio, b.audio) for a, b in zip(few, many, strict=False))
    assert any(a.audio.shape != b.audio.shape for a, b in zip(few, augmented(targets, 4, generator(1)), strict=True))


def test_switching_one_change_off_leaves_the_draws_of_the_others_alone() -> None:
    targets = (tone(57), tone(69))
    pitched, both = (
        augmented(targets, 12, generator(0), Augmentation(**{**OFF, "pitch": 1.0, "filtering": share}))
        for share in (0.0, 1.0)
    )
    assert [one.note_midi for one in pitched] == [one.note_midi for one in both]
    assert [one.gate_s for one in pitched] == [one.gate_s for one in both]


def test_the_note_is_what_sounds_after_a_change_of_pitch_and_the_length_goes_with_it() -> None:
    notes = set()
    for one in drawn("pitch", 12, (tone(57),)):
        assert repeats(one) > 0.98
        assert one.gate_s == pytest.approx(0.8 / 2 ** ((one.note_midi - 57) / 12))
        assert one.total_s == pytest.approx(1.0 / 2 ** ((one.note_midi - 57) / 12), abs=1e-3)
        notes.add(one.note_midi)
    assert 57 not in notes
    assert all(50 <= note <= 64 for note in notes)
    assert len(notes) >= 4


def test_notes_stay_within_what_the_synth_is_trained_to_play() -> None:
    assert all(24 <= one.note_midi <= 28 for one in drawn("pitch", 20, (tone(25, 0.4),)) if one.note_midi < 29)
    assert min(one.note_midi for one in drawn("pitch", 20, (tone(25, 0.4),))) == 24


def test_a_key_let_go_earlier_sounds_on_until_then_and_dies_away_after_it() -> None:
    gates = []
    for one in drawn("gate", 12, (tone(57),)):
        at = round(one.gate_s * RATE)
        assert level_db(one.audio[:, at - 2_000 : at]) > -30.0
        assert level_db(one.audio[:, -200:]) < level_db(one.audio[:, at - 2_000 : at]) - 40.0
        assert np.ptp([level_db(one.audio[:, i : i + 1_000]) for i in range(0, at - 1_000, 1_000)]) < 1.5
        gates.append(one.gate_s)
    assert 0.1 <= min(gates) < max(gates) < 0.8


def test_two_notes_are_mixed_only_where_their_names_agree_and_the_louder_one_is_the_note() -> None:
    low, high, other = tone(45, 0.8, "low"), tone(57, 0.5, "high"), tone(50, 0.5, "other")
    for one in drawn("mixture", 20, (low, high, other)):
        assert one.name in ("low with high, varied", "high with low, varied", "other")
        assert (one.note_midi, one.gate_s) == {"low": (45, 0.8), "high": (57, 0.5), "other": (50, 0.5)}[
            one.name.split()[0]
        ]


def test_a_longer_partner_is_let_go_with_the_note_it_is_mixed_to() -> None:
    short, long = tone(57, 0.3, "short"), tone(69, 1.5, "long")
    mixed = [one for one in drawn("mixture", 20, (short, long)) if one.name.startswith("short")]
    assert mixed
    for one in mixed:
        assert one.total_s == pytest.approx(short.total_s)
        assert level_db(one.audio[:, -100:]) < level_db(one.audio[:, : round(0.3 * RATE)]) - 20.0


def test_filters_change_the_spectrum_and_not_the_note() -> None:
    for one in drawn("filtering", 20, (tone(57),)):
        assert one.note_midi == 57
        assert repeats(one) > 0.98


def test_noise_lies_under_the_sound_and_ends_with_it() -> None:
    clean = tone(57)
    for one in drawn("noise", 12, (clean,)):
        gain = float(np.vdot(one.audio, clean.audio) / np.vdot(clean.audio, clean.audio))
        noise = one.audio - gain * clean.audio
        held = slice(0, round(0.8 * RATE))
        assert -38.0 < level_db(noise[:, held]) - level_db(one.audio[:, held]) < -10.0
        assert level_db(noise[:, -2_000:]) < level_db(noise[:, held]) - 20.0


def test_every_sound_has_the_usual_loudness_unless_its_level_is_changed() -> None:
    usual = read_index(TRAINING)[0].target()
    for switch in ("pitch", "filtering", "noise"):
        for one in drawn(switch, 4, (usual,)):
            assert loudness_lufs(one.audio, RATE) == pytest.approx(TARGET_LUFS, abs=0.1)
    levels = [loudness_lufs(one.audio, RATE) - TARGET_LUFS for one in drawn("level", 12, (usual,))]
    assert -9.1 <= min(levels) < -3.0
    assert 0.0 < max(levels) <= 3.1


def test_the_gain_that_was_added_is_remembered() -> None:
    usual = read_index(TRAINING)[0].target()
    for one in drawn("level", 6, (usual,)):
        added = 10 ** ((one.gain_db - usual.gain_db) / 20)
        assert one.audio == pytest.approx(usual.audio * added, abs=1e-5)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_of_zero_to_one_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match=r"share of pitch must lie in 0 to 1"):
        Augmentation(pitch=share)


def test_nothing_and_recordings_of_two_rates_cannot_be_augmented() -> None:
    with pytest.raises(UsageError, match="at least one recording"):
        augmented([], 3, generator(0))
    other = Target(np.zeros((2, 100), np.float32), 48_000, "other", 60, 100, 0.1, 0.1, 0.0, True)
    with pytest.raises(UsageError, match="all of one sample rate"):
        augmented([tone(57), other], 3, generator(0))
