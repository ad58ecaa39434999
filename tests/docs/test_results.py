"""The published tables are what the published summary says, wherever they are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from myna.evaluation.report.evaluation_board import KINDS

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
OVERVIEW, _, *TABLES, NOTE = (RESULTS / "table.txt").read_text().strip().split("\n\n")
STANDINGS: list[Mapping[str, Any]] = json.loads((RESULTS / "summary.json").read_text())["standings"]
REFERENCES = ("true-preset", "noise-floor")


def cells(table: str) -> tuple[str, Sequence[str], Mapping[tuple[str, str], str]]:
    """Title, heads, and what is told by row and head, without signs of emphasis."""
    head, _, *rows = [line.strip("|").split("|") for line in table.splitlines()]
    title, *marks = [cell.strip() for cell in head]
    told = {
        (row[0].strip(" `"), mark): cell.strip(" *") for row in rows for mark, cell in zip(marks, row[1:], strict=True)
    }
    return title.rpartition(": ")[0], marks, {place: cell for place, cell in told.items() if cell}


def suites_of(title: str) -> set[str]:
    """The suites that a table pools."""
    (kind,) = (kind for kind, words in KINDS.items() if title == words)
    return {
        one["suite"] for one in STANDINGS if one["suite"] == kind or (kind == "presets" and one["suite"] not in KINDS)
    }


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_medians_of_the_summary(table: str) -> None:
    title, marks, told = cells(table)
    medians: dict[tuple[str, str], list[float]] = {}
    for one in STANDINGS:
        if one["suite"] in suites_of(title) and one["agent"] not in REFERENCES and f"{one['renders']:,}" in marks:
            medians.setdefault((one["agent"], f"{one['renders']:,}"), []).append(one["median"])
    assert told.keys() == medians.keys()
    for place, values in medians.items():  # a median of several suites lies between theirs
        assert round(min(values), 3) <= float(told[place]) <= round(max(values), 3), place


def test_there_is_a_table_for_each_kind_of_sound() -> None:
    assert {suite for table in TABLES for suite in suites_of(cells(table)[0])} == {one["suite"] for one in STANDINGS}


def test_the_best_of_each_kind_has_the_lowest_median_and_the_ratio_of_the_summary() -> None:
    told = cells(OVERVIEW)[2]
    tables = {title: found for title, _, found in map(cells, TABLES)}
    for (row, after), words in told.items():
        title, mark, best = row.rpartition(": ")[0], after.removeprefix("after "), words.split("`")[1]
        column = {agent: float(cell) for (agent, at), cell in tables[title].items() if at == mark}
        assert column[best] == min(column.values()), (title, mark)
        suites = suites_of(title)
        if len(suites) == 1:
            (one,) = (
                one for one in STANDINGS
                if one["suite"] in suites and (one["agent"], f"{one['renders']:,}") == (best, mark)
            )  # fmt: skip
            assert words.endswith(f" {one['ratio']:.2f} [{one['ratio_low']:.2f}, {one['ratio_high']:.2f}]")


def test_the_front_page_and_the_docs_show_them() -> None:
    readme, docs = (ROOT / "README.md").read_text(), (ROOT / "docs" / "results.md").read_text()
    recorded = next(table for table in TABLES if cells(table)[0] == KINDS["real"])
    assert OVERVIEW in readme and recorded in readme and NOTE in readme
    assert OVERVIEW in docs and all(table in docs for table in TABLES) and NOTE in docs
