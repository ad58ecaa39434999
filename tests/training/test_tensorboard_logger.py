from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tests.training.episodes_shown import RATE, tone

from myna.envs.snapshots import encode_flac
from myna.features.spectrogram import draw_pair
from myna.training.tensorboard_logger import TensorBoardLogger


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A sound and a picture."""
    (tmp_path / "a.flac").write_bytes(encode_flac(tone(440), RATE))
    (tmp_path / "a.png").write_bytes(draw_pair(tone(440), tone(220), RATE))
    return tmp_path / "a.flac", tmp_path / "a.png"


def test_sounds_and_pictures_are_in_the_event_files_themselves(tmp_path: Path, files: tuple[Path, Path]) -> None:
    logger = TensorBoardLogger(tmp_path / "tb")
    logger.audio(7, "match/best/target", files[0])
    logger.image(7, "match/best/spectrogram", files[1])
    logger.text(7, "match/best/edits", "opened filter_1.cutoff_hz\n*closed*")
    logger.close()
    logger.close()
    events = read(tmp_path / "tb")
    [sound] = events.Audio("match/best/target")
    samples, rate = soundfile.read(io.BytesIO(sound.encoded_audio_string))
    assert (sound.step, rate, sound.content_type) == (7, RATE, "audio/wav")
    assert np.allclose(samples.T, tone(440), atol=1e-4)  # both channels
    [picture] = events.Images("match/best/spectrogram")
    assert picture.encoded_image_string == files[1].read_bytes() and (picture.width, picture.height) == (900, 360)
    [text] = events.Tensors("match/best/edits/text_summary")
    assert text.tensor_proto.string_val[0] == b"    opened filter_1.cutoff_hz\n    *closed*\n"


def test_beyond_the_bound_a_sound_becomes_its_path_also_after_a_restart(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    size = len(tone(440)[0]) * 4
    for first in (1, 11):
        logger = TensorBoardLogger(tmp_path / "tb", most_bytes=3 * size)
        for step in range(first, first + 10):
            logger.audio(step, "sound", files[0])
        logger.close()
    events = read(tmp_path / "tb")
    assert 1 <= len(events.Audio("sound")) <= 3 and events.Audio("sound")[-1].step < 11
    assert str(files[0]).encode() in events.Tensors("sound/text_summary")[-1].tensor_proto.string_val[0]


def test_a_file_that_is_gone_is_told_once_and_nothing_stops(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logger = TensorBoardLogger(tmp_path / "tb")
    for step in range(3):
        logger.audio(step, "sound", tmp_path / "gone.flac")
        logger.image(step, "picture", tmp_path / "gone.png")
    logger.close()
    assert caplog.text.count("cannot write to TensorBoard's files") == 1
