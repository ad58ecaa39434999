"""The Match page during a search: how far it is, its curve and its best sound, and how to stop it."""

from __future__ import annotations

import time

import streamlit as st

from myna.app import draw
from myna.app.jobs import Job, the_jobs
from myna.app.match_job import BEST
from myna.app.match_session import forget
from myna.app.sound import play_bytes
from myna.app.speed import in_words
from myna.app.state import plain
from myna.evaluation.similarity import similarity_percent

__all__ = ["live"]

EVERY_S = 1.0


def live(job: Job) -> None:
    """Follow a job until it is done; the page is drawn again then."""
    name = plain(str(job.request.get("name", "")))
    st.markdown(f"### Matching {name}")
    _follow(job)


@st.fragment(run_every=EVERY_S)
def _follow(job: Job) -> None:
    if job.finished:
        st.rerun()
    part = min(job.done / job.total, 1.0) if job.total else 0.0
    st.progress(part, text=_where(job))
    left, right = st.columns((2, 1), gap="medium")
    with left:
        picture = draw.curve(job.points, int(job.total or job.request.get("budget", 1)))
        st.html(picture or draw.screen("", label="the curve begins with the first render", kind="tall"))
    with right, st.container(border=True, key="live-best"):
        _best(job)
    with st.container(horizontal=True):
        st.button(
            "Stop and keep the best", key="live.stop", icon=":material/stop_circle:", type="primary",
            disabled=job.stopped, on_click=the_jobs().stop, args=(job,),
        )  # fmt: skip
        st.button("Throw away", key="live.drop", icon=":material/delete:", on_click=_drop, args=(job,))


def _where(job: Job) -> str:
    if job.state == "waiting":
        return "Waiting for another search to finish"
    if job.stopped:
        return "Stopping: writing down the best"
    if not job.total:
        return job.says or "Loading the ears"
    words = f"{job.says} · {job.done:,} of {job.total:,}"
    gone_s = time.monotonic() - job.phase_s if job.phase_s else 0.0
    if job.done and gone_s > 2.0:
        words += f" · about {in_words(gone_s * (job.total - job.done) / job.done)} left"
    return words


def _best(job: Job) -> None:
    """The best so far, to be heard while the search goes on."""
    loss = job.news.get("loss")
    if loss is None:
        st.caption("The best sound so far can be heard here.")
        return
    st.html(draw.similarity(similarity_percent(loss)))
    follow = st.toggle("Play each new best", key="live.follow")
    if st.button("Hear the best so far", key="live.hear", icon=":material/play_arrow:", width="stretch") or follow:
        st.session_state["live.heard"] = job.read(BEST)
    heard = st.session_state.get("live.heard")
    if heard:
        play_bytes(heard, name="the best so far", autoplay=True)


def _drop(job: Job) -> None:
    the_jobs().drop(job)
    forget()
