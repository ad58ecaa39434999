"""The list of runs: what they are, how they stand, the shape of their curve; choose some to compare."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from myna.app.runs_charts import spark
from myna.app.runs_desk import MOST_COMPARED, log_of, open_runs
from myna.app.runs_words import age, number, state_badge
from myna.app.state import plain
from myna.runs import Run, runs_dir
from myna.runs.evaluations import rows_so_far, standings_of
from myna.runs.log import Curve, Log

__all__ = ["run_list"]

PER_PAGE = 25
KINDS = {"all": "All", "training": "Trainings", "evaluation": "Evaluations"}
SCORES = ("eval/score", "match/best_loss", "match/loss", "train/loss", "train/critic_loss")
"""What the shape of a training is drawn from: the first that it has."""


def run_list(runs: Sequence[Run]) -> None:
    """Draw the list, or what to do where there is none."""
    if not runs:
        _teach()
        return
    shown = _filtered(runs)
    picked = [run.name for run in runs if st.session_state.get(f"pick.{run.name}")]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":gray[{len(shown):,} of {len(runs):,} runs in {plain(str(runs_dir()))}]", width="stretch")
        if len(picked) > 1:
            names = tuple(picked[:MOST_COMPARED])
            st.button(
                f"Compare {len(names)}", key="runs.compare", type="primary", icon=":material/stacked_line_chart:",
                on_click=open_runs, args=names,
            )  # fmt: skip
    page = st.session_state.get("p", 1)
    start = (page - 1) * PER_PAGE if 0 < (page - 1) * PER_PAGE < len(shown) else 0
    for place, run in enumerate(shown[start : start + PER_PAGE]):
        _row(place, run)
    if len(shown) > PER_PAGE:
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.pagination(-(-len(shown) // PER_PAGE), key="p", bind="query-params")


def _filtered(runs: Sequence[Run]) -> list[Run]:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs-find"):
        words = st.text_input(
            "Find", key="q", type="search", live="300ms", placeholder="part of a name", label_visibility="collapsed",
            icon=":material/search:", bind="query-params", max_chars=100,
        )  # fmt: skip
        kind = st.segmented_control(
            "Kind", tuple(KINDS), default="all", format_func=KINDS.__getitem__, required=True, key="kind",
            label_visibility="collapsed", bind="query-params",
        )  # fmt: skip
    wanted = (words or "").casefold().split()
    return [
        run
        for run in runs
        if (kind in (None, "all") or run.kind == kind) and all(word in run.name.casefold() for word in wanted)
    ]


def _row(place: int, run: Run) -> None:
    with st.container(key=f"row-{place}", horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        name = plain(run.name[:80])
        st.checkbox(f"Compare {name}", key=f"pick.{run.name}", label_visibility="collapsed",
                    disabled=run.kind != "training")  # fmt: skip
        told = _training(log_of(run)) if run.kind == "training" else _evaluation(run)
        kind = f"{run.learner} training".strip() if run.kind == "training" else "evaluation"
        label = f"**{name}** {state_badge(run)} :gray[{plain(kind)} · {age(run.changed_s)} · {plain(told)}]"
        st.button(label, key=f"show.{run.name}", type="tertiary", width="stretch", on_click=open_runs, args=(run.name,))
        picture = spark(_score(log_of(run))[1]) if run.kind == "training" else ""
        if picture:
            st.html(picture, width=124)


def _training(log: Log) -> str:
    name, curve = _score(log)
    told = [f"{number(float(log.step))} steps"]
    if curve is not None:
        best = float(curve.values.min())
        told.append(f"score {best:.3f}" if name == "eval/score" else f"loss {curve.last:.3f}")
    return " · ".join(told)


def _score(log: Log) -> tuple[str, Curve | None]:
    """The curve that tells how well a training does: one with a shape if there is one."""
    have = [name for name in SCORES if name in log.curves]
    name = next((name for name in have if len(log.curves[name].steps) > 1), have[0] if have else "")
    return name, log.curves.get(name)


def _evaluation(run: Run) -> str:
    table = standings_of(run)
    agents = len({row.agent for row in table.rows if row.renders})
    if agents:
        return f"{agents} agents on {', '.join(table.suites[:4])}"
    cells, rows = rows_so_far(run)
    return f"{rows:,} targets in {cells:,} files so far"


def _teach() -> None:
    with st.container(border=True, key="runs-teach"):
        st.markdown("### Watch trainings, read evaluations")
        st.markdown(f"No run in {plain(str(runs_dir()))} yet. Begin one, and it shows up here while it works:")
        st.code("myna train --out out/train/first\nmyna evaluate --out out/evaluation", language="bash")
        st.caption("Runs that are elsewhere are shown with `myna app --runs DIR`.")
