"""What sounds alike in the library: the nearest to a preset or to a sound of yours, and what is there twice."""

from __future__ import annotations

import streamlit as st

from myna.app.guard import AUDIO_TYPES, MAX_UPLOAD_MB, read_sound
from myna.app.jobs import Job
from myna.app.library_desk import PER_PAGE, asked, errands, first_page, picked, set_address, the_library, the_sounds
from myna.app.library_rows import present, rows
from myna.app.library_undo import MOST, changing
from myna.app.sound import player
from myna.app.state import attempt, plain
from myna.audio.target import Target, target_from_audio
from myna.library.duplicates import AUDIBLE_DB, audible_duplicates, exact_duplicates
from myna.library.query import Filters, Page

__all__ = ["alike", "alike_line", "all_heard", "duplicates", "sound_upload"]

AT_ONCE = 24
"""So many presets are heard while the page waits; more of them in the background."""
GROUPS = 10
_SOUND, _JOB = "library.sound", "library.pictures"
OWN = "sound"
"""Stands in the address in place of a preset's id: the session's own sound is asked for."""


def sound_upload() -> None:
    """A place for a sound whose likes are looked for."""
    st.file_uploader(
        f"A note of any sound, up to {MAX_UPLOAD_MB} MB", AUDIO_TYPES, key="like.file", max_upload_size=MAX_UPLOAD_MB,
        on_change=attempt, args=(_take,),
    )  # fmt: skip


def _take() -> None:
    upload = st.session_state.get("like.file")
    if upload is not None:
        sound = read_sound(upload)
        st.session_state[_SOUND] = target_from_audio(sound.audio, name=sound.name)
        set_address(like=OWN, open="", view="")
        first_page()


def alike_line() -> bool:
    """Say what the rows are compared with, with a way back; whether there is such a thing."""
    like = asked("like")
    if not like or (like == OWN and _SOUND not in st.session_state):
        set_address(like="")
        return False
    own: Target | None = st.session_state.get(_SOUND) if like == OWN else None
    name = own.name if own is not None else the_library().get(like).preset.name
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="like-line"):
        st.markdown(f":material/graphic_eq: Sounds like **{plain(name[:60])}**, nearest first", width="content")
        if own is not None:
            with st.container(width=260):
                player(own.audio, own.sample_rate, name=own.name)
        st.button(":material/close:", key="like.close", type="tertiary", help="Back to all", on_click=_close)
    return True


def _close() -> None:
    set_address(like="")
    first_page()


def alike(filters: Filters, page: int) -> Page:
    """The entries nearest to what the address asks for.

    Raises:
        MynaError: the preset is gone, or silent.
    """
    like = asked("like")
    sound = st.session_state[_SOUND] if like == OWN else the_library().get(like)
    return the_sounds().like(sound, filters, (page - 1) * PER_PAGE, PER_PAGE)


def all_heard() -> bool:
    """Whether all presets can be compared; hears a few at once, and many in the background while the page tells."""
    job = errands().find(st.session_state.get(_JOB))
    if job is not None and not job.finished:
        _follow(job)
        return False
    missing = len(the_sounds().missing())
    if missing > AT_ONCE and job is None:
        request = {"library": str(the_library().database.path)}
        job = errands().start("pictures", request)
        st.session_state[_JOB] = job.id
        _follow(job)
        return False
    st.session_state.pop(_JOB, None)
    if missing:
        with st.spinner("Listening to new presets"):
            the_sounds().refresh()
    return True


@st.fragment(run_every=0.5)
def _follow(job: Job) -> None:
    if job.finished:
        st.rerun()
    part = min(job.done / job.total, 1.0) if job.total else 0.0
    st.progress(part, text=f"Listening to every preset, once · {job.done:,} of {job.total or '…'}")


def duplicates() -> None:
    """Presets that are there more than once, group by group, with a broom."""
    kind = st.segmented_control(
        "Alike", ("To the knob", "To the ear"), default="To the knob", required=True, key="twins.kind",
        label_visibility="collapsed",
    )  # fmt: skip
    if kind == "To the ear":
        if not all_heard():
            return
        _groups(audible_duplicates(the_sounds()), f"nearer than {AUDIBLE_DB:g} dB: one sound to the ear")
    else:
        _groups(exact_duplicates(the_library()), "the same knobs, under one name or several")


def _groups(groups: list[list[str]], words: str) -> None:
    more = [entry_id for group in groups for entry_id in group[1:]]
    if not groups:
        st.info("Nothing is there twice.", icon=":material/done_all:")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        count = f"{len(groups):,} group{'s' * (len(groups) != 1)}"
        st.markdown(f"**{count}** · :gray[{words}]", width="stretch")
        st.button(
            f"Choose all but the oldest ({len(more):,})", key="twins.all", icon=":material/checklist:",
            on_click=_choose, args=(more,),
        )  # fmt: skip
    for place, group in enumerate(groups[:GROUPS]):
        with st.container(border=True, key=f"twins-{place}"):
            rows(present(group[:PER_PAGE]), f"{place}-")
            st.button(
                "Keep the first, delete the rest", key=f"twins.keep.{place}", type="tertiary",
                icon=":material/cleaning_services:", on_click=attempt, args=(_sweep, group[1:]),
                disabled=len(group) > MOST,
            )  # fmt: skip
    if len(groups) > GROUPS:
        st.caption(f"The first {GROUPS} groups are shown: the others follow when these are settled.")


def _choose(ids: list[str]) -> None:
    picked().ids = dict.fromkeys(ids)
    set_address(view="")


def _sweep(ids: list[str]) -> None:
    changing(ids, "{count} deleted.", lambda library, chosen: library.remove(chosen))
