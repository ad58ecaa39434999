"""Several sounds that play at once, of which one is heard: the player of the reports as a part of a page.

Switching never restarts the sound. The browser gets 16-bit WAV at the level that is given, and no level is changed
there. Streamlit may call the component again with the same clips; it then plays on.

Shapes: audio (C, T), full scale = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from streamlit.components.v2 import component

from myna.app.sound import SAMPLE_RATE
from myna.audio.wav import encode_wav
from myna.evaluation.report.clips import wave_path
from myna.evaluation.report.page import asset, data_uri
from myna.files import sha256_hex

__all__ = ["Track", "deck"]

_HTML, _CSS, _JS = (asset(f"deck.{kind}", "myna.app") for kind in ("html", "css", "js"))
# The report's script starts what decks stand in the document; those in a shadow tree it cannot see.
_mount = component("myna.deck", html=_HTML, css=_CSS, js=asset("player.js") + _JS)


@dataclass(frozen=True)
class Track:
    """A sound of a deck.

    Attributes:
        key: a letter; on the button, and on the keyboard.
        audio: (C, T).
        name: what it is; any text.
        gain: what was done to its level, in words.
    """

    key: str
    audio: np.ndarray
    name: str = ""
    gain: str = ""


def deck(tracks: Sequence[Track], *, key: str, blind: bool = False) -> None:
    """Show a deck.

    Args:
        tracks: the sounds; the first is heard first.
        key: the deck's own on the page.
        blind: show no outlines, names or gains, and make all clips equally long.
    """
    longest = max(track.audio.shape[1] for track in tracks)
    peak = max(float(np.abs(track.audio).max(initial=0.0)) for track in tracks)
    clips = [_blind(track, longest) if blind else _seen(track, longest, peak) for track in tracks]
    _mount(key=key, data={"mark": sha256_hex("".join(clip["uri"] for clip in clips)), "clips": clips})


def _seen(track: Track, longest: int, peak: float) -> dict[str, Any]:
    wave = wave_path(track.audio, longest, peak)
    return {"key": track.key, "name": track.name, "gain": track.gain, "wave": wave, "uri": _uri(track.audio)}


def _blind(track: Track, longest: int) -> dict[str, Any]:
    padded = np.pad(track.audio, ((0, 0), (0, longest - track.audio.shape[1])))
    return {"key": track.key, "name": "", "gain": "", "wave": "", "uri": _uri(padded)}


def _uri(audio: np.ndarray) -> str:
    return data_uri("audio/wav", encode_wav(audio, SAMPLE_RATE))
