"""The contact sheet of an export: one page beside its sounds that shows and plays them all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from myna.evaluation.report.clips import wave_path
from myna.evaluation.report.page import asset, policy, template
from myna.units import note_name

__all__ = ["contact_sheet"]

_WIDTH, _HALF_HEIGHT = 160, 20.0


def contact_sheet(folder: Path, sounds: Sequence[Any]) -> str:
    """The page as HTML: a tile for each sound with its outline, level and a player, names escaped.

    Sounds are linked, not held: they must lie beside the page.

    Args:
        folder: where the sounds lie.
        sounds: of `myna.exporting.Exported`.

    """
    style = asset("style.css") + asset("contact_sheet.css")
    tiles = [_tile(folder, one) for one in sounds]
    # A page that is opened from a disk has no origin: its neighbours are `file:`, on a server `self`.
    rules = policy(style, "").replace("media-src data:", "media-src 'self' file:")
    return template("contact_sheet.html.j2").render(style=style, policy=rules, tiles=tiles)


def _tile(folder: Path, one: Any) -> dict[str, Any]:
    import soundfile

    audio = soundfile.read(folder / one.file, dtype="float32", always_2d=True)[0].T
    peak = max(float(abs(audio).max(initial=0.0)), 1e-6)
    return {
        "file": one.file,
        "link": quote(one.file),
        "preset": one.preset,
        "note": note_name(one.note_midi),
        "velocity": one.velocity,
        "peak_db": one.peak_db,
        "loudness_lufs": one.loudness_lufs,
        "wave": wave_path(audio, audio.shape[1], peak, _WIDTH, _HALF_HEIGHT),
    }
