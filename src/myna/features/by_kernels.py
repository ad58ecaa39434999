"""`measure` on the CPU: the same features, but for rounding, in half the time.

What is one call of torch for each sound elsewhere is a loop over frames here (`kernels`), and what is left to torch is
done for all sounds at once, row by row, so the bits of a sound depend on it alone.

Shapes: N sounds, C channels, T samples, R frames with those beyond either end, F frames, M mel bands, K blocks, E
envelope frames.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from myna.features import kernels, loudness
from myna.features.config import FeatureConfig
from myna.features.descriptors import band_centroid_hz, band_flatness, band_octaves, bin_hz
from myna.features.mel import decibels, mel_runs
from myna.features.mfcc import dct
from myna.features.stft import frame_count, window_shape
from myna.features.threads import each_item, one_core

__all__ = ["Magnitudes", "hear"]

Magnitudes = Callable[[int, Sequence[np.ndarray]], None]
"""Is given a sound's place and its magnitudes, (F_w, bins_w) for each of config.windows, while the call lasts."""

_AT_ONCE = 1 << 18  # samples whose frames are transformed at once: they and their spectra stay in the cache
_CPU = torch.device("cpu")
_NOTHING = np.empty(0, np.float32)


def hear(
    sounds: torch.Tensor,
    sample_rate: int,
    config: FeatureConfig,
    magnitudes: Magnitudes | None = None,
    threads: int = 1,
) -> dict[str, Any]:
    """Features by name, without what is told by the samples' values alone (peak, clipped, finite) and magnitudes.

    Args:
        sounds: (N, C, T) float32 on the CPU, finite.
        sample_rate: Hz.
        config: what is measured.
        magnitudes: called for each sound, in any order and by any thread; None where nobody wants them.
        threads: that share the sounds.
    """
    count, channels, samples = sounds.shape
    plan = _plan(channels, samples, sample_rate, config)
    audio = sounds.contiguous().numpy()
    heard = _Heard.room(count, plan)
    each_item(lambda i: _hear(audio[i], plan, heard, i, magnitudes), count, threads)
    with one_core():
        return _features(heard, plan)


@dataclass(frozen=True)
class _Window:
    """How one window reads a channel.

    Attributes:
        grid: of its frames; `rows` of them, `count` without those beyond either end.
        shape: (window,).
        firsts, widths, weights: of the mel bands of all its scales, see `mel_runs`.
        curve, hz, octaves: weights of what is read beside them, empty where it is not; see `kernels`.
    """

    grid: loudness.Grid
    rows: int
    count: int
    shape: np.ndarray
    firsts: np.ndarray
    widths: np.ndarray
    weights: np.ndarray
    curve: np.ndarray
    hz: np.ndarray
    octaves: np.ndarray


@dataclass(frozen=True)
class _Plan:
    """All that the shape of the sounds and the config decide: windows in their order, and the side's.

    `frame` is an envelope frame in samples, `envelope` how many there are.
    """

    config: FeatureConfig
    sample_rate: int
    channels: int
    samples: int
    windows: tuple[_Window, ...]
    side: _Window
    frame: int
    envelope: int


@functools.lru_cache(128)
def _plan(channels: int, samples: int, sample_rate: int, config: FeatureConfig) -> _Plan:
    main = loudness.main_grid(samples, sample_rate, config)
    windows = []
    for window in config.windows:
        counts = tuple(count for other, count in config.mels if other == window)
        if not windows:
            windows.append(_window(main, counts, weigh=True, bins=config.descriptors == "bins"))
        else:
            grid = loudness.Grid(sample_rate, samples, *config.frames(window, sample_rate), extra=0)
            windows.append(_window(grid, counts, weigh=False, bins=False))
    side = _window(loudness.side_grid(main), (), weigh=True, bins=False, window_power=0.5)
    frame = config.envelope_samples(sample_rate)
    return _Plan(config, sample_rate, channels, samples, tuple(windows), side, frame, -(-samples // frame))


def _window(
    grid: loudness.Grid, counts: tuple[int, ...], *, weigh: bool, bins: bool, window_power: float = 1.0
) -> _Window:
    """Of mel scales with so many bands each; `weigh` and `bins` ask for energy and for centroid and flatness."""
    count = frame_count(grid.samples, grid.hop)
    return _Window(
        grid,
        count + 2 * grid.extra,
        count,
        window_shape(grid.window, window_power, _CPU).numpy(),
        *mel_runs(grid.window, grid.sample_rate, counts),
        loudness.bin_weights(grid, _CPU).numpy() if weigh else _NOTHING,
        bin_hz(grid.window // 2 + 1, grid.sample_rate, _CPU).numpy() if bins else _NOTHING,
        band_octaves(counts[0], grid.sample_rate, _CPU).numpy() if weigh and counts else _NOTHING,
    )


@dataclass(frozen=True)
class _Heard:
    """What is filled sound by sound, (N, …) each: log-mels of each scale, and see `kernels`."""

    mels: tuple[np.ndarray, ...]
    mfcc: np.ndarray
    energy: np.ndarray
    side_energy: np.ndarray
    centroid: np.ndarray
    flatness: np.ndarray
    centre: np.ndarray
    power: np.ndarray
    dc: np.ndarray

    @classmethod
    def room(cls, count: int, plan: _Plan) -> _Heard:
        main = plan.windows[0]

        def empty(*shape: int) -> np.ndarray:
            return np.empty((count, *shape), np.float32)

        frames = {window: own.count for window, own in zip(plan.config.windows, plan.windows, strict=True)}
        return cls(
            tuple(empty(frames[window], bands) for window, bands in plan.config.mels),
            empty(main.count, plan.config.mfcc),
            empty(main.rows),
            empty(plan.side.rows),
            empty(main.count),
            empty(main.count),
            empty(main.count),
            empty(plan.channels, plan.envelope),
            empty(),
        )


def _hear(audio: np.ndarray, plan: _Plan, heard: _Heard, i: int, magnitudes: Magnitudes | None) -> None:
    """Fill the place of one sound (C, T)."""
    parts = np.empty_like(audio)
    heard.dc[i] = kernels.channels(audio, plan.frame, parts, heard.power[i])
    sounding = kernels.sounding(audio)
    bands, found = [], []
    for window in plan.windows:
        main, bins = window is plan.windows[0], window.grid.window // 2 + 1
        bands.append(np.empty((window.count, len(window.firsts)), np.float32))
        found.append(np.empty((window.count if magnitudes else min(1, window.hz.size), bins), np.float32))
        told = _Told(heard.energy[i], heard.centroid[i], heard.flatness[i], heard.centre[i]) if main else _Told()
        _read(parts[0], sounding, window, plan.config.floor_db, bands[-1], found[-1], told)
    if len(parts) > 1:
        nothing = np.empty((0, plan.side.grid.window // 2 + 1), np.float32)
        _read(parts[1], sounding, plan.side, plan.config.floor_db, nothing, nothing, _Told(heard.side_energy[i]))
    _finish(bands, plan, heard, i)
    if magnitudes is not None:
        magnitudes(i, found)


def _finish(bands: Sequence[np.ndarray], plan: _Plan, heard: _Heard, i: int) -> None:
    """What follows from the bands of one sound, those of all scales on each window side by side."""
    config = plan.config
    floor, scale = np.float32(10 ** (config.floor_db / 10)), np.float32(10 / math.log(10))
    ends = dict.fromkeys(config.windows, 0)
    for (window, count), mels in zip(config.mels, heard.mels, strict=True):
        begin, ends[window] = ends[window], ends[window] + count
        mel = mels[i]  # in dB, as `mel.decibels` has it
        np.maximum(bands[config.windows.index(window)][:, begin : ends[window]], floor, out=mel)
        np.log(mel, out=mel)
        mel *= scale
    main = heard.mels[0][i]
    kernels.transform(main, dct(config.mfcc, main.shape[1], _CPU).numpy(), heard.mfcc[i])
    if config.descriptors == "bands":
        power = torch.from_numpy(bands[0][:, : config.mels[0][1]])
        heard.centroid[i] = band_centroid_hz(power, plan.sample_rate)
        heard.flatness[i] = band_flatness(power, torch.from_numpy(main))


class _Told(NamedTuple):
    """What one window tells beside bands and magnitudes, see `kernels.listen`; empty where it does not."""

    energy: np.ndarray = _NOTHING
    centroid: np.ndarray = _NOTHING
    flatness: np.ndarray = _NOTHING
    centre: np.ndarray = _NOTHING


def _read(
    audio: np.ndarray,
    sounding: int,
    window: _Window,
    floor_db: float,
    bands: np.ndarray,
    magnitudes: np.ndarray,
    told: _Told,
) -> None:
    """Read a channel (T,) through one window, silent from sample `sounding` on; the last three are filled."""
    size, hop, extra = window.grid.window, window.grid.hop, window.grid.extra
    bins = size // 2 + 1
    power, products, floor = np.empty(bins, np.float32), np.empty(bins), np.float32(10 ** (floor_db / 10))
    step, rows = max(1, _AT_ONCE // size), _rows_that_differ(window, sounding)
    for first in range(0, rows, step):
        block = np.empty((min(step, rows - first), size), np.float32)
        kernels.frames(audio, window.shape, hop, size // 2 + (extra - first) * hop, block)
        spectrum = torch.view_as_real(torch.fft.rfft(torch.from_numpy(block))).numpy().reshape(len(block), 2 * bins)
        kernels.listen(
            spectrum, first - extra, window.firsts, window.widths, window.weights,
            window.curve, window.hz, window.octaves, floor,
            power, products, bands, magnitudes, told.energy[first:], told.centroid, told.flatness, told.centre,
        )  # fmt: skip
    told.energy[rows:] = told.energy[rows - 1 : rows]
    for values in (bands, magnitudes, told.centroid, told.flatness, told.centre):
        values[rows - extra :] = values[rows - extra - 1 : rows - extra]


def _rows_that_differ(window: _Window, sounding: int) -> int:
    """How many rows there are to be read: all that begin before sample `sounding`, and of those in silence the first.

    The rest sound like that one. It is one of the `count`, as what lies beyond the end is told of by its energy alone.
    """
    size, hop, extra = window.grid.window, window.grid.hop, window.grid.extra
    first_silent = max(0, -(-(sounding + size // 2) // hop)) + extra
    return min(first_silent + 1, window.rows) if first_silent < window.count + extra else window.rows


def _features(heard: _Heard, plan: _Plan) -> dict[str, Any]:
    """What follows from it, row by row."""
    floor_db = plan.config.floor_db
    envelopes = decibels(torch.from_numpy(heard.power), floor_db)
    power = torch.from_numpy(heard.power[:, 0])
    return {
        "mels": tuple(map(torch.from_numpy, heard.mels)),
        "mfcc": torch.from_numpy(heard.mfcc),
        "centroid_octaves": torch.from_numpy(heard.centre),
        "centroid_hz": torch.from_numpy(heard.centroid),
        "flatness": torch.from_numpy(heard.flatness),
        "envelope_db": envelopes[:, 0].contiguous(),
        "side_db": envelopes[:, 1].contiguous() if plan.channels > 1 else torch.full_like(power, floor_db),
        "level_db": decibels(power.sum(-1) * (plan.frame / plan.samples), floor_db),
        "dc": torch.from_numpy(heard.dc),
        **_loudness(heard, plan),
    }


def _loudness(heard: _Heard, plan: _Plan) -> dict[str, torch.Tensor]:
    config = plan.config
    blocks = _blocks(heard.energy, plan.windows[0].grid, config)
    if plan.channels > 1:
        blocks = blocks + _blocks(heard.side_energy, plan.side.grid, config)
    return loudness.told(blocks, config)


def _blocks(energy: np.ndarray, grid: loudness.Grid, config: FeatureConfig) -> torch.Tensor:
    weights = loudness.block_weights(grid, energy.shape[1], config.momentary_steps, _CPU).numpy()
    blocks = np.empty((len(energy), weights.shape[1]), np.float32)
    kernels.transform(energy, weights, blocks)  # row by row: torch's product rounds by how many rows there are
    return torch.from_numpy(blocks)
