"""Presets into the library: the factory's in one click, and files and zip files of strangers in the background."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import streamlit as st

from myna.app.guard import MAX_UPLOAD_MB
from myna.app.jobs import Job
from myna.app.library_desk import errands, the_library
from myna.app.state import attempt, plain, url_job
from myna.audio.files import display_name
from myna.errors import UsageError
from myna.library import Lineage
from myna.library.importing import MAX_ZIP_BYTES
from myna.presets.factory import load_factory

__all__ = ["factory_button", "follow_import", "uploads"]

_TAKEN = "library.taken"
_REFUSED = 5


def factory_button(kind: Any = "secondary") -> None:
    """A button that brings in the factory presets."""
    st.button(
        "Bring in the factory presets", key="import.factory", type=kind, icon=":material/factory:",
        on_click=attempt, args=(_factory,),
    )  # fmt: skip


def _factory() -> None:
    library = the_library()
    kept = library.add_many([(preset, Lineage("factory")) for preset in load_factory(library.table)])
    new = sum(is_new for _, is_new in kept)
    st.toast(f"{new} factory presets came in." if new else "The factory presets are all there.")


def uploads(label: str = "Preset files, or zip files of them") -> None:
    """A place for files; they are imported when they have come."""
    turn = st.session_state.get(_TAKEN, 0)  # another key for each upload, so that the place is empty again
    key = f"import.files.{turn}"
    st.file_uploader(
        f"{label}, up to {MAX_UPLOAD_MB} MB each", ["json", "zip"], accept_multiple_files=True, key=key,
        max_upload_size=MAX_UPLOAD_MB, on_change=attempt, args=(_begin, key),
    )  # fmt: skip


def _begin(key: str) -> None:
    files = st.session_state.get(key)
    if files:
        st.session_state[_TAKEN] = st.session_state.get(_TAKEN, 0) + 1
        begin_import(files)


def begin_import(files: Sequence[Any]) -> Job:
    """Import uploads in the background; the page follows.

    Raises:
        UsageError: too much at once.
        MynaError: too much is going on.
    """
    if sum(file.size for file in files) > MAX_ZIP_BYTES:
        raise UsageError(f"That is more than {MAX_ZIP_BYTES >> 20} MiB at once: import it in parts.")
    packed = [(display_name(file.name), file.getvalue()) for file in files if not _is_preset(file)]
    loose = [file for file in files if _is_preset(file)]
    if loose:
        packed.append(("the files", _pack(loose)))
    request = {"library": str(the_library().database.path), "names": [name for name, _ in packed]}
    job = errands().start("import", request, {f"upload_{i}.zip": data for i, (_, data) in enumerate(packed)})
    url_job("library", started=job.id)
    return job


def _is_preset(file: Any) -> bool:
    return file.name.lower().endswith(".json")


def _pack(files: Sequence[Any]) -> bytes:
    """Loose files as one zip file: what they are called is a name in it, and never one on the disk."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(f"{display_name(file.name).removesuffix('.json')}.json"), file.getvalue())
    return content.getvalue()


def follow_import() -> None:
    """Show how an import stands, or what came of it."""
    job = errands().find(url_job("library"))
    if job is None or job.kind != "import":
        return
    if job.finished:
        _told(job)
    else:
        _follow(job)


@st.fragment(run_every=0.5)
def _follow(job: Job) -> None:
    if job.finished:
        st.rerun()
    part = min(job.done / job.total, 1.0) if job.total else 0.0
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(part, text=f"{plain(job.says) or 'Importing'} · {job.done:,} of {job.total:,}", width="stretch")
        st.button("Stop", key="import.stop", on_click=errands().stop, args=(job,), disabled=job.stopped)


def _told(job: Job) -> None:
    found = job.result
    with st.container(horizontal=True, vertical_alignment="center", key="import-told"):
        if job.state == "failed":
            st.error(plain(job.says), icon=":material/error:", width="stretch")
        else:
            words = f"{found['new']:,} new"
            words += f" · {found['known']:,} were there already" if found["known"] else ""
            words += f" · {found['refused_count']:,} left out" if found["refused_count"] else ""
            words += " · stopped: import it again to go on" if found["stopped"] else ""
            st.markdown(f":material/input: **Import** · {words}", width="stretch")
        st.button(":material/close:", key="import.close", type="tertiary", help="All right", on_click=_close)
    for sentence in found.get("refused", [])[:_REFUSED]:
        st.caption(plain(sentence))


def _close() -> None:
    url_job("library", started="")
