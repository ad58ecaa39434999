"""What a sound is said to be like, on sounds whose answer is known."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from myna.analysis.plot import plot_sound
from myna.analysis.sound import MAX_ANALYSED_S, Summary, analyse_file, summarise
from myna.analysis.text import describe, sparkline
from myna.audio.files import Audio
from myna.errors import UsageError

RATE = 44_100
EXAMPLES = Path(__file__).parents[2] / "examples" / "targets"


def tone(hz: float = 440.0, seconds: float = 1.0, level: float = 0.5) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE)) / RATE
    return level * np.sin(2 * np.pi * hz * time_s)


def noise(seconds: float = 1.0, seed: int = 1) -> np.ndarray:
    return 0.2 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def summary(*channels: np.ndarray, note: float | None = 69.0) -> Summary:
    """With a given note unless the pitch is what is asked: looking for it takes longest."""
    return summarise(Audio(np.stack(channels).astype(np.float32), RATE, RATE), "sound", note).summary


def test_a_sine_is_a_tonal_mono_note_at_its_level_and_frequency() -> None:
    s = summary(tone(440.0), note=None)
    assert (s.channels, s.duration_s, s.stereo_width) == (1, 1.0, 0.0)
    assert s.level_db == pytest.approx(-9.03, abs=0.01)
    assert s.peak_db == pytest.approx(-6.02, abs=0.01)
    assert (s.note_midi, s.note_name) == (69.0, "A4")
    assert s.frequency_hz == pytest.approx(440.0)
    assert s.centroid_hz == pytest.approx(440.0, rel=0.05)
    assert s.flatness_db < -40.0
    assert (s.clipped_share, s.dc) == (0.0, pytest.approx(0.0, abs=1e-4))
    # 997 Hz at full scale is -3.01 LUFS in one channel, so at half the level in two it is -6.0
    assert summary(tone(997.0)).loudness_lufs == pytest.approx(-6.02, abs=0.1)


def test_white_noise_has_no_pitch_and_a_flat_spectrum() -> None:
    s = summary(noise(), note=None)
    assert s.note_midi is s.note_name is s.frequency_hz is None
    assert s.flatness_db > -5.0
    assert s.centroid_hz == pytest.approx(RATE / 4, rel=0.05)
    assert any("none is named" in warning for warning in s.warnings)


def test_a_note_that_is_given_is_believed() -> None:
    s = summary(noise(), note=60.5)
    assert (s.note_midi, s.note_name) == (60.5, "C4 +50 ct")
    with pytest.raises(UsageError, match="MIDI 0 to 127"):
        summary(noise(), note=128)


def test_silence_before_and_after_is_told_from_the_sound() -> None:
    quiet = np.zeros(RATE // 2)
    s = summary(np.concatenate([quiet, tone(), quiet]))
    assert s.onset_s == pytest.approx(0.5, abs=0.005)
    assert s.end_s == pytest.approx(1.5, abs=0.03)
    assert s.gate_s == pytest.approx(1.0, abs=0.05)
    assert s.attack_s < 0.01
    assert s.momentary_low_lufs >= s.loudness_lufs - 20.0
    drawn = sparkline(s.envelope_db)
    assert len(drawn) == 48 and drawn.startswith(" " * 10) and drawn.endswith(" " * 10) and "█" * 22 in drawn


def test_the_attack_is_the_rise_from_a_tenth_to_nine_tenths() -> None:
    ramp = np.minimum(np.arange(RATE) / (0.5 * RATE), 1.0)
    assert summary(tone() * ramp).attack_s == pytest.approx(0.8 * 0.5, abs=0.01)


def test_brightness_moves_with_the_spectrum() -> None:
    rising = summary(np.concatenate([tone(300.0), tone(1200.0)]))
    assert rising.centroid_start_hz == pytest.approx(300.0, rel=0.1)
    assert rising.centroid_end_hz == pytest.approx(1200.0, rel=0.1)
    assert rising.centroid_change_octaves == pytest.approx(2.0, abs=0.2)
    assert "rises" in describe(rising) and "2.0 octaves" in describe(rising)
    falling = summary(np.concatenate([tone(1200.0), tone(300.0)]))
    assert "falls" in describe(falling)
    assert "steady" in describe(summary(tone()))


@pytest.mark.parametrize(
    ("left", "right", "width", "word"),
    [
        (tone(), tone(), 0.0, "mono in two channels"),
        (noise(seed=1), noise(seed=2), 0.5, "wide"),
        (noise(), -noise(), 1.0, "out of phase"),
        (noise(), 0.5 * noise(), 0.1, "moderate"),
    ],
    ids=["alike", "unrelated", "opposite", "off centre"],
)
def test_width_is_the_share_of_the_side(left: np.ndarray, right: np.ndarray, width: float, word: str) -> None:
    s = summary(left, right)
    assert s.stereo_width == pytest.approx(width, abs=0.01)
    assert word in describe(s)
    assert any("out of phase" in warning for warning in s.warnings) == (width == 1.0)


def test_clipping_and_dc_are_measured_and_pointed_out() -> None:
    s = summary(np.clip(tone(level=2.0), -1, 1) * 0.9999 + 0.0)
    assert s.clipped_share == pytest.approx(2 / 3, abs=0.01)  # |sin| > 1/2 for two thirds of a period
    assert any("clips" in warning for warning in s.warnings)
    offset = summary(tone(level=0.3) + 0.05)
    assert offset.dc == pytest.approx(0.05, abs=1e-3)
    assert any("DC" in warning for warning in offset.warnings)
    assert summary(tone()).warnings == ()


@pytest.mark.parametrize("samples", [1, 30, 500, 2000])
def test_a_very_short_sound_has_finite_numbers_and_can_be_drawn(samples: int) -> None:
    sound = summarise(Audio(np.full((1, samples), 0.5, np.float32), RATE, RATE), "short")
    json.dumps(dataclasses.asdict(sound.summary), allow_nan=False)
    assert describe(sound.summary).startswith("short: ")
    assert plot_sound(sound).startswith(b"\x89PNG")


def test_an_impulse_has_finite_numbers() -> None:
    click = np.zeros(RATE)
    click[1000] = 1.0
    json.dumps(dataclasses.asdict(summary(click)), allow_nan=False)


def test_surround_is_folded_down_and_a_long_sound_is_cut_with_a_sentence_each() -> None:
    s = summary(*[tone(seconds=0.2)] * 6)
    assert (s.channels, s.stereo_width) == (6, pytest.approx(0.0, abs=1e-6))
    assert any("mixed down" in warning for warning in s.warnings)
    long = summary(tone(seconds=MAX_ANALYSED_S + 1, level=0.1))
    assert long.duration_s == MAX_ANALYSED_S + 1
    assert any("first 60 s" in warning for warning in long.warnings)


def test_a_recording_is_heard_as_what_it_is() -> None:
    s = analyse_file(EXAMPLES / "trumpet.flac").summary
    assert (s.name, s.channels, s.note_name) == ("trumpet.flac", 1, "F4")
    assert s.centroid_hz > 2 * analyse_file(EXAMPLES / "warm_pad.flac", note=55).summary.centroid_hz


# The picture


def picture(data: bytes) -> np.ndarray:
    import io

    import matplotlib.image

    return matplotlib.image.imread(io.BytesIO(data))


def test_the_picture_is_1200_by_1000_and_the_same_each_time() -> None:
    sound = analyse_file(EXAMPLES / "steel_drum.flac", note=67)
    first = plot_sound(sound)
    assert picture(first).shape[:2] == (1000, 1200)
    assert plot_sound(sound) == first


def test_the_picture_shows_when_the_sound_is_there() -> None:
    quiet = np.zeros(RATE // 2)
    audio = np.concatenate([quiet, noise(0.5)])[None].astype(np.float32)
    pixels = picture(plot_sound(summarise(Audio(audio, RATE, RATE), "late $x$", note=60)))
    spectrogram = pixels[220:500, 100:1080, :3].sum(-1)
    assert spectrogram[:, -400:].mean() > 5 * spectrogram[:, :400].mean()


def test_a_name_that_looks_like_a_formula_is_drawn_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a$\\frac$_$.wav"
    soundfile.write(path, tone(seconds=0.2), RATE)
    assert plot_sound(analyse_file(path, note=69)).startswith(b"\x89PNG")
