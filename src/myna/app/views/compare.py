"""The Compare page: two sounds side by side, switched without a gap, seen, and told apart blind or not."""

from __future__ import annotations

import streamlit as st

from myna.app.blind_page import blind_test, current_blind
from myna.app.deck import Track, deck
from myna.app.draw_pair import pair_screens
from myna.app.pair import Pair, gain_in_words, pair
from myna.app.pair_setup import pair_setup, take_example
from myna.app.sound import SAMPLE_RATE
from myna.app.state import attempt, tell_trouble

VIEWS = ("Listen and look", "Blind test")


def show() -> None:
    """Draw the page."""
    both = pair()
    blind = current_blind(both)
    if blind is None or blind.abx.done:  # in a blind test nothing on the page may remind of who is who
        pair_setup(both)
    tell_trouble()
    if blind is not None:
        blind_test(both, blind)
        if blind.abx.done:
            _look(both)
    elif both.a is None or both.b is None:
        _teach(both)
    else:
        _views(both)


def _views(both: Pair) -> None:
    view = st.segmented_control(
        "View", VIEWS, default=VIEWS[0], required=True, key="compare.view", label_visibility="collapsed",
        width="stretch",
    )  # fmt: skip
    if view == VIEWS[1]:
        blind_test(both, None)
    else:
        _look(both)


def _teach(both: Pair) -> None:
    with st.container(border=True, key="compare-teach"):
        st.markdown("**Two sounds, one after the other and back, without a gap**")
        st.markdown(
            "1. Choose A and B above: sound files, presets, or a match and its target.\n"
            "2. Switch between them while they play; loudness is made equal, as the louder one always seems better.\n"
            "3. Take the blind test: can you still tell which is which?"
        )
        st.button(
            "Hear an example", key="compare.example", type="primary", icon=":material/play_arrow:",
            on_click=attempt, args=(take_example, both),
        )  # fmt: skip


def _look(both: Pair) -> None:
    heard, sounds = both.heard(), [both.a, both.b]
    tracks = [
        Track(key, audio, "" if sound is None else sound.name, gain_in_words(gain) if both.equal else "own level")
        for key, sound, (audio, gain) in zip("AB", sounds, heard, strict=True)
    ]
    deck(tracks, key="compare.deck")
    screens = pair_screens(heard[0][0], heard[1][0], SAMPLE_RATE)
    with st.container(key="stack-screens"):
        for column, screen in zip(st.columns(3, gap="small"), screens, strict=True):
            column.html(screen)


show()
