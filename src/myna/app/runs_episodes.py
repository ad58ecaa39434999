"""What a training's evaluations sounded like: target and match, their pictures, the knobs' ways and the edits."""

from __future__ import annotations

import base64
import io

import numpy as np
import soundfile
import streamlit as st

from myna.app.sound import at_equal_loudness, player
from myna.app.state import plain
from myna.errors import MynaError
from myna.runs import Run
from myna.runs.episodes import Saved, saved_episodes
from myna.runs.log import Log

__all__ = ["episodes"]

MOST_S = 30.0
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
    """Target and match one above the other, at equal loudness, to switch between quickly."""
    sounds = [_sound(one.read(kind)) for kind in ("target.flac", "match.flac")]
    if sounds[0] is None or sounds[1] is None:
        return
    rate = sounds[0][1]
    heard = at_equal_loudness([audio for audio, _ in sounds if audio is not None], rate)
    for column, name, (audio, gain_db) in zip(st.columns(2, gap="small"), ("Target", "Match"), heard, strict=True):
        with column:
            st.caption(f"{name} · gain {gain_db:+.1f} dB".replace("-", "−"))
            player(audio, rate, name=f"{name}, {one.slot}, step {one.step}")


def _sound(data: bytes | None) -> tuple[np.ndarray, int] | None:
    """A FLAC file of the run's own, (C, T) with its rate; None for what is none, or holds no sound."""
    if data is None:
        return None
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.samplerate not in range(8000, 192_001) or file.channels > 2:
                return None
            audio = file.read(round(MOST_S * file.samplerate), dtype="float32", always_2d=True).T
            return (np.nan_to_num(audio), file.samplerate) if audio.shape[1] else None
    except (soundfile.LibsndfileError, RuntimeError, ValueError, MemoryError):
        return None


def _picture(one: Saved, kind: str, words: str) -> None:
    """A PNG as the browser's own; a file that is none shows its words."""
    data = one.read(kind)
    if data is not None and data.startswith(b"\x89PNG"):
        source = base64.b64encode(data).decode("ascii")
        st.html(f'<div class="screen chart"><img alt="{words}" src="data:image/png;base64,{source}"/></div>')
