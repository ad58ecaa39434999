"""Spectrograms of two sounds and of their difference, as PNG pictures on one dB scale: for reports and for trainings.

Shapes: audio (C, T), pictures F log-spaced frequencies × time frames. Units: Hz, s, dB re the louder peak.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "GROUND",
    "QUIET",
    "Spectrogram",
    "draw_pair",
    "draw_spectrograms",
    "log_spectrogram",
    "png_of",
    "small_spectrograms",
]

WINDOW, HOP_MAX = 4096, 512
LOW_HZ, ROWS = 40.0, 224
FLOOR_DB = -80.0
DIFFERENCE_DB = 40.0
QUIET, GROUND, TEXT = "#8b93a7", "#12141c", "#e6e9f2"
TICKS_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
SMALL = (168, 84)
"""Width and height of a small picture, pixels."""


@dataclass(frozen=True)
class Spectrogram:
    """Levels over log frequency and time.

    Attributes:
        level_db: (F, N) float64.
        frequency_hz: (F,), log-spaced.
        total_s: length of the time axis.
    """

    level_db: np.ndarray
    frequency_hz: np.ndarray
    total_s: float


def log_spectrogram(audio: np.ndarray, sample_rate: int, samples: int) -> Spectrogram:
    """Measure a sound's level over log frequency and time; a sine of amplitude 1 reads about 0 dB.

    Args:
        audio: (C, T); the channels' powers are averaged.
        sample_rate: Hz.
        samples: length to show; shorter audio is padded with silence, longer is cut.

    Example:
        >>> tone = np.sin(2 * np.pi * 1000 * np.arange(44_100) / 44_100)[None]
        >>> shown = log_spectrogram(tone, 44_100, 44_100)
        >>> bool(abs(shown.frequency_hz[shown.level_db[:, 40].argmax()] / 1000 - 1) < 0.03)
        True
    """
    audio = np.asarray(audio, np.float64)[:, :samples]
    audio = np.pad(audio, ((0, 0), (WINDOW // 2, WINDOW // 2 + samples - audio.shape[1])))
    hop = max(64, min(HOP_MAX, samples // 300))
    starts = np.arange(0, samples, hop)
    window = np.hanning(WINDOW)
    frames = audio[:, starts[:, None] + np.arange(WINDOW)] * window
    power = np.mean(np.abs(np.fft.rfft(frames, axis=-1)) ** 2, axis=0).T * (2.0 / window.sum()) ** 2
    edges = np.geomspace(LOW_HZ, 0.48 * sample_rate, ROWS + 1)
    rows = _fold(power, edges * WINDOW / sample_rate)
    level_db = 10.0 * np.log10(np.maximum(rows, 1e-20))
    return Spectrogram(level_db, np.sqrt(edges[:-1] * edges[1:]), samples / sample_rate)


def _fold(power: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Gather FFT bins (K, N) into rows: the strongest bin inside, or between bins where rows are narrow."""
    bins = np.arange(power.shape[0])
    centre = np.sqrt(edges[:-1] * edges[1:])
    low = np.clip(np.floor(centre).astype(int), 0, bins[-1] - 1)
    part = (centre - low)[:, None]
    rows = power[low] * (1.0 - part) + power[low + 1] * part
    for row, (start, stop) in enumerate(zip(np.ceil(edges[:-1]), np.ceil(edges[1:]), strict=True)):
        if stop - start >= 2:
            rows[row] = power[int(start) : int(stop)].max(axis=0)
    return rows


def draw_spectrograms(target: np.ndarray, match: np.ndarray, sample_rate: int) -> tuple[bytes, bytes, bytes]:
    """Draw target, match and match minus target as PNG files of equal size and axes.

    The two sounds share one scale, 80 dB down from the louder peak; the difference is in the same dB,
    clipped at ±40, with everything under the floor counted as the floor.

    Args:
        target: (C, T), at the level at which it is compared.
        match: (C, T), likewise.
        sample_rate: Hz.
    """
    shown, levels = _on_one_scale(target, match, sample_rate)
    scale = {"cmap": "magma", "vmin": FLOOR_DB, "vmax": 0.0}
    signed = {"cmap": _difference_colours(), "vmin": -DIFFERENCE_DB, "vmax": DIFFERENCE_DB}
    return (
        _draw(shown[0], levels[0], scale, "dB"),
        _draw(shown[1], levels[1], scale, "dB"),
        _draw(shown[0], levels[1] - levels[0], signed, "dB (match − target)"),
    )


def _on_one_scale(
    target: np.ndarray, match: np.ndarray, sample_rate: int
) -> tuple[list[Spectrogram], list[np.ndarray]]:
    """Both spectrograms, and their levels in dB re the louder peak, not below the floor."""
    samples = max(target.shape[1], match.shape[1])
    shown = [log_spectrogram(audio, sample_rate, samples) for audio in (target, match)]
    peak_db = max(float(s.level_db.max()) for s in shown)
    return shown, [np.maximum(s.level_db - peak_db, FLOOR_DB) for s in shown]


def draw_pair(
    target: np.ndarray, match: np.ndarray, sample_rate: int, titles: tuple[str, str] = ("target", "match")
) -> bytes:
    """Draw target and match side by side in one PNG file, on the scale of `draw_spectrograms`, 900 × 360 pixels.

    It is drawn often, so each cell is an image's pixel: ten times as fast as the meshes of a report.

    Args:
        target: (C, T), at the level at which it is compared.
        match: (C, T), likewise.
        sample_rate: Hz.
        titles: of the two.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown, levels = _on_one_scale(target, match, sample_rate)
    figure = Figure(figsize=(9.0, 3.6), dpi=100, facecolor=GROUND)
    FigureCanvasAgg(figure)
    for column, (level_db, title) in enumerate(zip(levels, titles, strict=True)):
        axes = figure.add_axes((0.065 + 0.45 * column, 0.13, 0.41, 0.77), facecolor=GROUND)
        ends = (0.0, shown[0].total_s, 0.0, float(ROWS))
        image = axes.imshow(
            level_db, cmap="magma", vmin=FLOOR_DB, vmax=0.0, origin="lower", aspect="auto", extent=ends, rasterized=True
        )
        _style_rows(axes, shown[0], labels=column == 0)
        axes.set_title(title.replace("$", r"\$"), color=TEXT, fontsize=10)
    bar = figure.colorbar(image, cax=figure.add_axes((0.937, 0.13, 0.012, 0.77)))
    bar.set_label("dB", color=QUIET, fontsize=8, labelpad=1)
    bar.ax.tick_params(colors=QUIET, labelsize=7.5, length=0)
    bar.outline.set_visible(False)
    return png_of(figure)


def png_of(figure: Any) -> bytes:
    """A figure as a PNG file; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor=figure.get_facecolor(), metadata={"Software": None})
    return buffer.getvalue()


def _style_rows(axes: Any, shown: Spectrogram, labels: bool) -> None:
    """Axes whose height counts rows of a spectrogram: ticks at round frequencies."""
    step = np.log(shown.frequency_hz[1] / shown.frequency_hz[0])
    ticks = [f for f in TICKS_HZ if shown.frequency_hz[0] < f < shown.frequency_hz[-1]]
    places = [float(np.log(f / shown.frequency_hz[0]) / step) + 0.5 for f in ticks]
    axes.set_yticks(places, [_hz(f) if labels else "" for f in ticks])
    axes.set_ylabel("Hz" if labels else "", color=QUIET, fontsize=8)
    _style_frame(axes)


def small_spectrograms(clips: Sequence[np.ndarray], sample_rate: int) -> list[bytes]:
    """Draw sounds as small WebP pictures without axes, on one scale: 80 dB down from the loudest peak of all.

    Args:
        clips: each (C, T), at the level at which they are compared; time spans the longest.
        sample_rate: Hz.
    """
    samples = max(clip.shape[1] for clip in clips)
    shown = [log_spectrogram(clip, sample_rate, samples).level_db for clip in clips]
    peak_db = max(float(level_db.max()) for level_db in shown)
    return [_small(np.clip((level_db - peak_db) / -FLOOR_DB + 1.0, 0.0, 1.0)) for level_db in shown]


def _small(shares: np.ndarray) -> bytes:
    """Of levels (F, N) in [0, 1], low frequencies at the bottom."""
    from matplotlib import colormaps
    from PIL import Image

    colours = colormaps["magma"](shares[::-1], bytes=True)[..., :3]
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(colours)).resize(SMALL, Image.Resampling.BOX).save(
        buffer, format="WEBP", quality=60
    )
    return buffer.getvalue()


def _difference_colours() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    colours = ["#8fd3ff", "#2b7fd0", "#173a63", GROUND, "#6b3414", "#e08a2c", "#ffe0a3"]
    return LinearSegmentedColormap.from_list("difference", colours)


def _draw(shown: Spectrogram, level_db: np.ndarray, scale: dict[str, Any], unit: str) -> bytes:
    """Draw one picture with the object interface of matplotlib, which touches no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.3, 3.0), dpi=160, facecolor=GROUND, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=GROUND)
    times = np.linspace(0.0, shown.total_s, level_db.shape[1])
    image = axes.pcolormesh(times, shown.frequency_hz, level_db, shading="nearest", rasterized=True, **scale)
    _style_axes(axes, shown)
    bar = figure.colorbar(image, ax=axes, pad=0.015, fraction=0.045)
    bar.set_label(unit, color=QUIET, fontsize=8)
    bar.ax.tick_params(colors=QUIET, labelsize=7.5, length=0)
    bar.outline.set_visible(False)
    return png_of(figure)


def _style_axes(axes: Any, shown: Spectrogram) -> None:
    axes.set_yscale("log")
    axes.set_xlim(0.0, shown.total_s)
    axes.set_ylim(shown.frequency_hz[0], shown.frequency_hz[-1])
    ticks = [f for f in TICKS_HZ if f < shown.frequency_hz[-1]]
    axes.set_yticks(ticks, [_hz(f) for f in ticks])
    axes.minorticks_off()
    axes.set_ylabel("Hz", color=QUIET, fontsize=8)
    _style_frame(axes)


def _hz(frequency: int) -> str:
    return f"{frequency // 1000} k" if frequency >= 1000 else f"{frequency}"


def _style_frame(axes: Any) -> None:
    axes.set_xlabel("seconds", color=QUIET, fontsize=8)
    axes.tick_params(colors=QUIET, labelsize=7.5, length=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
