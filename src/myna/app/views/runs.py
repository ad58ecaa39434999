"""The Runs page: trainings and evaluations under one folder, listed, looked at and compared."""

from __future__ import annotations

import streamlit as st

from myna.app.runs_desk import chosen, open_runs, the_runs
from myna.app.runs_evaluation import evaluation
from myna.app.runs_list import run_list
from myna.app.runs_training import training
from myna.app.state import plain, tell_trouble
from myna.app.style import dress


def show() -> None:
    """Draw the page."""
    dress("browse.css")
    tell_trouble()
    runs = the_runs()
    opened, unknown = chosen(runs)
    for name in unknown:
        st.warning(f"There is no run “{plain(name[:60])}” here.", icon=":material/search_off:")
    if not opened:
        run_list(runs)
        return
    st.button("All runs", key="runs.back", icon=":material/arrow_back:", type="tertiary", on_click=open_runs)
    trainings = [run for run in opened if run.kind == "training"]
    if trainings:
        training(trainings)
    for run in [run for run in opened if run.kind == "evaluation"][:1]:
        evaluation(run)


show()
