"""The Match page after a search: how alike, what differs, what was done, and the presets to go on with."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import streamlit as st

from myna.app import draw
from myna.app.jobs import Job
from myna.app.match_session import closer, forget, prepare_from
from myna.app.matches import compare_button
from myna.app.shelf import keep_button
from myna.app.sound import at_equal_loudness, player, stored_sound
from myna.app.speed import learn
from myna.app.state import open_in_synth, plain
from myna.app.toolbar import preset_file_name
from myna.errors import MynaError
from myna.evaluation.report.match_report import POOR_LOSS, verdict
from myna.evaluation.similarity import similarity_percent
from myna.presets import Preset, dumps, loads
from myna.synth.registry import synth_table
from myna.units import note_name

__all__ = ["result"]

FINDINGS = 3


@dataclass(frozen=True)
class Found:
    """A preset of a job, with its sound and loss."""

    title: str
    preset: Preset
    audio: np.ndarray
    sample_rate: int
    loss: float


def result(job: Job) -> None:
    """Draw what a job found, or why it found nothing."""
    if job.state == "failed":
        st.error(plain(job.says), icon=":material/error:")
        st.button("Back", key="result.back", on_click=forget)
        return
    learn(job)
    found = _found(job)
    target, rate = stored_sound(job.folder / "target.wav")
    sounds = at_equal_loudness([target, *(one.audio for one in found)], rate)
    _head(job)
    left, right = st.columns((1, 2), gap="medium")
    with left, st.container(border=True, key="result-verdict"):
        _verdict(job)
    with right:
        _pair(sounds[0], sounds[1], rate)
        _downloads(job, found[0])
    st.markdown("**Alternatives** · found on the way, and different to the ear; all at the target's loudness")
    _alternatives(job, found, sounds[1:])
    _how(job)


def _head(job: Job) -> None:
    name, words = str(job.request["name"]), job.result
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            st.markdown(f"### {plain(name)}")
        st.button("Another sound", key="result.new", icon=":material/add:", on_click=forget)
    cut = " · stopped early" if words["interrupted"] else ""
    st.caption(
        f"{note_name(words['note_midi'])}, held {words['gate_s']:.2f} s · {words['renders']:,} renders"
        f" in {words['seconds']:.0f} s{cut}"
    )
    for warning in words["warnings"]:
        st.caption(plain(warning))


def _verdict(job: Job) -> None:
    words = job.result
    loss = float("inf") if words["loss"] is None else words["loss"]
    terms = {name: value for name, value in words["terms"].items() if value is not None}
    told = SimpleNamespace(loss=loss, terms=terms, settings=SimpleNamespace(synth=words["synth"]))
    st.html(draw.similarity(words["similarity_percent"]))
    st.markdown(verdict(told))
    st.html(draw.terms(terms))
    if loss > POOR_LOSS:
        st.markdown("What is missing: " + "; ".join(plain(finding["text"]) for finding in words["findings"][:FINDINGS]))


def _pair(target: tuple[np.ndarray, float], match: tuple[np.ndarray, float], rate: int) -> None:
    for column, title, (audio, gain_db) in zip(st.columns(2), ("Target", "Match"), (target, match), strict=True):
        with column:
            st.markdown(f"**{title}** · {_gain(gain_db)}")
            st.html(draw.spectrogram(audio, rate, label=title))
            player(audio, rate, name=title)


def _gain(gain_db: float) -> str:
    return f"gain {gain_db:+.1f} dB".replace("-", "−")


def _downloads(job: Job, best: Found) -> None:
    with st.container(horizontal=True):
        st.button(
            "Play in Synth",
            key="result.synth",
            icon=":material/piano:",
            type="primary",
            on_click=_send,
            args=(best.preset,),
        )
        _download("Preset", dumps(best.preset), preset_file_name(best.preset), "application/json", "result.preset")
        stem = preset_file_name(best.preset).removesuffix(".json")
        _download("WAV", job.read("match.wav"), f"{stem}.wav", "audio/wav", "result.wav")
        _download("Report", job.read("report.html"), f"{stem}.html", "text/html", "result.report")
        compare_button(job, "result.compare")
        keep_button(best.preset, "result.keep", _origin(job, best))
        st.button("Closer", key="result.closer", icon=":material/target:", on_click=closer, args=(job, best.preset),
                  help="Search on from here, as long as before")  # fmt: skip
    _turn()


def _origin(job: Job, found: Found) -> dict[str, object]:
    words = job.result
    return {"match": words["target"], "loss": found.loss, "agent": words["agent"], "renders": words["renders"]}


def _download(label: str, data: bytes | str | None, name: str, kind: str, key: str) -> None:
    if data is not None:
        st.download_button(label, data, name, kind, key=key, icon=":material/download:", on_click="ignore")


def _send(preset: Preset) -> None:
    st.session_state["result.send"] = preset


def _turn() -> None:
    """Turn to the Synth page; a callback cannot."""
    preset = st.session_state.pop("result.send", None)
    if preset is not None:
        open_in_synth(preset)


def _alternatives(job: Job, found: list[Found], sounds: list[tuple[np.ndarray, float]]) -> None:
    others = list(zip(found, sounds, strict=True))[1:]
    if not others:
        st.caption("None: the budget was too small to find others.")
        return
    for place, (column, (one, (audio, gain_db))) in enumerate(zip(st.columns(len(others)), others, strict=True), 2):
        with column, st.container(border=True, key=f"other-{place}"):
            st.markdown(f"**{one.title}** · {similarity_percent(one.loss):.0f} %")
            st.caption(_gain(gain_db))
            player(audio, one.sample_rate, name=one.title)
            with st.container(horizontal=True, gap="small"):
                st.button("Closer", key=f"closer.{place}", on_click=closer, args=(job, one.preset), type="tertiary")
                st.button(
                    "Start from this",
                    key=f"from.{place}",
                    on_click=prepare_from,
                    args=(job, one.preset),
                    type="tertiary",
                )
                st.button("Synth", key=f"send.{place}", on_click=_send, args=(one.preset,), type="tertiary")
                st.download_button(
                    "Preset", dumps(one.preset), preset_file_name(one.preset), "application/json", key=f"get.{place}",
                    on_click="ignore", type="tertiary",
                )  # fmt: skip


def _how(job: Job) -> None:
    """The edits that helped most, and the curve."""
    left, right = st.columns((1, 1), gap="medium")
    with left, st.container(border=True, key="result-story"):
        st.markdown("**What helped most** on the way from the first preset")
        for sentence in job.result["story"]:
            st.markdown(f"- {plain(sentence)}")
        if not job.result["story"]:
            st.caption("No single module made the difference: give it more renders.")
    with right:
        picture = draw.curve(job.points, int(job.result["renders"]))
        if picture:
            st.html(picture)


def _found(job: Job) -> list[Found]:
    """The best preset of a job and its alternatives, best first."""
    table, words = synth_table(str(job.result["synth"])), job.result
    rows = [("Match", words["preset"], words["audio"], words["loss"])]
    rows += [(f"No. {i}", o["preset"], o["audio"], o["loss"]) for i, o in enumerate(words["alternatives"], 2)]
    found = []
    for title, preset, audio, loss in rows:
        data = job.read(preset)
        if data is None:
            raise MynaError("The files of this match are gone: start it again.")
        sound, rate = stored_sound(job.folder / audio)
        found.append(Found(title, loads(data, table), sound, rate, float("inf") if loss is None else loss))
    return found
