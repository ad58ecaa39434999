"""A comparison adds up, tells what was done to the sounds, and hears what differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from myna.analysis.compare import UNITS, Comparison, compare_files, compare_sounds
from myna.analysis.text import describe_comparison
from myna.audio.files import Audio
from myna.errors import UsageError
from myna.features import analyse
from myna.loss import FULL_LOSS, PerceptualLoss
from myna.loss.terms import TERMS

RATE = 44_100
EXAMPLES = Path(__file__).parents[2] / "examples" / "targets"


def tone(hz: float = 440.0, seconds: float = 0.5, level: float = 0.3) -> Audio:
    time_s = np.arange(round(seconds * RATE)) / RATE
    return Audio((level * np.sin(2 * np.pi * hz * time_s))[None].astype(np.float32), RATE, RATE)


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return compare_files(EXAMPLES / "trumpet.flac", EXAMPLES / "saw_lead.flac")


def test_every_term_has_a_unit() -> None:
    assert set(UNITS) == set(TERMS)


def test_the_parts_add_up_and_each_is_weight_times_raw_over_scale(compared: Comparison) -> None:
    assert compared.loss == pytest.approx(sum(part.loss for part in compared.parts))
    assert sum(part.share for part in compared.parts) == pytest.approx(1.0, abs=1e-5)
    for part in compared.parts:
        assert part.loss == pytest.approx(part.weight * part.raw / part.scale, rel=1e-5, abs=1e-7)
    assert {part.name for part in compared.parts if part.kind == "term"} == set(FULL_LOSS.weights)


def test_the_loss_is_that_of_the_library(compared: Comparison) -> None:
    from myna.audio.files import load_audio

    sounds = [load_audio(EXAMPLES / f"{name}.flac").samples for name in ("trumpet", "saw_lead")]
    assert sounds[0].shape == sounds[1].shape
    first, second = (analyse(np.repeat(sound, 2, axis=0)[None], RATE) for sound in sounds)
    assert compared.loss == pytest.approx(float(PerceptualLoss()(first, second).total[0]), rel=1e-6)


def test_a_sound_is_no_way_from_itself() -> None:
    assert compare_sounds(tone(), tone()).loss == 0.0


def test_the_dearest_part_comes_first(compared: Comparison) -> None:
    losses = [part.loss for part in compared.parts]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0


def test_the_shorter_sound_is_filled_up_and_that_is_said() -> None:
    short = tone(seconds=0.3)
    filled = Audio(np.pad(short.samples, ((0, 0), (0, round(0.2 * RATE)))), RATE, RATE)
    found = compare_sounds(short, tone(), ("a.wav", "b.wav"))
    assert found.remarks == ("a.wav is shorter: 0.200 s of silence were added at its end.",)
    assert found.parts == compare_sounds(filled, tone()).parts
    assert compare_sounds(tone(), short, ("a.wav", "b.wav")).remarks[0].startswith("b.wav is shorter")


def test_mono_equals_the_same_in_two_channels() -> None:
    stereo = Audio(np.repeat(tone().samples, 2, axis=0), RATE, RATE)
    assert compare_sounds(tone(), stereo).loss == 0.0


def test_the_text_names_the_difference_and_how_it_comes_about() -> None:
    found = compare_sounds(tone(level=0.15), tone(level=0.3), ("a", "b"))
    short, long = describe_comparison(found), describe_comparison(found, explain=True)
    assert short.startswith(f"a against b: loss {found.loss:.3f} ")
    assert "6.0 LU too quiet" in short
    assert "weight" not in short
    assert long.count("= weight") == len(found.parts)
    assert "LU (its scale over random pairs)" in long


def test_sounds_of_different_rates_are_refused() -> None:
    with pytest.raises(UsageError, match="one rate"):
        compare_sounds(tone(), Audio(tone().samples, 48_000, 48_000))


def test_what_comes_after_60_s_does_not_count() -> None:
    base = np.tile(tone(seconds=1.0).samples, 61)
    other = base.copy()
    other[:, 60 * RATE :] = 0.0
    found = compare_sounds(Audio(base, RATE, RATE), Audio(other, RATE, RATE))
    assert found.loss == 0.0
    assert found.remarks == ("Only the first 60 s are compared.",)
