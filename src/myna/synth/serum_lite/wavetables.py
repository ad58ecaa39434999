"""The wavetable bank: every table's frames as band-limited, guarded float32 levels in one flat array.

A frame is given as a spectrum (`wavetable_shapes`), normalised, and stored once per level; a level holds the
harmonics up to its limit. Neighbouring limits lie at most a factor of 1.5 apart, so that the richest level whose top
partial stays under 24.1 kHz keeps everything to 16 kHz and aliases above 20 kHz only.

Tables are read with straight lines between samples. The line through N samples of harmonic h leaves images at
N - h and N + h that are (h / N)**2 as loud, so a level has about 180 samples per cycle of its strong harmonics
(-90 dB); what stands above the 46th harmonic falls off in every table (tests/synth measures both).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from pathlib import Path

import numpy as np

from myna.errors import MynaError
from myna.files import cache_dir, write_atomic
from myna.synth.serum_lite import wavetable_shapes
from myna.synth.serum_lite.parameters import WAVETABLES
from myna.synth.serum_lite.wavetable_shapes import FRAMES, HARMONICS, SHAPES

__all__ = [
    "FRAMES",
    "FRAME_STRIDE",
    "LARGEST",
    "LEVEL_HARMONICS",
    "LEVEL_OFFSETS",
    "LEVEL_SIZES",
    "frame",
    "wavetable_bank",
]

LEVEL_HARMONICS = (1, 2, 3, 4, 6, 9, 13, 19, 28, 42, 63, 94, 141, 211, 316, 474, 711)
LARGEST = 16384
GUARDS = 1  # the first sample again, so that a line may be drawn from the last one
RMS = 0.35


def _size(harmonics: int) -> int:
    """Samples of a level: about 200 for each cycle of its strong harmonics (see the module)."""
    for limit, size in ((4, 1024), (9, 2048), (19, 4096), (141, 8192)):
        if harmonics <= limit:
            return size
    return LARGEST


LEVEL_SIZES = tuple(_size(h) for h in LEVEL_HARMONICS)
LEVEL_OFFSETS = tuple(sum(n + GUARDS for n in LEVEL_SIZES[:i]) for i in range(len(LEVEL_SIZES)))
FRAME_STRIDE = sum(n + GUARDS for n in LEVEL_SIZES)


def frame(table: str, index: int, level: int) -> np.ndarray:
    """One cycle of one frame at one level, (LEVEL_SIZES[level],) float32, without guards."""
    start = (WAVETABLES.index(table) * FRAMES + index) * FRAME_STRIDE + LEVEL_OFFSETS[level]
    return wavetable_bank()[start : start + LEVEL_SIZES[level]]


@functools.cache
def wavetable_bank() -> np.ndarray:
    """All tables, float32 (tables × FRAMES × FRAME_STRIDE,); from the cache on disk where it is sound."""
    sources = Path(__file__).read_bytes() + Path(wavetable_shapes.__file__).read_bytes()
    path = cache_dir() / "wavetables" / f"{hashlib.sha256(sources).hexdigest()[:16]}.f32"
    bank = _load(path)
    if bank is None:
        bank = _build()
        _save(path, bank)
    return bank


def _load(path: Path) -> np.ndarray | None:
    """The cached bank, or None if there is none or it is damaged: samples, then their sum as whole numbers.

    Mapped, not read, and summed rather than hashed: together a tenth of a second at each start.
    """
    size = len(WAVETABLES) * FRAMES * FRAME_STRIDE
    try:
        # Copy on write: what is handed out may be written to like any array, and the file stays as it is.
        data = np.asarray(np.memmap(path, np.uint32, mode="c"))
    except (OSError, ValueError):
        return None
    if data.size != size + 2 or not np.array_equal(_checksum(data[:size]), data[size:]):
        return None
    return data[:size].view(np.float32)


def _checksum(words: np.ndarray) -> np.ndarray:
    """The sum of words (n,) uint32 modulo 2**64, as two words: any one flipped bit changes it."""
    return np.array([np.sum(words, dtype=np.uint64)]).view(np.uint32)


def _save(path: Path, bank: np.ndarray) -> None:
    # A read-only home costs a second per start, not the start.
    with contextlib.suppress(OSError, MynaError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, bank.tobytes() + _checksum(bank.view(np.uint32)).tobytes())
        for older in path.parent.glob("*.f32"):  # 140 MB each, and only another version of myna would read one
            if older != path:
                older.unlink(missing_ok=True)


def _build() -> np.ndarray:
    from scipy import fft  # a fifth of a second to import, and not needed where the cache is sound

    spectra = np.concatenate([_normalise(SHAPES[name]()) for name in WAVETABLES])
    bank = np.empty((len(spectra), FRAME_STRIDE), np.float32)
    for harmonics, size, offset in zip(LEVEL_HARMONICS, LEVEL_SIZES, LEVEL_OFFSETS, strict=True):
        bins = np.zeros((len(spectra), size // 2 + 1), np.complex64)
        bins[:, 1 : harmonics + 1] = spectra[:, :harmonics] * (size / 2)
        bank[:, offset : offset + size] = np.asarray(fft.irfft(bins, size, axis=1))
        bank[:, offset + size] = bank[:, offset]
    return bank.reshape(-1)


def _normalise(spectra: np.ndarray) -> np.ndarray:
    """Scale complex amplitudes (FRAMES, HARMONICS) so that each frame's RMS is `RMS`."""
    if spectra.shape != (FRAMES, HARMONICS):
        raise ValueError("a wavetable must give FRAMES spectra of HARMONICS harmonics")
    power = 0.5 * np.sum(np.abs(spectra) ** 2, axis=1, keepdims=True)
    return spectra * (RMS / np.sqrt(power))
