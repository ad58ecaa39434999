"""One evaluation: its tables by suite, the losses over renders, the report's figure, and the report to take away."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import streamlit as st

from myna.app.runs_charts import loss_chart
from myna.app.runs_words import age, number, state_badge
from myna.app.state import plain
from myna.runs import Run
from myna.runs.evaluations import Row, Standings, figure_of, report_of, rows_so_far, standings_of

__all__ = ["evaluation"]

EVERY_S = 10.0
SURE = 0.05


def evaluation(run: Run) -> None:
    """Draw it; while it is at work the page follows it."""
    st.fragment(_evaluation, run_every=EVERY_S if run.status == "running" else None)(run)


def _evaluation(run: Run) -> None:
    table = standings_of(run)
    cells, rows = rows_so_far(run)
    told = f"{rows:,} targets in {cells:,} files · {age(run.changed_s)}"
    st.markdown(f"**{plain(run.name)}** {state_badge(run)} :gray[{told}]")
    if not table.rows:
        st.info("The table comes when the evaluation ends; `myna evaluate --only-table` makes it of what is there.",
                icon=":material/table:")  # fmt: skip
        return
    suite = st.segmented_control(
        "Suite", table.suites, default=table.suites[0], required=True, key="suite", label_visibility="collapsed",
        bind="query-params",
    )  # fmt: skip
    own = [row for row in table.rows if row.suite == (suite if suite in table.suites else table.suites[0])]
    loss_chart(f"Median loss over renders · {plain(own[0].suite)}", own, key="losses")
    _table(own, table)
    _figure(run)


def _table(rows: Sequence[Row], table: Standings) -> None:
    """Agents by renders: the median loss, bold where a difference from the baseline is sure."""
    marks = sorted({row.renders for row in rows if row.renders})
    agents = dict.fromkeys(row.agent for row in rows)
    cells = {(row.agent, row.renders): row for row in rows}
    with st.container(border=True, key="standings"):
        st.markdown(f"**Median loss** :gray[{_words(rows, table)}]")
        st.dataframe(
            [_line(agent, marks, cells, table) for agent in agents], hide_index=True, key="standings.table",
            column_config={"Agent": st.column_config.TextColumn(pinned=True)},
        )  # fmt: skip


def _words(rows: Sequence[Row], table: Standings) -> str:
    targets, seeds = max(row.targets for row in rows), max(row.seeds for row in rows)
    sure = f" · ★ differs from {plain(table.baseline)} for sure (p < {SURE:g})" if table.baseline else ""
    return f"{targets:,} targets, {seeds:,} seed{'s' * (seeds != 1)}{sure}"


def _line(agent: str, marks: Sequence[int], cells: Mapping[tuple[str, int], Row], table: Standings) -> dict[str, str]:
    line = {"Agent": agent}
    last = None
    for mark in marks:
        row = cells.get((agent, mark))
        last = row or last
        line[f"{mark:,}"] = "" if row is None else f"{row.median:.3f}{_star(row)}"
    last = last or cells.get((agent, 0))
    if last is not None:
        line["95 %"] = f"{last.low:.3f} – {last.high:.3f}"
        line["Reached"] = f"{100.0 * last.success:.0f} %"
        line["Seconds"] = number(last.seconds)
        to_success = (table.to_success or {}).get((last.suite, agent))
        line["Half reached after"] = number(to_success)
        if not last.renders:
            line["Agent"] = f"{agent} (reference {last.median:.3f})"
    return line


def _star(row: Row) -> str:
    return " ★" if row.p is not None and row.p < SURE else ""


def _figure(run: Run) -> None:
    found, report = figure_of(run), report_of(run)
    if found is not None:
        data, kind = found
        source = base64.b64encode(data).decode("ascii")
        # As a picture: a script or a link in an SVG does nothing there.
        st.html(f'<div class="paper"><img alt="the figure of the report" src="data:{kind};base64,{source}"/></div>')
    if report is not None:
        st.download_button("Report", report, "report.html", "text/html", key="report.get", icon=":material/download:",
                           on_click="ignore", help="One page with every table and sounds, for any browser")  # fmt: skip
