"""Figures, words, sounds and pictures into event files for TensorBoard."""

from __future__ import annotations

import contextlib
import io
import math
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from myna.envs.loggers import Once
from myna.errors import MynaError, printable

__all__ = ["TensorBoardLogger", "check", "make"]

MOST_BYTES = 256 * 2**20
_PNG_HEAD = 24  # bytes up to the end of width and height


class TensorBoardLogger:
    """A `Logger`. Sounds and pictures are copied into the event files, within a bound.

    Torch's own `add_audio` is mono and its `add_image` draws anew; what is written here is the file itself.

    Args:
        folder: of the event files.
        purge_after: of what a former run wrote, hide what came after this step; None for nothing.
        most_bytes: of all event files, those of former runs included: at that, sounds and pictures become their paths.

    Raises:
        MynaError: the folder cannot be written.
    """

    def __init__(self, folder: Path, purge_after: int | None = None, most_bytes: int = MOST_BYTES) -> None:
        """See the class."""
        from torch.utils.tensorboard import SummaryWriter

        self._said = Once()
        later = None if purge_after is None else purge_after + 1
        try:
            self._writer = SummaryWriter(str(folder), purge_step=later)
            self._left = most_bytes - sum(path.stat().st_size for path in folder.glob("events.*"))
        except OSError as error:
            raise MynaError(f"cannot write to {printable(str(folder))}: {error.strerror}.") from error

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take figures of one step; one that is not finite is left out."""
        with self._forgiving():
            for name, value in values.items():
                if math.isfinite(value):
                    self._writer.add_scalar(name, value, step)

    def text(self, step: int, name: str, text: str) -> None:
        """Take some lines of text, shown as they are and not as Markdown."""
        with self._forgiving():
            self._writer.add_text(name, "".join(f"    {line}\n" for line in text.splitlines()), step)

    def audio(self, step: int, name: str, path: Path) -> None:
        """Take a sound file as 16-bit WAV in all its channels."""
        from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]

        with self._forgiving():
            samples, sample_rate = soundfile.read(path, dtype="int16", always_2d=True)
            sound = Summary.Audio(
                sample_rate=sample_rate,
                num_channels=samples.shape[1],
                length_frames=len(samples),
                encoded_audio_string=_wav(samples, sample_rate),
                content_type="audio/wav",
            )
            self._embed(step, name, path, Summary.Value(tag=name, audio=sound))

    def image(self, step: int, name: str, path: Path) -> None:
        """Take a PNG file."""
        from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]

        with self._forgiving():
            data = path.read_bytes()
            width, height = struct.unpack(">II", data[16:_PNG_HEAD])
            picture = Summary.Image(width=width, height=height, colorspace=3, encoded_image_string=data)
            self._embed(step, name, path, Summary.Value(tag=name, image=picture))

    def _embed(self, step: int, name: str, path: Path, value: Any) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]

        size = value.ByteSize()
        if size > self._left or self._writer.file_writer is None:
            self._writer.add_text(name, f"    {path}\n", step)
            return
        self._left -= size
        self._writer.file_writer.add_summary(Summary(value=[value]), step)

    def close(self) -> None:
        """Write what is pending; harmless twice."""
        with self._forgiving():
            self._writer.close()

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        """Tell of a disk that is full or gone, once, and let the training go on."""
        try:
            yield
        except (OSError, soundfile.LibsndfileError, struct.error) as error:
            reason = getattr(error, "strerror", None) or error
            self._said.say(f"cannot write to TensorBoard's files: {reason}; this is lost.")
        else:
            self._said.clear()


def make(out: Path, config: Any, resumed_at: int | None) -> TensorBoardLogger:
    """The tracker of a training: event files in `tensorboard`; see `logging.TRACKERS`."""
    return TensorBoardLogger(out / "tensorboard", resumed_at)


def check() -> None:
    """It comes with myna."""


def _wav(samples: np.ndarray, sample_rate: int) -> bytes:
    """Samples (T, C) int16 as a WAV file in memory."""
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()
