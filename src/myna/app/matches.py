"""The matches of a session, as other pages take them up: their sounds to be compared, their presets to be exported."""

from __future__ import annotations

import streamlit as st

from myna.app.jobs import Job, the_jobs
from myna.app.pair import Sound, pair
from myna.app.sound import stored_sound
from myna.app.state import go, held
from myna.errors import MynaError
from myna.evaluation.similarity import similarity_percent
from myna.presets import Preset, loads
from myna.synth.registry import synth_table

__all__ = ["compare_button", "finished_matches", "match_presets", "match_sounds", "remember_match"]

_GONE = "The files of this match are gone: start it again."


def remember_match(job: Job) -> None:
    """Count a match among the session's own."""
    if job.id not in _ids():
        _ids().append(job.id)


def _ids() -> list[str]:
    return held("matches", list)


def finished_matches() -> list[Job]:
    """The session's matches that have found something, the newest first."""
    here = st.session_state.get("match.job")  # that of the address, after a reload
    names = [*_ids(), *([here] if here and here not in _ids() else [])]
    jobs = [job for name in names if (job := the_jobs().find(name)) is not None]
    return [job for job in reversed(jobs) if job.state == "done"]


def match_sounds(job: Job) -> dict[str, Sound]:
    """Title → sound: the target, the match, and the alternatives.

    Raises:
        MynaError: the files are gone.
    """
    name = str(job.request["name"])
    files = {f"Target “{name}”": "target.wav"} | {title: str(row["audio"]) for title, row in _rows(job).items()}
    return {title: Sound(title, stored_sound(job.folder / file)[0]) for title, file in files.items()}


def match_presets(job: Job) -> dict[str, Preset]:
    """Title → preset: the match and the alternatives.

    Raises:
        MynaError: the files are gone.
    """
    table = synth_table(str(job.result["synth"]))
    return {title: loads(_read(job, str(row["preset"])), table) for title, row in _rows(job).items()}


def _rows(job: Job) -> dict[str, dict[str, object]]:
    """Title → its row of `match.json`, best first."""
    name, rows = str(job.request["name"]), [job.result, *job.result["alternatives"]]
    titles = [f"Match of “{name}”", *(f"No. {i} of “{name}”" for i in range(2, len(rows) + 1))]
    return {_with_percent(title, row["loss"]): row for title, row in zip(titles, rows, strict=True)}


def _with_percent(title: str, loss: float | None) -> str:
    return title if loss is None else f"{title} · {similarity_percent(loss):.0f} %"


def _read(job: Job, file: str) -> bytes:
    data = job.read(file)
    if data is None:
        raise MynaError(_GONE)
    return data


def compare_button(job: Job, key: str) -> None:
    """A button that takes a match's target and its best to the Compare page."""
    if st.button("Compare", key=key, icon=":material/compare_arrows:", help="Side by side, and blind"):
        target, best, *_ = match_sounds(job).values()
        pair().a, pair().b = target, best
        go("compare")
