"""What the runs pages read, kept as long as the files stay as they are; and the page's address."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from myna.runs import Run, find_runs, runs_dir
from myna.runs.log import Log, read_log

__all__ = ["chosen", "log_of", "open_runs", "run_names", "the_runs"]

MOST_COMPARED = 6


def the_runs() -> list[Run]:
    """The runs below this app's folder; no other is ever read."""
    return find_runs(runs_dir())


def run_names() -> list[str]:
    """What the address asks for; names alone, which are looked up among the runs that there are."""
    return list(dict.fromkeys(st.query_params.get_all("run")))[:MOST_COMPARED]


def chosen(runs: list[Run]) -> tuple[list[Run], list[str]]:
    """The runs that the address asks for, and its names that no run has."""
    by_name = {run.name: run for run in runs}
    names = run_names()
    return [by_name[name] for name in names if name in by_name], [name for name in names if name not in by_name]


def open_runs(*names: str) -> None:
    """Turn to runs, or to the list where none is named; for the callback of a button."""
    st.query_params.pop("run", None)
    if names:
        st.query_params["run"] = list(names)


def log_of(run: Run) -> Log:
    """A training's log; read again only when the file has changed."""
    path = run.path / "log.jsonl"
    try:
        about = path.lstat()
    except OSError:
        return Log()
    return _log(str(path), about.st_mtime_ns, about.st_size)


@st.cache_resource(max_entries=24, show_spinner=False)
def _log(path: str, changed_ns: int, size: int) -> Log:
    """Shared between sessions and never written to; the last two arguments tell one state of the file from others."""
    return read_log(Path(path))
