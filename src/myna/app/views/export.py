"""The Export page: presets in, a pack of sounds out; what is shown follows from how far the job in the URL has come."""

from __future__ import annotations

import streamlit as st

from myna.app.basket import basket
from myna.app.export_result import export_live, export_result
from myna.app.export_setup import export_setup
from myna.app.jobs import the_jobs
from myna.app.state import tell_trouble, url_job


def show() -> None:
    """Draw the page."""
    tell_trouble()
    name = url_job("export")
    job = the_jobs().find(name)
    if job is None or job.kind != "export":
        if name is not None:
            url_job("export", started="")
            st.info("That export is no longer kept: start it again.", icon=":material/history:")
        export_setup(basket())
    elif job.finished:
        export_result(job)
    else:
        export_live(job)


show()
