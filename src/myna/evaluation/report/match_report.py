"""One match as one HTML file that needs nothing else: no network, no fonts, no other files.

`page.py` keeps it closed to what a name or a tag might bring along.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from myna import __version__
from myna.evaluation.report.charts import biggest_term, curve_chart, term_bars, term_words
from myna.evaluation.report.clips import Clip, embed_wavs, equal_gains_db, wave_path
from myna.evaluation.report.knobs import modules_of
from myna.evaluation.report.page import asset, data_uri, policy, template
from myna.features.spectrogram import draw_spectrograms
from myna.params import ParameterTable
from myna.units import db_to_gain, note_name

__all__ = ["MatchLike", "render_match_report"]

POOR_LOSS = 0.6
SYNTH_NAMES = {"serum-lite": "Serum-lite"}
METRICS = {
    "mss": ("Multi-scale spectrum", "log-mel, mean dB, 0 is best"),
    "wmfcc": ("Tone colour over time", "MFCC, time-warped, 0 is best"),
    "sot": ("Spectral transport", "distance, 0 is best"),
    "rms_cosine": ("Envelope likeness", "cosine, 1 is best"),
    "level_error_db": ("Level error", "dB, 0 is best"),
}


class MatchLike(Protocol):
    """What the report reads of a match result; see `render_match_report`."""

    target: Any
    settings: Any
    preset: Any
    audio: np.ndarray
    loss: float
    similarity_percent: float
    terms: Mapping[str, float]
    metrics: Mapping[str, float]
    renders: int
    seconds: float
    curve: Sequence[tuple[int, float]]
    alternatives: Sequence[Any]
    note_midi: float
    gate_s: float
    warnings: Sequence[str]


def render_match_report(result: Any, table: ParameterTable, preset_json: str) -> str:
    """Write the page.

    Args:
        result: a match result (see `MatchLike`): target and match as audio (2, T) at the target's rate.
        table: the knobs of the synth that was matched with.
        preset_json: the preset file, offered for download.

    Returns:
        One self-contained HTML document, under 3 MB.

    Raises:
        UsageError: the preset names a knob that the table lacks.
    """
    clips = _clips(result)
    gains = equal_gains_db([clip.audio for clip in clips], result.target.sample_rate)
    played = [clip.audio * float(db_to_gain(gain)) for clip, gain in zip(clips, gains, strict=True)]
    style, script = asset("style.css"), asset("player.js")
    return template("match_report.html.j2").render(
        policy=policy(style, script),
        style=style,
        script=script,
        version=__version__,
        result=result,
        synth=SYNTH_NAMES.get(result.settings.synth, result.settings.synth),
        note_name=note_name(result.note_midi),
        verdict=verdict(result),
        poor=result.loss > POOR_LOSS,
        clips=_players(clips, played, gains, result.target.sample_rate),
        seconds_long=max(audio.shape[1] for audio in played) / result.target.sample_rate,
        pictures=_pictures(played, result.target.sample_rate),
        bars=term_bars(result.terms),
        term_words=term_words,
        curve=curve_chart(result.curve, result.renders),
        metrics=_metrics(result.metrics),
        modules=modules_of(table, result.preset.values, result.settings.lock),
        preset_uri=data_uri("application/json", preset_json.encode("utf-8")),
    )


def verdict(result: Any) -> str:
    """Say in a sentence how the match turned out, plainly where it is poor."""
    biggest = biggest_term(result.terms)
    synth = SYNTH_NAMES.get(result.settings.synth, result.settings.synth)
    if result.loss > POOR_LOSS:
        where = f" The biggest difference is in {term_words(biggest)}." if biggest else ""
        return f"{synth} could not reproduce this sound closely.{where}"
    return f"What differs most is {term_words(biggest)}." if biggest else "Nothing measurable differs."


def _clips(result: Any) -> list[Clip]:
    clips = [
        Clip("A", "Target", result.target.audio, "the recording"),
        Clip("B", "Match", result.audio, f"loss {result.loss:.3f}"),
    ]
    for rank, other in enumerate(result.alternatives, 2):
        clips.append(Clip(str(rank), f"Alternative {rank}", other.audio, f"loss {other.loss:.3f}"))
    return clips


def _players(
    clips: Sequence[Clip], played: Sequence[np.ndarray], gains: Sequence[float], sample_rate: int
) -> list[dict[str, Any]]:
    uris = embed_wavs(played, sample_rate)
    total = max(audio.shape[1] for audio in played)
    peak = max(float(np.abs(audio).max(initial=0.0)) for audio in played[:2])
    return [
        {"clip": clip, "uri": uri, "gain": f"{gain:+.1f} dB", "wave": wave_path(audio, total, peak)}
        for clip, uri, gain, audio in zip(clips, uris, gains, played, strict=True)
    ]


def _pictures(played: Sequence[np.ndarray], sample_rate: int) -> list[tuple[str, str, str]]:
    drawn = draw_spectrograms(played[0], played[1], sample_rate)
    captions = (
        ("A", "Target", "the recording"),
        ("B", "Match", "what the preset plays"),
        ("±", "Difference", "orange: too loud in the match, blue: missing"),
    )
    uris = [data_uri("image/png", picture) for picture in drawn]
    return [(uri, f"{key} {title}", text) for uri, (key, title, text) in zip(uris, captions, strict=True)]


def _metrics(metrics: Mapping[str, float]) -> list[tuple[str, str, str]]:
    rows = []
    for name, value in metrics.items():
        title, unit = METRICS.get(name, (name.replace("_", " "), ""))
        number = f"{value:+.2f}" if name.endswith("_db") else f"{value:.3g}"
        rows.append((title, number if math.isfinite(value) else "–", unit))
    return rows
