"""One training, or several on one chart: curves, the curriculum's stage, losses by term, and what it sounds like."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from myna.app.runs_charts import COLOURS, curve_chart
from myna.app.runs_desk import log_of
from myna.app.runs_episodes import episodes
from myna.app.runs_words import age, meaning, number, state_badge, title_of
from myna.app.state import plain
from myna.runs import Run
from myna.runs.log import Curve, Log
from myna.runs.reading import read_object

__all__ = ["training"]

EVERY_S = 5.0
HEADLINES = ("eval/score", "match/best_loss", "match/loss", "train/loss", "rollout/ep_rew_mean",
             "rollout/success_rate", "curriculum/stage", "time/steps_per_s")  # fmt: skip
GROUPS = {
    "Overview": HEADLINES,
    "Terms": ("match/loss_", "eval/in/loss_"),
    "Evaluation": ("eval/",),
    "Learning": ("train/",),
    "Playing": ("rollout/", "match/"),
    "Curriculum": ("curriculum/",),
    "Speed": ("time/", "render/"),
}
"""Tab → beginnings of the names in it."""
SOUNDS, SETTINGS = "Sounds", "Settings"
MOST_CHARTS = 24
SMOOTHS = (1, 5, 20, 50)


def training(runs: Sequence[Run]) -> None:
    """Draw one or several trainings; while one of them is at work the page follows it."""
    alive = any(run.status == "running" for run in runs)
    st.fragment(_training, run_every=EVERY_S if alive else None)(list(runs))


def _training(runs: list[Run]) -> None:
    logs = {run.name: log_of(run) for run in runs}
    for run in runs:
        _head(run, logs[run.name])
    tabs = [*(name for name in GROUPS if _names(name, logs)), *([SOUNDS, SETTINGS] if len(runs) == 1 else [])]
    if not any(log.curves for log in logs.values()):
        st.info("Nothing was logged yet: the curves begin with the first line.", icon=":material/hourglass_empty:")
        return
    tab = st.segmented_control(
        "Part", tabs, default=tabs[0], required=True, key="part", label_visibility="collapsed", bind="query-params"
    )
    if tab == SOUNDS:
        episodes(runs[0], logs[runs[0].name])
    elif tab == SETTINGS:
        _settings(runs[0])
    else:
        _charts(tab if tab in tabs else tabs[0], logs)


def _head(run: Run, log: Log) -> None:
    told = [f"{plain(run.learner)} training".strip(), f"{number(float(log.step))} steps", age(run.changed_s)]
    told += [f"stage {number(log.curves['curriculum/stage'].last)}"] if "curriculum/stage" in log.curves else []
    if "eval/score" in log.curves:
        scores = log.curves["eval/score"]
        best = int(scores.values.argmin())
        told.append(f"best score **{scores.values[best]:.3f}** at step {int(scores.steps[best]):,}")
    st.markdown(f"**{plain(run.name)}** {state_badge(run)} :gray[{' · '.join(told)}]")
    if log.torn or log.cut:
        torn = f"{log.torn:,} torn line{'s' * (log.torn != 1)} left out" if log.torn else ""
        st.caption(" · ".join(filter(None, [torn, "the log is large: its beginning is not shown" if log.cut else ""])))


def _names(tab: str, logs: Mapping[str, Log]) -> list[str]:
    """Figures of a tab that at least one log has, in the order of the table."""
    have = dict.fromkeys(name for log in logs.values() for name in log.curves)
    if tab == "Overview":
        return [name for name in HEADLINES if name in have]
    starts = GROUPS[tab]
    found = [name for name in have if name.startswith(starts)]
    if tab == "Terms":  # those that never add anything only take room
        return [name for name in found if any(_moves(log.curves.get(name)) for log in logs.values())]
    return [name for name in found if not re.search(r"/loss_\w+$", name)]


def _moves(curve: Curve | None) -> bool:
    return curve is not None and bool((abs(curve.values) > 1e-4).any())


def _charts(tab: str, logs: Mapping[str, Log]) -> None:
    smooth, log_scale = _controls()
    names = _names(tab, logs)
    if tab == "Terms":
        _stacked(logs)
    with st.container(key="wide-charts"):
        columns = st.columns(2, gap="small")
    for place, name in enumerate(names[:MOST_CHARTS]):
        curves = {run: _smoothed(log.curves[name], smooth) for run, log in logs.items() if name in log.curves}
        with columns[place % 2]:
            curve_chart(plain(title_of(name)), curves, log=log_scale, key=f"{place}", help=_help(name))
    if len(names) > MOST_CHARTS:
        st.caption(f"The first {MOST_CHARTS} of {len(names)} figures.")


def _help(name: str) -> str:
    words = meaning(name)
    return f"`{name}`: {plain(words)}" if words else f"`{name}`"


def _controls() -> tuple[int, bool]:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="curve-controls"):
        smooth = st.select_slider("Smooth over", SMOOTHS, key="smooth", bind="query-params", width=160,
                                  format_func=lambda n: "nothing" if n == 1 else f"{n} points")  # fmt: skip
        return smooth or 1, bool(st.toggle("Logarithmic", key="log", bind="query-params"))


def _smoothed(curve: Curve, over: int) -> Curve:
    """Running means over so many points, of those that there are at the beginning."""
    if over == 1:
        return curve
    return Curve(curve.steps, np.asarray(pd.Series(curve.values).rolling(over, min_periods=1).mean()))


def _stacked(logs: Mapping[str, Log]) -> None:
    """What the loss is made of, of the newest line: one bar for each term."""
    rows = {
        run: {title_of(name): curve.last for name, curve in log.curves.items()
              if name.startswith("match/loss_") and abs(curve.last) > 1e-4}
        for run, log in logs.items()
    }  # fmt: skip
    table = pd.DataFrame(rows).sort_values(next(iter(rows)), ascending=False) if any(rows.values()) else None
    if table is not None and len(table):
        with st.container(border=True, key="terms-now"):
            st.markdown("**What the loss is made of now**")
            st.bar_chart(table, horizontal=True, height=40 + 24 * len(table), x_label="", y_label="", stack=False,
                         sort=False, color=list(COLOURS[: len(rows)]))  # fmt: skip


def _settings(run: Run) -> None:
    """The configuration and what made the folder, as they were written."""
    for name, title in (("run.json", "What was run"), ("config.json", "Configuration")):
        said = read_object(run.path / name)
        if said:
            st.markdown(f"**{title}**")
            st.json(said, expanded=1)
