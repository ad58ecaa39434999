"""The Export page while it runs and after: how far it is, what is there to hear, and all of it as one file."""

from __future__ import annotations

import io
from typing import BinaryIO

import streamlit as st

from myna.app import draw
from myna.app.basket import go_on
from myna.app.export_job import OUT, ZIP
from myna.app.jobs import Job, the_jobs
from myna.app.sound import SAMPLE_RATE, player, stored_sound
from myna.app.state import attempt, plain, url_job
from myna.exporting import LOG, QUIETEST_LUFS, SHEET, Exported, read_log
from myna.units import note_name

__all__ = ["export_live", "export_result"]

EVERY_S = 0.7
SHOWN = 6


@st.fragment(run_every=EVERY_S)
def export_live(job: Job) -> None:
    """Follow an export until it is done; the page is drawn again then."""
    if job.finished:
        st.rerun()
    st.markdown("### Exporting")
    st.progress(min(job.done / job.total, 1.0) if job.total else 0.0, _where(job))
    with st.container(horizontal=True):
        st.button(
            "Stop and keep what is done", key="export.stop", icon=":material/stop_circle:", type="primary",
            disabled=job.stopped, on_click=the_jobs().stop, args=(job,),
        )  # fmt: skip
        st.button("Throw away", key="export.drop", icon=":material/delete:", on_click=_drop, args=(job,))


def _where(job: Job) -> str:
    if job.state == "waiting":
        return "Waiting for other work to finish"
    if job.stopped:
        return "Stopping"
    return f"{job.says} · {job.done:,} of {job.total:,}" if job.total else "Warming up the synth"


def _drop(job: Job) -> None:
    the_jobs().drop(job)
    _forget()


def _forget() -> None:
    url_job("export", started="")


def _go_on(job: Job) -> None:
    attempt(lambda: url_job("export", started=go_on(job).id))


def export_result(job: Job) -> None:
    """What an export left; one that was stopped or failed can be gone on with."""
    sounds = [one for one in read_log(job.folder / OUT / LOG) if (job.folder / OUT / one.file).is_file()]
    with st.container(horizontal=True, vertical_alignment="center", key="export-done"):
        st.markdown(f"### {_headline(job, len(sounds))}", width="stretch")
        if job.state == "failed" or job.result.get("stopped"):
            st.button("Go on", key="export.on", icon=":material/play_arrow:", on_click=_go_on, args=(job,))
        st.button("Another export", key="export.new", icon=":material/add:", on_click=_forget)
    if job.state == "failed":
        st.error(plain(job.says), icon=":material/error:")
    else:
        _downloads(job)
    _tiles(job, sounds[:SHOWN])
    if len(sounds) > SHOWN:
        st.caption(f"The first {SHOWN} of {len(sounds):,}; the contact sheet plays them all.")


def _headline(job: Job, count: int) -> str:
    if job.state == "failed" or job.result.get("stopped"):
        return f"Stopped · {count:,} of {job.total:,} sounds are there"
    return f"{count:,} {'sound' if count == 1 else 'sounds'}"


def _downloads(job: Job) -> None:
    size = int(job.result.get("bytes", 0))
    with st.container(horizontal=True):
        st.download_button(
            f"Download all · {size / 1e6:.1f} MB", lambda: _opened(job), "myna-export.zip", "application/zip",
            key="export.zip", type="primary", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.caption(f"Sounds, their levels (`{LOG}`), and a page that shows and plays them (`{SHEET}`).")


def _opened(job: Job) -> BinaryIO:
    """The zip file, opened only when it is asked for."""
    data = job.read(ZIP)
    return io.BytesIO(b"" if data is None else data)


def _tiles(job: Job, sounds: list[Exported]) -> None:
    with st.container(key="stack-tiles"):
        columns = st.columns(3, gap="small")
    for place, one in enumerate(sounds):
        with columns[place % 3], st.container(border=True, key=f"tile-{place}"):
            _tile(job, one)


def _tile(job: Job, one: Exported) -> None:
    audio, rate = stored_sound(job.folder / OUT / one.file)
    st.markdown(f"**{plain(one.preset[:60])}** · {note_name(one.note_midi)}")
    st.html(draw.waveform(audio, rate))
    player(audio, SAMPLE_RATE, name=one.file)
    loud = f" · {one.loudness_lufs:.1f} LUFS".replace("-", "−") if one.loudness_lufs > QUIETEST_LUFS else " · silent"
    st.caption(plain(one.file) + loud)
