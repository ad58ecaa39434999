"""A sound as a picture: waveform, log-mel spectrogram, loudness over time, brightness over time."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from myna.analysis.sound import CONFIG, HEARD_BELOW_PEAK_DB, Sound
from myna.features import frame_sizes
from myna.features.mel import band_centres_hz
from myna.features.spectrogram import GROUND, QUIET

__all__ = ["plot_sound"]

BLOCK_S, STEP_S = 0.4, 0.1  # of momentary loudness, BS.1770
WIDTH_INCHES, HEIGHT_INCHES, DPI = 12.0, 10.0, 100
RANGE_DB = 70.0
TEXT = "#e6e9f2"
FIRST, SECOND, THIRD = "#7cc4ff", "#ffb454", "#9be28c"
FREQUENCIES_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def plot_sound(sound: Sound) -> bytes:
    """Draw four panels over one time axis, 1,200 × 1,000 pixels, as a PNG file; the same sound gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # The object interface of matplotlib, which touches no global state.
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DPI, facecolor=GROUND, layout="constrained")
    FigureCanvasAgg(figure)
    # The colour bar has a column of its own, so that the time axes stay aligned.
    grid = figure.add_gridspec(4, 2, height_ratios=(1.0, 2.2, 1.4, 1.2), width_ratios=(1.0, 0.018))
    axes = [figure.add_subplot(grid[row, 0], facecolor=GROUND) for row in range(4)]
    figure.suptitle(_title(sound), color=TEXT, fontsize=14)
    _draw_waveform(axes[0], sound)
    _draw_spectrogram(axes[1], figure.add_subplot(grid[1, 1]), sound)
    _draw_levels(axes[2], sound)
    _draw_centroid(axes[3], sound)
    total_s = sound.audio.shape[1] / sound.sample_rate
    for axis in axes:
        _style(axis, total_s, last=axis is axes[-1])
    figure.align_ylabels(axes)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor=GROUND, metadata={"Software": None})
    return buffer.getvalue()


def _title(sound: Sound) -> str:
    s = sound.summary
    pitch = "no clear pitch" if s.note_name is None else s.note_name
    # A dollar sign would start a formula.
    return f"{s.name} · {s.duration_s:.2f} s · {pitch} · {s.loudness_lufs:.1f} LUFS".replace("$", r"\$")


def _draw_waveform(axis: Any, sound: Sound) -> None:
    """The range of the samples in each of 1,200 columns or fewer; the softer channel lies in front."""
    size = max(1, -(-sound.audio.shape[1] // 1200))
    starts = np.arange(0, sound.audio.shape[1], size)
    names = ("left", "right") if len(sound.audio) == 2 else ("",)
    channels = sorted(
        zip(sound.audio, (FIRST, SECOND), names, strict=False), key=lambda c: -float(np.square(c[0]).sum())
    )
    for channel, colour, name in channels:
        low, high = np.minimum.reduceat(channel, starts), np.maximum.reduceat(channel, starts)
        axis.fill_between(starts / sound.sample_rate, low, high, color=colour, alpha=0.7, linewidth=0.6, label=name)
    limit = max(float(np.abs(sound.audio).max()) * 1.08, 1e-3)
    axis.set_ylim(-limit, limit)
    axis.set_ylabel("amplitude")
    if len(sound.audio) == 2:
        _legend(axis)


def _draw_spectrogram(axis: Any, bar_axis: Any, sound: Sound) -> None:
    mel_db = sound.features.mels[0].numpy().T
    centres_hz = band_centres_hz(sound.sample_rate, mel_db.shape[0]).numpy()
    top_db = float(mel_db.max())
    bottom_db = max(top_db - RANGE_DB, CONFIG.floor_db)
    image = axis.pcolormesh(
        _frame_times_s(sound),
        centres_hz,
        mel_db,
        shading="nearest",
        cmap="magma",
        vmin=bottom_db,
        vmax=max(top_db, bottom_db + 1.0),
        rasterized=True,
    )
    _frequency_axis(axis, centres_hz[0], centres_hz[-1])
    axis.set_ylabel("log-mel, Hz")
    bar = axis.figure.colorbar(image, cax=bar_axis)
    bar.set_label("dB re full scale", color=QUIET, fontsize=10)
    bar_axis.tick_params(colors=QUIET, labelsize=10, length=0)
    bar.outline.set_visible(False)


def _draw_levels(axis: Any, sound: Sound) -> None:
    features = sound.features
    envelope_db = features.envelope_db.numpy()
    frame_s = max(1, round(CONFIG.envelope_s * sound.sample_rate)) / sound.sample_rate
    axis.plot((np.arange(len(envelope_db)) + 0.5) * frame_s, envelope_db, color=FIRST, linewidth=1.5, label="RMS, dB")
    momentary = features.momentary_lufs.numpy()
    # A block tells of the 400 ms around its middle.
    middle_s = min(BLOCK_S, sound.audio.shape[1] / sound.sample_rate) / 2
    axis.plot(
        middle_s + np.arange(len(momentary)) * STEP_S,
        momentary,
        color=SECOND,
        linewidth=2.0,
        marker="o",
        markersize=4 if len(momentary) < 100 else 0,
        label="momentary loudness, LUFS",
    )
    whole = sound.summary.loudness_lufs
    axis.axhline(whole, color=THIRD, linewidth=1.2, linestyle="--", label=f"integrated, {whole:.1f} LUFS")
    top = max(float(envelope_db.max()), float(momentary.max()))
    axis.set_ylim(max(top - RANGE_DB, CONFIG.floor_db), top + 16.0)  # room for the legend
    axis.set_ylabel("level")
    _legend(axis)


def _draw_centroid(axis: Any, sound: Sound) -> None:
    """The centroid where there is sound to have one: within 40 dB of the loudest frame."""
    centroid_hz = sound.features.centroid_hz.numpy()
    loudest = sound.features.mels[0].numpy().max(axis=-1)
    shown = np.where((loudest > loudest.max() - HEARD_BELOW_PEAK_DB) & (centroid_hz > 0.0), centroid_hz, np.nan)
    axis.plot(_frame_times_s(sound), shown, color=FIRST, linewidth=1.4)
    mean_hz = sound.summary.centroid_hz
    axis.axhline(mean_hz, color=THIRD, linewidth=1.2, linestyle="--", label=f"mean, {mean_hz:,.0f} Hz")
    heard = shown[np.isfinite(shown)]
    low, high = (float(heard.min()), float(heard.max())) if len(heard) else (100.0, 1000.0)
    _frequency_axis(axis, max(low / 1.5, 20.0), high * 2.0)
    _legend(axis)
    axis.set_ylabel("centroid, Hz")
    axis.set_xlabel("seconds")


def _frame_times_s(sound: Sound) -> np.ndarray:
    _, hop = frame_sizes(CONFIG.windows[0], CONFIG.overlap, sound.sample_rate)
    return np.arange(len(sound.features.centroid_hz)) * hop / sound.sample_rate


def _frequency_axis(axis: Any, low_hz: float, high_hz: float) -> None:
    axis.set_yscale("log")
    axis.set_ylim(low_hz, high_hz)
    ticks = [hz for hz in FREQUENCIES_HZ if low_hz <= hz <= high_hz]
    axis.set_yticks(ticks, [f"{hz // 1000} k" if hz >= 1000 else f"{hz}" for hz in ticks])
    axis.minorticks_off()


def _legend(axis: Any) -> None:
    legend = axis.legend(loc="upper right", ncols=3, fontsize=10, facecolor=GROUND, edgecolor="none", framealpha=0.8)
    for text in legend.get_texts():
        text.set_color(TEXT)


def _style(axis: Any, total_s: float, last: bool) -> None:
    axis.set_xlim(0.0, total_s)
    axis.tick_params(colors=QUIET, labelsize=10, length=3, labelbottom=last)
    for label in (axis.xaxis.label, axis.yaxis.label):
        label.set_color(QUIET)
        label.set_fontsize(11)
    axis.grid(color=QUIET, alpha=0.15, linewidth=0.6)
    for spine in axis.spines.values():
        spine.set_visible(False)
