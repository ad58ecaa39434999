"""All that is read from spectra: by torch on any device, and on the CPU, where magnitudes are kept, by kernels.

The two agree but for rounding. torch is what is traced (`traced`); the kernels read a frame while it is in the cache.

Shapes: N sounds, T samples, R frames with those beyond either end, F frames, M mel bands, C bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from myna.features import descriptors, kernels
from myna.features.config import FeatureConfig
from myna.features.loudness import Grid, bin_weights, side_grid
from myna.features.mel import mel_power, mel_runs
from myna.features.stft import frame_count, power_frames, window_shape

__all__ = ["Spectra", "by_kernels", "by_torch"]

_AT_ONCE = 1 << 18  # samples whose frames are transformed at once: they and their spectra stay in the cache
_CPU = torch.device("cpu")
_NOTHING = np.empty(0, np.float32)
_BY_FRAME = ("energy", "side_energy", "centroid_hz", "flatness")


@dataclass(frozen=True)
class Spectra:
    """What was read.

    Attributes:
        bands: power by mel band, (N, F_w, M_w) for each of config.mels.
        energy: of the main frames with those beyond either end, (N, R); see `loudness.bin_weights`.
        side_energy: the same of the side's frames, on `loudness.side_grid`; None for a single channel.
        centroid_hz, flatness: of the main bins, (N, F); None where config.descriptors is "bands".
    """

    bands: list[torch.Tensor]
    energy: torch.Tensor
    side_energy: torch.Tensor | None
    centroid_hz: torch.Tensor | None
    flatness: torch.Tensor | None


def by_torch(parts: torch.Tensor, config: FeatureConfig, grid: Grid, room: Sequence[torch.Tensor]) -> Spectra:
    """Read middle and side.

    Args:
        parts: (N, 1 or 2, T).
        config: what is measured.
        grid: the frames of the main window.
        room: (N, F_w, C_w) for each of config.windows, where the magnitudes go; empty where they are not wanted.
    """
    middle, rate = parts[:, 0], grid.sample_rate
    wide = power_frames(middle, grid.window, grid.hop, grid.extra)
    powers = {config.windows[0]: wide[:, grid.extra : -grid.extra]}
    for other in config.windows[1:]:
        powers[other] = power_frames(middle, *config.frames(other, rate))
    rows = {window: power.reshape(-1, power.shape[-1]) for window, power in powers.items()}
    bands = [mel_power(rows[window], rate, count).unflatten(0, (len(parts), -1)) for window, count in config.mels]
    for power, place in zip(powers.values(), room, strict=False):
        torch.sqrt(power, out=place)
    centroid_hz = flatness = side_energy = None
    if config.descriptors == "bins":
        main = rows[config.windows[0]]
        roots = main.sqrt()  # not from the room, where it would lie in memory as its place says: products differ then
        centroid_hz = descriptors.centroid_hz(roots, rate).unflatten(0, (len(parts), -1))
        flatness = descriptors.flatness(main).unflatten(0, (len(parts), -1))
    if parts.shape[1] > 1:
        coarse = side_grid(grid)
        side = power_frames(parts[:, 1], coarse.window, coarse.hop, window_power=0.5)
        side_energy = side @ bin_weights(coarse, side.device)
    return Spectra(bands, wide @ bin_weights(grid, wide.device), side_energy, centroid_hz, flatness)


def by_kernels(parts: torch.Tensor, config: FeatureConfig, grid: Grid, room: Sequence[torch.Tensor]) -> Spectra:
    """The same on the CPU, sound by sound; `room` must be there."""
    places = [place.numpy() for place in room]
    found = [_of_one(sound, config, grid, [place[i] for place in places]) for i, sound in enumerate(parts)]
    return Spectra(
        [torch.stack([one.bands[scale] for one in found]) for scale in range(len(config.mels))],
        *(_stacked([getattr(one, name) for one in found]) for name in _BY_FRAME),
    )


def _stacked(values: list[torch.Tensor]) -> torch.Tensor | None:
    return None if values[0] is None else torch.stack(values)


def _of_one(sound: torch.Tensor, config: FeatureConfig, grid: Grid, room: Sequence[np.ndarray]) -> Spectra:
    """Of one sound (1 or 2, T), without the leading dimension."""
    rate, parts, bins = grid.sample_rate, sound.contiguous().numpy(), config.descriptors == "bins"
    bands: dict[tuple[int, int], np.ndarray] = {}
    reads: list[_Read] = []
    for window, magnitudes in zip(config.windows, room, strict=True):
        counts = tuple(count for other, count in config.mels if other == window)
        if reads:
            own = Grid(rate, grid.samples, *config.frames(window, rate), extra=0)
            reads.append(_read(parts[0], own, magnitudes, counts))
        else:
            reads.append(_read(parts[0], grid, magnitudes, counts, weigh=True, bins=bins))
        bands.update({(window, count): scale for count, scale in zip(counts, reads[-1].bands, strict=True)})
    side = None
    if len(parts) > 1:
        side = torch.from_numpy(_read(parts[1], side_grid(grid), None, (), weigh=True, window_power=0.5).energy)
    main = reads[0]
    return Spectra(
        [torch.from_numpy(bands[scale]) for scale in config.mels],
        torch.from_numpy(main.energy),
        side,
        torch.from_numpy(main.centroid_hz) if bins else None,
        torch.from_numpy(main.flatness) if bins else None,
    )


@dataclass(frozen=True)
class _Read:
    """Of one window: bands by scale (F, M), energy (R,), centroid_hz and flatness (F,), empty where not asked for."""

    bands: Sequence[np.ndarray]
    energy: np.ndarray
    centroid_hz: np.ndarray
    flatness: np.ndarray


def _read(
    audio: np.ndarray,
    grid: Grid,
    magnitudes: np.ndarray | None,
    counts: tuple[int, ...],
    *,
    weigh: bool = False,
    bins: bool = False,
    window_power: float = 1.0,
) -> _Read:
    """Read a channel (T,) through one window.

    Args:
        audio: see above.
        grid: of the frames.
        magnitudes: (F, C), filled; None where they are not wanted.
        counts: mel bands of each scale on this window.
        weigh: tell the energy.
        bins: tell centroid and flatness.
        window_power: that the Hann window is raised to.
    """
    size, count = grid.window // 2 + 1, frame_count(grid.samples, grid.hop)
    rows, frames = count + 2 * grid.extra, 0 if magnitudes is None else count
    firsts, widths, runs = mel_runs(grid.window, grid.sample_rate, counts)
    curve = bin_weights(grid, _CPU).numpy() if weigh else _NOTHING
    hz = descriptors.bin_hz(size, grid.sample_rate, _CPU).numpy() if bins else _NOTHING
    bands = np.empty((frames, len(firsts)), np.float32)
    energy = np.empty(rows if weigh else 0, np.float32)
    centroid_hz, flatness = np.empty((2, frames if bins else 0), np.float32)
    place = np.empty((0, size), np.float32) if magnitudes is None else magnitudes
    scratch, products = np.empty(size, np.float32), np.empty(size)
    shape = window_shape(grid.window, window_power, _CPU).numpy()
    left = grid.window // 2 + grid.extra * grid.hop
    step = max(1, _AT_ONCE // grid.window)
    for first in range(0, rows, step):
        block = np.empty((min(step, rows - first), grid.window), np.float32)
        kernels.frames(audio, shape, grid.hop, left - first * grid.hop, block)
        spectrum = torch.view_as_real(torch.fft.rfft(torch.from_numpy(block))).numpy().reshape(len(block), -1)
        kernels.listen(
            spectrum, first - grid.extra, firsts, widths, runs, curve, hz,
            scratch, products, bands, place, energy[first:] if weigh else energy, centroid_hz, flatness,
        )  # fmt: skip
    scales = np.split(bands, np.cumsum(counts)[:-1], 1) if len(counts) > 1 else [bands][: len(counts)]
    return _Read(scales, energy, centroid_hz, flatness)
