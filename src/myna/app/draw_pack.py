"""A pack before it is made: a wall of what goes in, and the keys it is played at; HTML for `st.html`."""

from __future__ import annotations

import functools
import html
from collections.abc import Collection, Mapping

from myna.app.sound import listen
from myna.evaluation.report.clips import wave_path
from myna.evaluation.report.page import data_uri
from myna.files import sha256_hex
from myna.presets import Preset, dumps, loads
from myna.synth.base import Probe
from myna.synth.registry import synth_table

__all__ = ["SHOWN_TILES", "pack_wall", "piano"]

SHOWN_TILES = 24
HEARD = Probe(60, 100, 0.5, 0.8)
INKS = ("#7cc4ff", "#ffb454", "#9be28c", "#c9a2ff", "#ff7a6b")
KEYS = "rect{fill:#d9d6ce}.black{fill:#171a22}.lit{fill:#ffb454}"
LOWEST, HIGHEST = 12, 108
BLACK = {1, 3, 6, 8, 10}


def pack_wall(presets: Mapping[str, Preset]) -> str:
    """A tile for each of the first presets: its outline at middle C, and its name; how many more there are."""
    tiles = "".join(_tile(name, preset) for name, preset in list(presets.items())[:SHOWN_TILES])
    more = len(presets) - SHOWN_TILES
    return f'<div class="wall">{tiles}{f"<b>+ {more:,}</b>" if more > 0 else ""}</div>'


def _tile(name: str, preset: Preset) -> str:
    ink = INKS[int(sha256_hex(preset.category)[:8], 16) % len(INKS)]
    shown = html.escape(name[:60])
    picture = _picture(f'<path fill="{ink}" d="{_outline(preset.synth, dumps(preset))}"/>', 120)
    return f'<div title="{shown}">{picture}<span><bdi>{shown}</bdi></span></div>'


def _picture(inner: str, width: int, style: str = "", label: str = "") -> str:
    """SVG as a picture: Streamlit takes drawings out of HTML, and leaves pictures in."""
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 32" preserveAspectRatio="none">'
        f"<style>{style}</style>{inner}</svg>"
    )
    return f'<img alt="{html.escape(label)}" src="{data_uri("image/svg+xml", drawing.encode())}"/>'


@functools.lru_cache(maxsize=512)
def _outline(synth: str, text: str) -> str:
    """A preset's outline, kept by its content: it is drawn again at every change of the page."""
    audio = listen(loads(text, synth_table(synth)), HEARD)
    return wave_path(audio, audio.shape[1], max(float(abs(audio).max()), 1e-6), 120, 16.0)


def piano(notes_midi: Collection[int]) -> str:
    """The keys from C0 to C8, those that are played lit."""
    whites = [note for note in range(LOWEST, HIGHEST + 1) if note % 12 not in BLACK]
    left = {note: place for place, note in enumerate(whites)}
    keys = [_key(note, left[note] + 0.05, 0.9, 30, note in notes_midi, "white") for note in whites]
    keys += [
        _key(note, left[note - 1] + 0.68, 0.64, 18, note in notes_midi, "black")
        for note in range(LOWEST, HIGHEST)
        if note % 12 in BLACK
    ]
    picture = _picture("".join(keys), len(whites), KEYS, f"{len(notes_midi)} of the keys from C0 to C8")
    return f'<div class="screen piano">{picture}</div>'


def _key(note: int, x: float, width: float, height: float, lit: bool, kind: str) -> str:
    return f'<rect class="{kind}{" lit" if lit else ""}" x="{x:.2f}" y="0" width="{width}" height="{height}"/>'
