"""What was found, as a person reads it: lines of plain text."""

from __future__ import annotations

from collections.abc import Sequence

from myna.analysis.compare import Comparison, Part
from myna.analysis.sound import SHORTEST_ATTACK_S, Summary

__all__ = ["describe", "describe_comparison", "sparkline"]

BLOCKS = "▁▂▃▄▅▆▇█"
STEP_DB = 6.0
_STEADY_OCTAVES = 0.2


def describe(summary: Summary) -> str:
    """The whole summary; the first line names the file, the others are indented."""
    rows = [
        ("level", _level(summary)),
        ("loudness", _loudness(summary)),
        ("pitch", _pitch(summary)),
        ("time", _times(summary)),
        ("envelope", f"{sparkline(summary.envelope_db)}  one step is {STEP_DB:g} dB"),
        ("brightness", _brightness(summary)),
        ("noisiness", f"{_noise_word(summary.flatness_db)} (flatness {summary.flatness_db:.0f} dB, white noise is 0)"),
        ("stereo", _stereo(summary)),
    ]
    lines = [f"{summary.name}: {_format(summary)}", *(f"  {label:<11}{text}" for label, text in rows)]
    return "\n".join([*lines, *(f"  note: {warning}" for warning in summary.warnings)])


def sparkline(levels_db: Sequence[float]) -> str:
    """Levels as blocks of eight heights, 6 dB each from the highest down; a space is 48 dB down or more.

    >>> sparkline([0, -5, -6, -20, -41, -60])
    '██▇▅▂ '
    """
    highest = max(levels_db)
    steps = [int((highest - level) // STEP_DB) for level in levels_db]
    return "".join(BLOCKS[-1 - step] if step < len(BLOCKS) else " " for step in steps)


def _format(s: Summary) -> str:
    channels = {1: "mono", 2: "stereo"}.get(s.channels, f"{s.channels} channels")
    return f"{s.duration_s:.2f} s, {channels}, {s.sample_rate / 1000:g} kHz"


def _level(s: Summary) -> str:
    clipping = f"{100 * s.clipped_share:.2g} % clipped" if s.clipped_share else "no clipping"
    offset = f"DC {s.dc:.3f}" if s.dc >= 0.001 else "no DC"
    return f"{s.level_db:.1f} dB RMS, peak {s.peak_db:.1f} dB, {clipping}, {offset}"


def _loudness(s: Summary) -> str:
    return f"{s.loudness_lufs:.1f} LUFS, momentary {s.momentary_low_lufs:.1f} to {s.momentary_high_lufs:.1f}"


def _pitch(s: Summary) -> str:
    if s.note_midi is None:
        return "none that is clear"
    return f"{s.note_name} (MIDI {s.note_midi:g}, {s.frequency_hz:.1f} Hz)"


def _times(s: Summary) -> str:
    held = "" if s.gate_s is None else f", key held {s.gate_s:.2f} s"
    attack = f"attack {1000 * s.attack_s:.0f} ms" if s.attack_s > SHORTEST_ATTACK_S else "attack at once"
    return f"starts at {s.onset_s:.3f} s, {attack}{held}, over at {s.end_s:.2f} s"


def _brightness(s: Summary) -> str:
    change = s.centroid_change_octaves
    if abs(change) < _STEADY_OCTAVES:
        return f"centre at {s.centroid_hz:,.0f} Hz, steady"
    way = "rises" if change > 0 else "falls"
    span = f"from {s.centroid_start_hz:,.0f} to {s.centroid_end_hz:,.0f} Hz"
    return f"centre at {s.centroid_hz:,.0f} Hz, {way} {span} ({abs(change):.1f} octaves)"


def _noise_word(flatness_db: float) -> str:
    words = ((-10.0, "noise"), (-25.0, "noisy"), (-35.0, "slightly noisy"))
    return next((word for least, word in words if flatness_db >= least), "tonal")


def _stereo(s: Summary) -> str:
    if s.channels == 1:
        return "mono"
    words = ((0.75, "out of phase"), (0.3, "wide"), (0.05, "moderate"), (0.0005, "narrow"))
    word = next((word for least, word in words if s.stereo_width >= least), "mono in two channels")
    return f"{word} (side {100 * s.stereo_width:.2g} % of the energy)"


def describe_comparison(comparison: Comparison, *, explain: bool = False) -> str:
    """A comparison as lines: the loss, then its parts, dearest first.

    Args:
        comparison: what was found.
        explain: also show how each part comes about, weight × raw value / scale.
    """
    head = f"{comparison.sound} against {comparison.target}: loss {comparison.loss:.3f}"
    lines = [f"{head} (0 is the same sound, 1 the median pair of random presets)"]
    for part in comparison.parts:
        lines.append(f"  {part.name:<10} {part.loss:.3f}  {100 * part.share:3.0f} %  {part.text}")
        if explain:
            lines.append(f"{'':>27}{_formula(part)}")
    return "\n".join([*lines, *(f"  note: {remark}" for remark in comparison.remarks)])


def _formula(part: Part) -> str:
    if part.kind == "penalty":
        return f"= weight {part.weight:g} × {part.raw:.3g} (a penalty: it closes a cheat)"
    return f"= weight {part.weight:g} × {part.raw:.3g} / {part.scale:.3g} {part.unit} (its scale over random pairs)"
