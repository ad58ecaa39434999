"""The only door for audio files: a strict, bounded reader (and, from `wav`, an exact writer).

Shapes: C channels, T samples. Units: samples are full scale = 1, rates in Hz.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from myna.audio.wav import MAX_CHANNELS, encode_wav, write_wav
from myna.errors import BadAudioError, UsageError, printable

__all__ = [
    "MAX_CHANNELS",
    "MAX_DECODED_BYTES",
    "MAX_DURATION_S",
    "MAX_FILE_BYTES",
    "MAX_PEAK",
    "MAX_RATE_HZ",
    "MIN_RATE_HZ",
    "SILENCE_PEAK",
    "Audio",
    "display_name",
    "encode_wav",
    "load_audio",
    "write_wav",
]

MAX_FILE_BYTES = 256 * 2**20
MAX_DECODED_BYTES = 512 * 2**20  # as float32, at the higher of the file's rate and the asked rate
MAX_DURATION_S = 600
MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 192_000
MAX_PEAK = 10.0  # +20 dBFS: a float file above this is in other units, or broken
SILENCE_PEAK = 1e-4  # -80 dBFS
BLOCK_FRAMES = 65_536
MAX_MISSING_S = 0.1  # decoders disagree with headers by a codec frame or two; more is a cut file
FORMATS = {"WAV", "WAVEX", "RF64", "FLAC", "OGG", "AIFF", "MP3"}
KNOWN_FORMATS = "WAV, FLAC, OGG, AIFF or MP3"
# soundfile raises RuntimeError subclasses, but odd headers also surface as the others.
DECODE_ERRORS = (soundfile.SoundFileError, RuntimeError, ValueError, TypeError, EOFError, OverflowError)


@dataclass(frozen=True)
class Audio:
    """Decoded sound.

    Attributes:
        samples: float32 (C, T), finite, full scale = 1, peak within about 10.
        sample_rate: Hz, of `samples`.
        source_sample_rate: Hz, of the file before resampling.
    """

    samples: np.ndarray
    sample_rate: int
    source_sample_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / self.sample_rate


def display_name(path: str | os.PathLike[str], max_length: int = 60) -> str:
    r"""Return a file's name made safe for a terminal or a page: escaped, and shortened in the middle.

    Args:
        path: any path; only its last part is shown.
        max_length: longest result, in characters.

    Example:
        >>> display_name("sounds/a\x1b[2Jb.wav")
        'a\\x1b[2Jb.wav'
    """
    return printable(os.path.basename(os.fspath(path)) or os.fspath(path), max_length)


def load_audio(
    path: str | os.PathLike[str],
    *,
    sample_rate: int = 44_100,
    name: str | None = None,
    max_duration_s: float = MAX_DURATION_S,
) -> Audio:
    """Read one audio file through every check, resampled to the asked rate.

    In order: regular file, at most 256 MiB, known magic bytes, header limits (1 to 8 channels, 8 to
    192 kHz, at most 600 s and 512 MiB decoded), block-wise read that never passes the header's length,
    finite, peak at most 10, not silent (peak of -80 dBFS or more after resampling).

    Args:
        path: the file.
        sample_rate: Hz of the result, 8,000 to 192,000.
        name: what to call it in messages, where that is not the file's name; any text.
        max_duration_s: longest file that is taken, at most 600.

    Returns:
        The sound, float32 (C, T), all channels kept.

    Raises:
        BadAudioError: one sentence that names the file, the fault and the mend.
        UsageError: the asked rate is out of range.

    Example:
        >>> load_audio("note.wav").samples.shape  # doctest: +SKIP
        (2, 88200)
    """
    if not MIN_RATE_HZ <= sample_rate <= MAX_RATE_HZ:
        raise UsageError(f"The sample rate {sample_rate} Hz is outside {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz.")
    name = display_name(path) if name is None else printable(name, 60)
    longest_s = min(max_duration_s, MAX_DURATION_S)
    try:
        _check_regular(path, name)
        with open(path, "rb", buffering=0) as file:
            is_mpeg = _check_bytes(file, name)
            with _muted_stderr() if is_mpeg else contextlib.nullcontext():
                samples, source_rate = _decode(file, sample_rate, longest_s, name)
        samples = _resample(samples, source_rate, sample_rate, name)
    except MemoryError:
        raise BadAudioError(f"“{name}” needs more memory than there is: cut it shorter.") from None
    except OSError as error:
        reason = (error.strerror or "read error").lower()
        raise BadAudioError(f"“{name}” cannot be read ({reason}): check the file and its permissions.") from None
    return Audio(samples, sample_rate, source_rate)


def _check_regular(path: str | os.PathLike[str], name: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise BadAudioError(f"“{name}” does not exist: check the path.") from None
    except ValueError:  # a NUL or an unencodable character in the path
        raise BadAudioError(f"“{name}” is not a usable file name: rename the file.") from None
    if stat.S_ISDIR(mode):
        raise BadAudioError(f"“{name}” is a folder: give one audio file.")
    if not stat.S_ISREG(mode):
        raise BadAudioError(f"“{name}” is not a regular file: save it to disk first.")


_STDERR_LOCK = threading.Lock()


@contextlib.contextmanager
def _muted_stderr() -> Iterator[None]:
    """Send what C code writes to standard error nowhere: libmpg123 grumbles there about every bad frame."""
    with _STDERR_LOCK, contextlib.ExitStack() as undo:
        with contextlib.suppress(OSError):  # standard error may be closed: then nothing needs muting
            saved = os.dup(2)
            undo.callback(os.close, saved)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            undo.callback(os.close, nowhere)
            os.dup2(nowhere, 2)
            undo.callback(os.dup2, saved, 2)
        yield


def _check_bytes(file: BinaryIO, name: str) -> bool:
    """Check size and magic bytes; tell whether the file may be MP3."""
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise BadAudioError(f"“{name}” is empty: export it again.")
    if size > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 2**20
        raise BadAudioError(f"“{name}” is {size / 2**20:.0f} MiB, more than {limit} MiB: cut out the note you want.")
    head = file.read(12)
    file.seek(0)
    if not _is_known_magic(head):
        raise BadAudioError(f"“{name}” is not an audio file myna knows: convert it to {KNOWN_FORMATS}.")
    return head[:3] == b"ID3" or head[0] == 0xFF


def _is_known_magic(head: bytes) -> bool:
    """Tell whether the first 12 bytes open a WAV, FLAC, OGG, AIFF or MP3 file."""
    if head[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC")
    if head[:4] in (b"fLaC", b"OggS") or head[:3] == b"ID3":
        return True
    # MPEG frame sync: 11 set bits, then a version that is not reserved and a layer that is not 0 (AAC).
    return len(head) >= 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 8 and head[1] & 6 != 0


def _decode(file: BinaryIO, asked_rate: int, longest_s: float, name: str) -> tuple[np.ndarray, int]:
    """Return (samples float32 (T, C), rate in Hz) after header and content checks."""
    try:
        # By descriptor, not by name: libsndfile must judge by content, never by the file's extension.
        source = soundfile.SoundFile(file.fileno(), closefd=False)
    except DECODE_ERRORS:
        raise BadAudioError(f"“{name}” is damaged or in an unknown encoding: export it again as WAV.") from None
    with source:
        _check_header(source, asked_rate, longest_s, name)
        try:
            blocks = list(_checked_blocks(source, name))
        except DECODE_ERRORS:
            raise BadAudioError(f"“{name}” is damaged or cut short: export it again as WAV.") from None
        _check_length(sum(map(len, blocks)), source, name)
        return np.concatenate(blocks), source.samplerate


def _check_length(frames: int, source: soundfile.SoundFile, name: str) -> None:
    """Refuse a file that ended early without the decoder minding."""
    rate, promised = source.samplerate, source.frames
    if frames == 0:
        raise BadAudioError(f"“{name}” holds no samples: export it again.")
    if promised - frames > MAX_MISSING_S * rate:
        heard = f"{frames / rate:.2f} s of the {promised / rate:.2f} s it promises"
        raise BadAudioError(f"“{name}” is cut short, {heard}: export it again.")


def _check_header(source: soundfile.SoundFile, asked_rate: int, longest_s: float, name: str) -> None:
    rate, channels, frames = source.samplerate, source.channels, source.frames
    if source.format not in FORMATS:
        raise BadAudioError(f"“{name}” is not an audio file myna knows: convert it to {KNOWN_FORMATS}.")
    if not 1 <= channels <= MAX_CHANNELS:
        raise BadAudioError(f"“{name}” has {channels} channels, not 1 to {MAX_CHANNELS}: mix it down to stereo.")
    if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
        raise BadAudioError(f"“{name}” has a sample rate of {rate} Hz, not 8 to 192 kHz: resample it to 44.1 kHz.")
    if frames <= 0:
        raise BadAudioError(f"“{name}” holds no samples: export it again.")
    if frames >= 2**62:  # libsndfile's word for "unknown"
        raise BadAudioError(f"“{name}” does not say how long it is: export it again as WAV.")
    if frames > longest_s * rate:
        raise BadAudioError(f"“{name}” lasts more than {longest_s:g} s: cut out the note you want.")
    if 4 * channels * frames * max(1.0, asked_rate / rate) > MAX_DECODED_BYTES:
        limit = MAX_DECODED_BYTES // 2**20
        raise BadAudioError(f"“{name}” decodes to more than {limit} MiB: cut it shorter or mix it down to stereo.")


def _checked_blocks(source: soundfile.SoundFile, name: str) -> Iterator[np.ndarray]:
    """Yield float32 (T, C) blocks up to the header's length; memory grows only with what is really there."""
    left = source.frames
    while left > 0:
        block = source.read(min(BLOCK_FRAMES, left), dtype="float32", always_2d=True)
        if len(block) == 0:
            return
        left -= len(block)
        if not np.isfinite(block).all():
            raise BadAudioError(f"“{name}” holds samples that are not numbers (NaN or infinity): export it again.")
        peak = float(np.abs(block).max())
        if peak > MAX_PEAK:
            raise BadAudioError(f"“{name}” peaks at {peak:.3g}, above {MAX_PEAK:g} (full scale is 1): lower its level.")
        yield block


def _resample(samples: np.ndarray, rate: int, asked_rate: int, name: str) -> np.ndarray:
    """Return float32 (C, T) at the asked rate; refuse what is silent or empty there."""
    if rate != asked_rate:
        samples = soxr.resample(samples, rate, asked_rate, quality="VHQ")
    if samples.shape[0] == 0:
        raise BadAudioError(f"“{name}” is too short to hold a sound: record a longer note.")
    if float(np.abs(samples).max()) < SILENCE_PEAK:
        raise BadAudioError(f"“{name}” is silent (its peak is under -80 dBFS): record it louder.")
    return np.ascontiguousarray(samples.T, dtype=np.float32)
