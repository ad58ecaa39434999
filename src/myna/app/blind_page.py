"""The blind test on the Compare page: fixed before it begins, trial by trial, and told only after the last vote."""

from __future__ import annotations

import json

import streamlit as st

from myna.app.blind import COUNTS, Blind, the_blinds
from myna.app.deck import Track, deck
from myna.app.pair import Pair
from myna.app.state import attempt, plain
from myna.evaluation.listening.abx import needed

__all__ = ["blind_test", "current_blind"]

_KEY = "test"


def current_blind(pair: Pair) -> Blind | None:
    """The test that the address names, or that the session was at before it went to another page.

    After a reload the pair is that of the test; a test that is over goes when another pair is chosen.
    """
    name = st.query_params.get(_KEY) or st.session_state.get("compare.test")
    blind = the_blinds().find(name)
    if blind is not None and pair.a is None and pair.b is None:
        pair.a, pair.b, pair.equal = blind.pair.a, blind.pair.b, blind.pair.equal
    if blind is not None and blind.abx.done and not blind.is_of(pair):
        blind = None
    _follow(blind.id if blind is not None else "")
    return blind


def _follow(name: str) -> None:
    st.session_state["compare.test"] = name
    if name:
        st.query_params[_KEY] = name
    else:
        st.query_params.pop(_KEY, None)


def blind_test(pair: Pair, blind: Blind | None) -> None:
    """Draw the test as far as it is."""
    if blind is None:
        _before(pair)
    elif blind.abx.done:
        _after(blind)
    else:
        _trial(blind)


def _before(pair: Pair) -> None:
    with st.container(key="stack-before"):
        left, right = st.columns((1.2, 1), gap="medium")
    with left, st.container(border=True, key="blind-start"):
        st.markdown("**Can you really tell them apart?**")
        st.markdown(
            "1. X is A or B, by the toss of a coin, anew in each trial.\n"
            "2. Listen to all three as often as you like, then say which one X is.\n"
            "3. Whether you were right is told after the last trial."
        )
    with right, st.container(border=True, key="blind-count"):
        count = st.select_slider("Trials, fixed before the first", COUNTS, COUNTS[2], key="blind.count")
        st.caption(f"Guessing gets {needed(count)} or more of {count} right in less than 1 of 20 tests.")
        level = "at equal loudness" if pair.equal else "each at its own level, so loudness may give them away"
        st.caption(f"Heard {level}.")
        if st.button("Begin", key="blind.begin", type="primary", icon=":material/hearing:", width="stretch"):
            attempt(lambda: _follow(the_blinds().begin(pair, count).id))
            st.rerun()


def _trial(blind: Blind) -> None:
    with st.container(key="trial"):
        _ballot(blind)


def _ballot(blind: Blind) -> None:
    abx = blind.abx
    st.progress(abx.trial / abx.count, f"Trial {abx.trial + 1} of {abx.count}")
    deck([Track(key, audio) for key, audio in blind.clips().items()], key="blind.deck", blind=True)
    with st.container(horizontal=True, key="ballot"):
        for side, shortcut in (("A", "1"), ("B", "2")):
            # A button of its own for each trial: a double click must not vote on the next one unheard.
            st.button(
                f"X is {side}", key=f"vote.{side}.{abx.trial}", shortcut=shortcut, width="stretch",
                on_click=attempt, args=(blind.vote, side),
            )  # fmt: skip
    st.button("Stop without a result", key="blind.stop", type="tertiary", on_click=_follow, args=("",))


def _after(blind: Blind) -> None:
    found, abx = blind.abx.result(), blind.abx
    with st.container(key="stack-after"):
        left, right = st.columns((1, 1.4), gap="medium")
    with left, st.container(border=True, key="blind-verdict"):
        st.html(_score(found.wins, abx.count))
        st.markdown(f"**{_verdict(found.p)}**")
        st.caption(
            f"Exact binomial test, one-sided: p = {_p(found.p)}. Right in {100 * found.wins / abx.count:.0f} %"
            f" of the trials, 95 % interval {100 * found.low:.0f} to {100 * found.high:.0f} %."
        )
    with right, st.container(border=True, key="blind-votes"):
        st.markdown(f":blue[**A**] {plain(abx.names[0][:60])} · :orange[**B**] {plain(abx.names[1][:60])}")
        st.html(_votes(blind))
        with st.container(horizontal=True):
            st.button("Another test", key="blind.again", icon=":material/replay:", on_click=_follow, args=("",))
            st.download_button(
                "Votes", json.dumps(abx.as_json(), indent=1), "abx.json", "application/json", key="blind.votes",
                icon=":material/download:", on_click="ignore",
            )  # fmt: skip


def _verdict(p: float) -> str:
    if p <= 0.05:
        return "You can tell them apart: guessing would hardly do as well."
    return "Not shown that you can tell them apart: guessing does as well often enough."


def _p(p: float) -> str:
    return "under 0.0001" if p < 0.0001 else f"{p:.2g}"


def _score(right: int, count: int) -> str:
    return f'<div class="score"><b>{right}</b> of {count} right</div>'


def _votes(blind: Blind) -> str:
    """A row of marks: what X was in each trial, and whether that was said."""
    marks = "".join(
        f'<b class="{"right" if vote.said == blind.abx.x_is(i) else "wrong"}"'
        f' title="trial {i + 1}: X was {blind.abx.x_is(i)}, said {vote.said}">{blind.abx.x_is(i)}</b>'
        for i, vote in enumerate(blind.abx.votes)
    )
    return f'<div class="votes">{marks}</div>'
