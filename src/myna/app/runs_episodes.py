"""What a training's evaluations sounded like: target and match, their pictures, the knobs' ways and the edits."""

from __future__ import annotations

import base64

import numpy as np
import streamlit as st

from myna.app.deck import Track, deck
from myna.app.guard import read_sound
from myna.app.match_session import Bytes
from myna.app.pair import gain_in_words
from myna.app.sound import at_equal_loudness
from myna.app.state import plain
from myna.errors import BadAudioError, MynaError
from myna.runs import Run
from myna.runs.episodes import Saved, saved_episodes
from myna.runs.log import Log

__all__ = ["episodes"]

_SHOWN_EDITS = 14


def episodes(run: Run, log: Log) -> None:
    """Draw the episodes of one evaluation of a training, the newest at first."""
    found = saved_episodes(run)
    if not found:
        st.info("No episode was kept: set `run.media` above 0 and the next training keeps some at each evaluation.",
                icon=":material/music_off:")  # fmt: skip
        return
    steps = sorted({one.step for one in found}, reverse=True)
    step = steps[0]
    if len(steps) > 1:
        step = st.select_slider("Evaluation at step", sorted(steps), steps[0], format_func=lambda s: f"{s:,}", key="at")
    for one in (one for one in found if one.step == step):
        _episode(one, log.words.get((one.step, f"match/{one.slot}/edits"), ""))


def _episode(one: Saved, words: str) -> None:
    head, _, edits = words.partition("\n")
    with st.container(border=True, key=f"episode-{one.slot}"):
        st.markdown(f"**{plain(one.slot.replace('_', ' ').capitalize())}** :gray[{plain(head)}]")
        try:
            _pair(one)
            with st.container(key=f"wide-{one.slot}"):
                left, right = st.columns(2, gap="small")
            with left:
                _picture(one, "spectrogram.png", "target and match on one scale")
            with right:
                _picture(one, "knobs.png", "loss and the knobs that moved most")
        except MynaError as error:
            st.caption(plain(str(error)))
        lines = [line for line in edits.split("\n") if line]
        if lines:
            with st.expander(f"{len(lines)} edits in words"):
                st.markdown("\n".join(f"1. {plain(line)}" for line in lines[:_SHOWN_EDITS]))
                if len(lines) > _SHOWN_EDITS:
                    st.caption(f"… and {len(lines) - _SHOWN_EDITS} more.")


def _pair(one: Saved) -> None:
    """Target and match at equal loudness in one player, to switch between without a gap."""
    sounds = [_sound(one, kind) for kind in ("target.flac", "match.flac")]
    there = [audio for audio in sounds if audio is not None]
    if len(there) < len(sounds):
        st.caption("Target or match is silent, or no sound.")
        return
    heard = at_equal_loudness(there)
    tracks = [
        Track(key, audio, name, gain_in_words(gain_db))
        for key, name, (audio, gain_db) in zip("AB", ("Target", "Match"), heard, strict=True)
    ]
    deck(tracks, key=f"deck.{one.slot}")


def _sound(one: Saved, kind: str) -> np.ndarray | None:
    """A sound through the audio door, (C, T) at SAMPLE_RATE; None for what is none, or silent."""
    data = one.read(kind)
    try:
        return None if data is None else read_sound(Bytes(kind, data)).audio.samples
    except BadAudioError:
        return None


def _picture(one: Saved, kind: str, words: str) -> None:
    """A PNG as the browser's own; a file that is none shows its words."""
    data = one.read(kind)
    if data is not None and data.startswith(b"\x89PNG"):
        source = base64.b64encode(data).decode("ascii")
        st.html(f'<div class="screen chart"><img alt="{words}" src="data:image/png;base64,{source}"/></div>')
