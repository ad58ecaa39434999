from __future__ import annotations

import struct

import numpy as np
import pytest

from myna.features.spectrogram import draw_pair, draw_spectrograms, log_spectrogram

RATE = 44_100


def tone(gain: float = 0.5, hz: float = 440.0, seconds: float = 0.5) -> np.ndarray:
    wave = gain * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)
    return np.stack([wave, wave]).astype(np.float32)


def test_the_spectrogram_of_a_sine_peaks_at_its_frequency_near_0_db() -> None:
    shown = log_spectrogram(tone(gain=1.0, hz=1000.0)[:1], RATE, RATE // 2)
    column = shown.level_db[:, shown.level_db.shape[1] // 2]
    assert shown.frequency_hz[column.argmax()] == pytest.approx(1000.0, rel=0.03)
    assert column.max() == pytest.approx(0.0, abs=1.5)


def test_pictures_are_png_and_the_same_each_time() -> None:
    first = draw_spectrograms(tone(), tone(0.3), RATE)
    assert all(picture.startswith(b"\x89PNG") for picture in first)
    assert first == draw_spectrograms(tone(), tone(0.3), RATE)


def pixels(picture: bytes) -> np.ndarray:
    """(H, W, 3) of a PNG file."""
    import io

    from matplotlib.image import imread

    return imread(io.BytesIO(picture), format="png")[..., :3]


def test_a_pair_is_one_picture_on_one_scale() -> None:
    picture = draw_pair(tone(), tone(), RATE, ("a $sound", "another"))
    assert picture == draw_pair(tone(), tone(), RATE, ("a $sound", "another"))
    assert struct.unpack(">II", picture[16:24]) == (900, 360)
    panels = lambda pair: (pixels(pair)[60:300, 70:420], pixels(pair)[60:300, 475:825])  # noqa: E731
    left, right = panels(picture)
    assert np.array_equal(left, right)
    loud, quiet = panels(draw_pair(tone(), tone(0.05), RATE))
    assert np.array_equal(loud, left) and quiet.mean() < 0.9 * loud.mean()  # 20 dB down is darker


def test_silence_and_sounds_of_two_lengths_can_be_drawn() -> None:
    assert draw_pair(np.zeros((2, RATE // 4)), tone(seconds=0.5), RATE).startswith(b"\x89PNG")
