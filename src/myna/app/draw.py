"""Drawings for the pages: small dark screens of inline SVG, which look the same in the light and the dark theme.

Every function returns HTML for `st.html`; texts in it are numbers and words of our own, or escaped.

Shapes: audio (C, T), N points. Units: s, Hz, dB.
"""

from __future__ import annotations

import base64
import functools
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from myna.app.sound import Level
from myna.evaluation.report.charts import curve_chart, term_bars
from myna.evaluation.report.clips import wave_path
from myna.features.spectrogram import log_spectrogram
from myna.synth import drawn

__all__ = [
    "curve",
    "envelope",
    "lfo",
    "meter",
    "module_screen",
    "oscillator",
    "response",
    "screen",
    "similarity",
    "spectrogram",
    "terms",
    "waveform",
]

WIDTH, HEIGHT = 300.0, 84.0
RANGE_DB = 70.0
LOW_HZ, HIGH_HZ = 20.0, 20_000.0
TOP_DB, BOTTOM_DB = 24.0, -48.0
INKS = {"": "#7cc4ff", "filter": "#ffb454", "env": "#9be28c", "lfo": "#c9a2ff"}
"""Colours of traces by kind of screen."""
STROKES = (
    "path,line{vector-effect:non-scaling-stroke}.trace{fill:none;stroke-width:2;stroke-linejoin:round}"
    ".fill{opacity:.16}.wave{opacity:.9}.rule{stroke:#8b93a7;stroke-opacity:.18}"
    ".mark{stroke:#ffb454;stroke-dasharray:3 3;stroke-opacity:.8}.dot{fill:#ffb454}"
    "text{fill:#8b93a7;font:12px sans-serif}.end{text-anchor:end}.middle{text-anchor:middle}"
    ".arc{fill:none;stroke-width:14;stroke-linecap:round;vector-effect:none}"
)


def screen(inner: str, width: float = WIDTH, height: float = HEIGHT, label: str = "", kind: str = "") -> str:
    """A dark screen around SVG elements; `label` is read out and stands in its corner."""
    shown = html.escape(label)
    corner = f'<span class="corner">{shown}</span>' if label else ""
    return f'<div class="screen {kind}">{_image(inner, width, height, label, kind)}{corner}</div>'


def _image(inner: str, width: float, height: float, label: str, kind: str, fit: str = "none") -> str:
    """SVG elements as a picture that fills its place: Streamlit lets no inline SVG through."""
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="{fit}">'
        f"<style>{_ink(kind)}{STROKES}</style>{inner}</svg>"
    )
    data = base64.b64encode(drawing.encode("utf-8")).decode("ascii")
    return f'<img alt="{html.escape(label)}" src="data:image/svg+xml;base64,{data}"/>'


def _ink(kind: str) -> str:
    """The colour of a screen's trace."""
    ink = INKS.get(kind, INKS[""])
    return f".trace{{stroke:{ink}}}.fill,.wave{{fill:{ink}}}"


def _line(x: np.ndarray, y: np.ndarray, kind: str = "trace", floor: float | None = None) -> str:
    """A line through points in user units, filled down to `floor` where there is one."""
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
    if floor is None:
        return f'<path class="{kind}" d="{path}"/>'
    below = f'<path class="fill" d="{path}L{x[-1]:.1f} {floor:.1f}L{x[0]:.1f} {floor:.1f}Z"/>'
    return f'{below}<path class="{kind}" d="{path}"/>'


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str = "rule") -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def oscillator(cycle: np.ndarray, label: str = "") -> str:
    """One cycle of a wave (N,)."""
    x = np.linspace(0.0, WIDTH, len(cycle) + 1)
    y = HEIGHT / 2 - np.append(cycle, cycle[0]) / max(float(np.abs(cycle).max()), 1e-9) * (HEIGHT / 2 - 7)
    return screen(_rule(0, HEIGHT / 2, WIDTH, HEIGHT / 2) + _line(x, y, floor=HEIGHT / 2), label=label, kind="osc")


def response(values: Mapping[str, Any], module: str = "filter") -> str:
    """The filter's response over 20 Hz to 20 kHz, with its cutoff."""
    hz = np.geomspace(LOW_HZ, HIGH_HZ, 160)
    level_db = np.clip(drawn.filter_response_db(values, hz, module), BOTTOM_DB, TOP_DB)
    y = (TOP_DB - level_db) / (TOP_DB - BOTTOM_DB) * HEIGHT
    zero = TOP_DB / (TOP_DB - BOTTOM_DB) * HEIGHT
    cutoff = float(np.log(float(values[f"{module}.cutoff_hz"]) / LOW_HZ) / np.log(HIGH_HZ / LOW_HZ)) * WIDTH
    marks = "".join(
        _rule(np.log(f / LOW_HZ) / np.log(HIGH_HZ / LOW_HZ) * WIDTH, 0, *_down(f)) for f in (100, 1000, 10_000)
    )
    inner = marks + _rule(0, zero, WIDTH, zero) + _rule(cutoff, 0, cutoff, HEIGHT, "mark")
    return screen(inner + _line(np.linspace(0, WIDTH, len(hz)), y, floor=HEIGHT), label="20 Hz – 20 kHz", kind="filter")


def _down(frequency_hz: float) -> tuple[float, float]:
    return float(np.log(frequency_hz / LOW_HZ) / np.log(HIGH_HZ / LOW_HZ) * WIDTH), HEIGHT


def envelope(values: Mapping[str, Any], module: str, gate_s: float) -> str:
    """An envelope from the key going down to the end of its release, with the moment at which the key goes up."""
    total_s = gate_s + max(0.05, float(values[f"{module}.release_s"]))
    time_s = np.linspace(0.0, total_s, 220)
    level = drawn.envelope_levels(values, module, time_s, gate_s)
    up = gate_s / total_s * WIDTH
    inner = _rule(up, 0, up, HEIGHT, "mark") + _line(
        time_s / total_s * WIDTH, HEIGHT - 3 - level * (HEIGHT - 10), floor=HEIGHT
    )
    return screen(inner, label=_seconds(total_s), kind="env")


def lfo(values: Mapping[str, Any], module: str, total_s: float) -> str:
    """An LFO over the length of the note, or over eight cycles where it is faster than that."""
    shown_s = min(total_s, 8.0 / float(values[f"{module}.rate_hz"]))
    time_s = np.linspace(0.0, shown_s, 320)
    level = drawn.lfo_levels(values, module, time_s)
    y = HEIGHT / 2 - level * (HEIGHT / 2 - 8)
    inner = _rule(0, HEIGHT / 2, WIDTH, HEIGHT / 2) + _line(time_s / shown_s * WIDTH, y)
    return screen(inner, label=_seconds(shown_s), kind="lfo")


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1.0 else f"{seconds:.2g} s"


def module_screen(values: Mapping[str, Any], module: str, gate_s: float, total_s: float) -> str | None:
    """The drawing of a module of Serum-lite, or None where there is nothing to draw."""
    if module.startswith("osc_"):
        return oscillator(drawn.wavetable_cycle(values, module), str(values[f"{module}.table"]).replace("_", " "))
    if module == "sub":
        return oscillator(drawn.sub_cycle(values, module))
    if module == "filter":
        return response(values, module)
    if module.startswith("env_"):
        return envelope(values, module, gate_s)
    return lfo(values, module, total_s) if module.startswith("lfo_") else None


def waveform(audio: np.ndarray, sample_rate: int, gate_s: float | None = None, label: str = "") -> str:
    """A sound's outline on a fixed scale, so that a softer sound looks softer, with the moment the key goes up."""
    width, half = 600, 44.0
    total_s = audio.shape[1] / sample_rate
    wave = f'<path class="wave" d="{wave_path(audio, audio.shape[1], 1.0, width, half)}"/>'
    up = (
        ""
        if gate_s is None or gate_s >= total_s
        else _rule(gate_s / total_s * width, 0, gate_s / total_s * width, 2 * half, "mark")
    )
    return screen(_rule(0, half, width, half) + wave + up, width, 2 * half, label or _seconds(total_s), "tall")


def spectrogram(audio: np.ndarray, sample_rate: int, label: str = "") -> str:
    """A sound's level over log frequency and time, 70 dB down from its peak."""
    shown = log_spectrogram(audio, sample_rate, audio.shape[1])
    peak_db = float(shown.level_db.max())
    part = np.clip((shown.level_db - peak_db) / RANGE_DB + 1.0, 0.0, 1.0)
    picture = base64.b64encode(_png(part[::-1])).decode("ascii")
    low, high = np.log(shown.frequency_hz[0]), np.log(shown.frequency_hz[-1])
    ticks = "".join(
        f'<span class="tick" style="bottom:{100 * (np.log(hz) - low) / (high - low):.1f}%">{name}</span>'
        for hz, name in ((100, "100"), (1000, "1k"), (10_000, "10k"))
    )
    text = html.escape(label or "spectrogram")
    return f'<div class="screen tall"><img alt="{text}" src="data:image/png;base64,{picture}"/>{ticks}</div>'


def _png(part: np.ndarray) -> bytes:
    """A picture (rows, columns) of values in [0, 1] in the colours of the reports."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(_colours()[(part * 255.0).astype(np.uint8)]).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@functools.cache
def _colours() -> np.ndarray:
    """The colour map as a table, (256, 3) uint8."""
    from matplotlib import colormaps

    return (colormaps["magma"](np.arange(256))[:, :3] * 255.0).astype(np.uint8)


def meter(level: Level) -> str:
    """Peak and loudness as a bar from -60 dB to full scale, and in numbers."""
    peak, loud = (100.0 * min(max(1.0 + db / 60.0, 0.0), 1.0) for db in (level.peak_db, level.loudness_lufs))
    over = " over" if level.clips else ""
    warning = f" · clips by {level.peak_db:.1f} dB" if level.clips else ""
    return (
        f'<div class="meter{over}"><div class="bar">'
        f'<i style="width:{loud:.1f}%"></i><b style="left:{peak:.1f}%"></b></div>'
        f"<span>peak {_db(level.peak_db)} dB · {_db(level.loudness_lufs)} LUFS{warning}</span></div>"
    )


def _db(value: float) -> str:
    return f"{value:.1f}".replace("-", "−") if value > -119.0 else "−∞"


def curve(points: Sequence[Sequence[float]], renders: int) -> str | None:
    """The best loss so far against renders; None before the first."""
    chart = curve_chart([(int(at), loss) for at, loss in points], renders)
    if chart is None:
        return None
    grid = "".join(
        _rule(chart.left, y, chart.right, y)
        + f'<text x="{chart.left - 6:.1f}" y="{y + 4:.1f}" class="end">{text}</text>'
        for y, text in chart.y_ticks
    )
    below = "".join(
        f'<text x="{x:.1f}" y="{chart.bottom + 18:.1f}" class="middle">{text}</text>' for x, text in chart.x_ticks
    )
    x, y = chart.end
    line = f'<path class="fill" d="{chart.area}"/><path class="trace" d="{chart.line}"/>'
    dot = f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    inner = grid + below + line + dot
    words = f"best loss {points[-1][1]:.3f} after {int(points[-1][0])} renders"
    return f'<div class="screen chart">{_image(inner, chart.width, chart.height, words, "", "xMidYMid")}</div>'


def similarity(percent: float) -> str:
    """How alike two sounds are, as an arc and a number."""
    part = min(max(percent / 100.0, 0.0), 1.0)
    length = 3.14159 * 80.0
    colour = "#9be28c" if percent >= 60.0 else "#ff7a6b" if percent < 30.0 else "#ffb454"
    arc = 'class="arc" d="M20 100A80 80 0 0 1 180 100"'
    inner = (
        f'<path {arc} stroke="#8b93a7" stroke-opacity=".2"/>'
        f'<path {arc} stroke="{colour}" stroke-dasharray="{part * length:.1f} {length:.1f}"/>'
    )
    picture = _image(inner, 200.0, 112.0, f"{percent:.0f} percent similar", "", "xMidYMid")
    return f'<div class="similarity">{picture}<b>{percent:.0f}<small> %</small></b><span>similar</span></div>'


def terms(losses: Mapping[str, float], most: int = 5) -> str:
    """What still differs, dearest first: a bar for each part of the loss."""
    rows = "".join(
        f'<div><span>{html.escape(bar.title)}</span><i><b style="width:{bar.width:.1f}%"></b></i>'
        f"<em>{bar.value:.3f}</em></div>"
        for bar in term_bars(losses)[:most]
    )
    return f'<div class="terms">{rows}</div>'
