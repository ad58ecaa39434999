"""The audio door: what it lets in is exact, what it refuses gets one plain sentence."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from myna.audio import files
from myna.audio.files import display_name, encode_wav, load_audio, write_wav
from myna.errors import BadAudioError, MynaError, UsageError

RATE = 44_100


def sine(frequency_hz: float = 440.0, rate: int = RATE, seconds: float = 0.5, channels: int = 1) -> np.ndarray:
    """(T, C), amplitude 0.5."""
    wave = 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(round(rate * seconds)) / rate)
    return np.repeat(wave[:, None], channels, axis=1)


def encode(samples: np.ndarray, rate: int = RATE, format: str = "WAV", subtype: str | None = None) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=format, subtype=subtype)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def wav(data: bytes = b"\0\x10" * 4000, tag: int = 1, channels: int = 1, rate: int = RATE, bits: int = 16) -> bytes:
    """A WAV file whose header says whatever is asked."""
    align = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * align % 2**32, align % 2**16, bits)
    body = b"WAVE" + chunk(b"fmt ", fmt) + chunk(b"data", data)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def floats(*values: float) -> bytes:
    return wav(np.array([0.1] * 2000 + list(values), "<f4").tobytes(), tag=3, bits=32)


def aiff(
    channels: int = 1, frames: int = 4000, bits: int = 16, rate: bytes = bytes.fromhex("400eac44") + bytes(6)
) -> bytes:
    comm = struct.pack(">hIh", channels, frames, bits) + rate
    body = b"AIFFCOMM" + struct.pack(">I", 18) + comm + b"SSND" + struct.pack(">III", 8008, 0, 0) + b"\x10\0" * 4000
    return b"FORM" + struct.pack(">I", len(body)) + body


def flac(samples: np.ndarray | None = None, rate: int = RATE, total: int | None = None) -> bytes:
    """A FLAC file, its STREAMINFO's total sample count replaced."""
    data = bytearray(encode(sine(seconds=2.0) if samples is None else samples, rate, "FLAC"))
    if total is not None:
        field = int.from_bytes(data[18:26], "big")
        data[18:26] = ((field >> 36 << 36) | total).to_bytes(8, "big")
    return bytes(data)


def rf64(data_bytes: int, frames: int) -> bytes:
    ds64 = struct.pack("<QQQI", data_bytes + 100, data_bytes, frames, 0)
    fmt = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    return b"RF64\xff\xff\xff\xffWAVE" + chunk(b"ds64", ds64) + chunk(b"fmt ", fmt) + b"data\xff\xff\xff\xff"


UNKNOWN, DAMAGED, EMPTY = "is not an audio file myna knows", "is damaged", "holds no samples"
MALFORMED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "one byte": (b"R", UNKNOWN),
    "text": (b"this is not a sound at all", UNKNOWN),
    "html": (b"<!doctype html><script>alert(1)</script>", UNKNOWN),
    "json": (b'{"synth": "serum_lite"}', UNKNOWN),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(64), UNKNOWN),
    "zip": (b"PK\x03\x04" + bytes(64), UNKNOWN),
    "gzip": (b"\x1f\x8b\x08" + bytes(64), UNKNOWN),
    "mp4": (b"\0\0\0\x20ftypM4A " + bytes(64), UNKNOWN),
    "midi": (b"MThd\0\0\0\x06" + bytes(64), UNKNOWN),
    "aac": (b"\xff\xf1\x50\x80" + bytes(64), UNKNOWN),
    "reserved mpeg version": (b"\xff\xea" + bytes(64), UNKNOWN),
    "webp": (b"RIFF\x10\0\0\0WEBPVP8 ", UNKNOWN),
    "avi": (b"RIFF\x10\0\0\0AVI LIST", UNKNOWN),
    "iff picture": (b"FORM\0\0\0\x10ILBMBMHD", UNKNOWN),
    "au": (encode(sine(), format="AU"), UNKNOWN),
    "caf": (encode(sine(), format="CAF"), UNKNOWN),
    "w64": (encode(sine(), format="W64"), UNKNOWN),
    "voc": (encode(sine(), format="VOC"), UNKNOWN),
    "utf-8 mark before riff": (b"\xef\xbb\xbf" + wav(), UNKNOWN),
    "four bytes of riff": (b"RIFF", UNKNOWN),
    "riff header alone": (wav()[:12], DAMAGED),
    "riff cut inside fmt": (wav()[:30], DAMAGED),
    "flac magic alone": (b"fLaC", DAMAGED),
    "flac cut inside streaminfo": (flac()[:20], DAMAGED),
    "ogg magic alone": (b"OggS", DAMAGED),
    "ogg with noise": (b"OggS" + bytes(range(256)) * 8, DAMAGED),
    "aiff header alone": (aiff()[:12], DAMAGED),
    "id3 alone": (b"ID3\x04\0\0\0\0\0\0", DAMAGED),
    "id3 that claims 256 MB": (b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(64), DAMAGED),
    "mp3 sync and zeros": (b"\xff\xfb\x90\x00" + bytes(4000), DAMAGED),
    "no data chunk": (b"RIFF\x1c\0\0\0WAVE" + wav()[12:36], DAMAGED),
    "no fmt chunk": (b"RIFF\x20\0\0\0WAVE" + chunk(b"data", bytes(16)), DAMAGED),
    "no channels": (wav(channels=0), DAMAGED),
    "nine channels": (wav(channels=9), "has 9 channels"),
    "1024 channels": (wav(bytes(2048 * 10), channels=1024), "has 1024 channels"),
    "65535 channels": (wav(channels=65535), DAMAGED),
    "rate 0": (wav(rate=0), DAMAGED),
    "rate 1": (wav(rate=1), "sample rate of 1 Hz"),
    "rate 7999": (wav(rate=7999), "sample rate of 7999 Hz"),
    "rate 192001": (wav(rate=192_001), "sample rate of 192001 Hz"),
    "rate 4e9": (wav(rate=4_000_000_000), DAMAGED),
    "bits 0": (wav(bits=0), DAMAGED),
    "bits 65535": (wav(bits=65_535), DAMAGED),
    "unknown codec": (wav(tag=0x1234), DAMAGED),
    "no frames": (wav(b""), EMPTY),
    "half a frame": (wav(b"\x10", channels=2), EMPTY),
    "nan": (floats(float("nan")), "are not numbers"),
    "infinity": (floats(float("inf")), "are not numbers"),
    "minus infinity": (floats(float("-inf")), "are not numbers"),
    "double too large for float": (encode(np.array([1e300]), subtype="DOUBLE"), "are not numbers"),
    "peak 11": (floats(11.0), "peaks at 11"),
    "peak -1e30": (floats(-1e30), "peaks at 1e+30"),
    "integers written as floats": (floats(32767.0), "peaks at 3.28e+04"),
    "silence": (wav(bytes(8000)), "is silent"),
    "flac of silence": (flac(np.zeros((RATE, 2))), "is silent"),
    "-81 dBFS": (encode(sine() * 2 * 10 ** (-81 / 20), subtype="FLOAT"), "is silent"),
    "ultrasound": (
        encode(sine(60_000, 192_000) * np.hanning(96_000)[:, None], 192_000, subtype="FLOAT"),
        "is silent",
    ),
    "one frame at 192 kHz": (wav(b"\0\x10", rate=192_000), "is too short"),
    "601 s": (wav(bytes(601 * 8000), rate=8000, bits=8), "lasts more than 600 s"),
    "flac bomb": (flac(np.zeros((601 * RATE, 1), np.int16)), "lasts more than 600 s"),
    "flac claims 2**36 - 1 samples": (flac(total=2**36 - 1), "lasts more than 600 s"),
    "flac claims 10 s, has 2": (flac(total=10 * RATE), "cut short"),
    "flac of unknown length": (flac(total=0), "does not say how long it is"),
    "flac cut in half": (flac()[: len(flac()) // 2], "cut short"),
    "rf64 claims 2**62 bytes": (rf64(2**62, 2**61), EMPTY),
    "aiff rate 0": (aiff(rate=bytes(10)), "sample rate of 1 Hz"),
    "aiff no channels": (aiff(channels=0), DAMAGED),
    "aiff negative channels": (aiff(channels=-1), DAMAGED),
    "aiff bits 0": (aiff(bits=0), DAMAGED),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_file_is_refused_for_its_own_reason(case: str, tmp_path: Path) -> None:
    data, phrase = MALFORMED[case]
    path = tmp_path / "sound.wav"
    path.write_bytes(data)
    with pytest.raises(BadAudioError) as caught:
        load_audio(path)
    check_sentence(str(caught.value), phrase)


def check_sentence(message: str, phrase: str) -> None:
    assert phrase in message
    assert message.startswith("“") and message.endswith(".") and message.isprintable()
    assert "sound" in message and ": " in message  # names the file, then the mend
    assert len(message) < 200


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sound").mkdir()
    os.mkfifo(tmp_path / "sound.fifo")
    (tmp_path / "sound.link").symlink_to(tmp_path / "nowhere")
    long_name = "sound" * 1000
    cases = {
        tmp_path / "sound": "is a folder",
        tmp_path / "sound.fifo": "is not a regular file",
        tmp_path / "sound.link": "does not exist",
        tmp_path / "sound.wav": "does not exist",
        str(tmp_path / "sound\0.wav"): "is not a usable file name",
        tmp_path / long_name: "cannot be read (file name too long)",
    }
    for path, phrase in cases.items():
        with pytest.raises(BadAudioError) as caught:
            load_audio(path)
        check_sentence(str(caught.value), phrase)


def sparse(path: Path, head: bytes, size: int) -> Path:
    with open(path, "wb") as file:
        file.write(head)
        file.truncate(size)
    return path


def test_large_files_are_refused_before_they_are_read(tmp_path: Path) -> None:
    big = sparse(tmp_path / "sound_big.wav", wav(), files.MAX_FILE_BYTES + 1)
    head = bytearray(wav(b"", tag=7, channels=8, rate=192_000, bits=8))
    head[40:44] = struct.pack("<I", 200 * 2**20)
    wide = sparse(tmp_path / "sound_wide.wav", bytes(head), 44 + 200 * 2**20)
    tracemalloc.start()
    for path, phrase in ((big, "more than 256 MiB"), (wide, "decodes to more than 512 MiB")):
        with pytest.raises(BadAudioError) as caught:
            load_audio(path)
        check_sentence(str(caught.value), phrase)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 * 2**20


def test_longest_allowed_length_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    path.write_bytes(flac(np.full((600 * 8000, 1), 1000, np.int16), 8000))
    assert load_audio(path, sample_rate=8000).duration_s == 600


def test_damaged_mp3_says_nothing_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(encode(sine(), format="MP3"))
    data[1000:1000] = b"U" * 40  # libmpg123 would print "Illegal Audio-MPEG-Header" here
    (tmp_path / "sound.mp3").write_bytes(data)
    soundfile.read(tmp_path / "sound.mp3")
    assert capfd.readouterr().err != ""
    load_audio(tmp_path / "sound.mp3")
    assert capfd.readouterr().err == ""
    os.write(2, b"heard again")
    assert capfd.readouterr().err == "heard again"


@pytest.mark.parametrize("rate", [0, -1, 7999, 192_001])
def test_asked_rate_out_of_range_is_a_usage_error(rate: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="outside 8000 to 192000"):
        load_audio(tmp_path / "any.wav", sample_rate=rate)


@pytest.mark.parametrize(
    ("format", "subtype", "tolerance"),
    [
        ("WAV", "PCM_U8", 0.01),
        ("WAV", "PCM_16", 2**-15),
        ("WAV", "PCM_24", 2**-23),
        ("WAV", "PCM_32", 1e-7),
        ("WAV", "FLOAT", 0.0),
        ("WAV", "DOUBLE", 0.0),
        ("WAVEX", "PCM_24", 2**-23),
        ("RF64", "PCM_16", 2**-15),
        ("FLAC", "PCM_16", 2**-15),
        ("FLAC", "PCM_24", 2**-23),
        ("AIFF", "PCM_16", 2**-15),
        ("AIFF", "FLOAT", 0.0),
        ("OGG", "VORBIS", 0.03),
        ("MP3", "MPEG_LAYER_III", 0.03),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_survives_the_round_trip(
    format: str, subtype: str, tolerance: float, channels: int, tmp_path: Path
) -> None:
    source = sine(channels=channels).astype(np.float32)
    path = tmp_path / "sound.raw"  # content decides, not the name's ending
    path.write_bytes(encode(source, RATE, format, subtype))
    audio = load_audio(path)
    assert audio.samples.dtype == np.float32 and audio.samples.flags.c_contiguous
    assert audio.samples.shape == (channels, len(source))
    assert audio.sample_rate == audio.source_sample_rate == RATE
    # Lossy codecs ring at the cut ends; their middle is compared.
    middle = slice(2000, -2000)
    assert np.abs(audio.samples[:, middle] - source.T[:, middle]).max() <= tolerance


@pytest.mark.parametrize("source_rate", [8000, 22_050, 32_000, 48_000, 88_200, 96_000, 192_000])
# Up to 0.7 of the source's Nyquist: above 0.75 soxr's VHQ filter begins to roll off (-88 dB there).
@pytest.mark.parametrize("frequency_hz", [55.0, 440.0, 2800.0])
def test_resampled_sine_keeps_pitch_and_shape(source_rate: int, frequency_hz: float, tmp_path: Path) -> None:
    path = tmp_path / "sine.wav"
    path.write_bytes(encode(sine(frequency_hz, source_rate, 1.0), source_rate, subtype="FLOAT"))
    audio = load_audio(path)
    assert audio.source_sample_rate == source_rate and audio.samples.shape == (1, RATE)
    time_s = np.arange(RATE) / RATE
    middle = slice(RATE // 10, -RATE // 10)  # away from the ends, where the filter sees silence
    error = audio.samples[0] - 0.5 * np.sin(2 * np.pi * frequency_hz * time_s)
    assert 20 * np.log10(np.abs(error[middle]).max() / 0.5) < -90
    # 0.1 cent over the middle's 0.8 s is a phase drift of 2 pi f * 0.8 * 5.8e-5 rad.
    phase = np.unwrap(np.angle(analytic(audio.samples[0])))[middle]
    slope = np.polyfit(time_s[middle], phase, 1)[0] / (2 * np.pi)
    assert abs(1200 * np.log2(slope / frequency_hz)) < 0.1


def analytic(signal: np.ndarray) -> np.ndarray:
    spectrum = np.fft.fft(signal)
    spectrum[signal.size // 2 :] = 0
    return 2 * np.fft.ifft(spectrum)


def test_eight_channels_keep_their_order(tmp_path: Path) -> None:
    levels = np.arange(1, 9) / 10
    write_wav(tmp_path / "eight.wav", np.repeat(levels[:, None], 100, axis=1), RATE, "FLOAT")
    assert np.allclose(load_audio(tmp_path / "eight.wav").samples[:, 50], levels)


def test_sixteen_bit_file_is_unchanged_by_reading_and_writing(tmp_path: Path) -> None:
    every = np.arange(-32768, 32768, dtype="<i2")
    first = encode_wav(every / 32768.0, RATE)
    assert first[44:] == every.tobytes()
    (tmp_path / "every.wav").write_bytes(first)
    assert encode_wav(load_audio(tmp_path / "every.wav").samples, RATE) == first


def test_float_file_keeps_every_value_and_the_level(tmp_path: Path) -> None:
    samples = np.array([[0.25, -3.5, 1e-3], [0.0, 9.0, -1e-30]], np.float32)
    write_wav(tmp_path / "loud.wav", samples, RATE, "FLOAT")
    assert np.array_equal(load_audio(tmp_path / "loud.wav").samples, samples)
    assert soundfile.info(tmp_path / "loud.wav").subtype == "FLOAT"


def test_pcm_clips_and_never_normalises(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.array([0.25, 2.0, -2.0]), RATE)
    assert load_audio(tmp_path / "a.wav").samples[0].tolist() == [0.25, 32767 / 32768, -1.0]


def test_same_samples_give_the_same_bytes() -> None:
    for subtype in ("PCM_16", "FLOAT"):
        assert encode_wav(sine().T, RATE, subtype) == encode_wav(sine().T, RATE, subtype)


@pytest.mark.parametrize("samples", [np.array([np.nan]), np.array([[np.inf]]), np.zeros((9, 4)), np.zeros((1, 1, 4))])
def test_what_cannot_be_written_is_refused_and_leaves_the_old_file(samples: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "old.wav"
    path.write_bytes(b"old")
    with pytest.raises(BadAudioError, match="cannot be written"):
        write_wav(path, samples, RATE)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["old.wav"]


def test_unknown_subtype_and_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="PCM_16 or FLOAT"):
        encode_wav(np.zeros(4), RATE, "PCM_7")  # type: ignore[arg-type]
    with pytest.raises(MynaError):
        write_wav(tmp_path / "none" / "a.wav", np.zeros(4), RATE)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.wav", "a.wav"),
        ("dir/é🎵.wav", "é🎵.wav"),
        ("a\x1b[2Jb\n.wav", r"a\x1b[2Jb\n.wav"),
        ("gpj\u202evaw.wav", r"gpj\u202evaw.wav"),
        ("bad\udcff.wav", r"bad\udcff.wav"),
    ],
)
def test_names_are_safe_to_show(name: str, shown: str) -> None:
    assert display_name(name) == shown


def test_long_names_are_shortened_in_the_middle() -> None:
    shown = display_name("x" * 5000 + "end.wav")
    assert len(shown) == 60 and shown.endswith("xend.wav") and "…" in shown
