"""The Match page: a sound in, presets out; what is shown follows from how far the job in the URL has come."""

from __future__ import annotations

import streamlit as st

from myna.app.jobs import the_jobs
from myna.app.match_live import live
from myna.app.match_result import result
from myna.app.match_setup import setup
from myna.app.state import tell_trouble, url_job


def show() -> None:
    """Draw the page."""
    tell_trouble()
    name = url_job("match")
    job = the_jobs().find(name)
    if job is None:
        if name is not None:
            url_job("match", started="")
            st.info("That match is no longer kept: start it again.", icon=":material/history:")
        setup()
    elif job.finished:
        result(job)
    else:
        live(job)


show()
