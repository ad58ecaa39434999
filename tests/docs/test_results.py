"""The published tables are what the published summary says, wherever they are shown."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from myna.evaluation.report.evaluation_board import KINDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "results.md"]
RESULTS = ROOT / "docs" / "results"
TOLD = (RESULTS / "table.txt").read_text()
OVERVIEW, OVERVIEW_NOTE, *OTHERS = TOLD.strip().split("\n\n")
MEDIANS = [table for table in OTHERS if re.match(r"\| .+: \d+ sounds, ", table)]
RATIOS = [table for table in OTHERS if ", over `cma-es` |" in table.splitlines()[0]]
SUITES = [table for table in OTHERS if table.startswith("| After ")]
NOTES = [OVERVIEW_NOTE, *(part for part in OTHERS if not part.startswith("|"))]
STANDINGS: list[Mapping[str, Any]] = json.loads((RESULTS / "summary.json").read_text())["standings"]
REFERENCES = ("true-preset", "noise-floor")


def cells(table: str) -> tuple[str, Sequence[str], Mapping[tuple[str, str], str]]:
    """Corner without its counts, heads, and what is told by row and head, without signs of emphasis."""
    head, _, *rows = [line.strip("|").split("|") for line in table.splitlines()]
    corner, *marks = [cell.strip(" `") for cell in head]
    told = {
        (row[0].strip(" `"), mark): cell.strip(" *") for row in rows for mark, cell in zip(marks, row[1:], strict=True)
    }
    title = re.sub(r": \d+ sounds, .*|, over `cma-es", "", corner)
    return title, marks, {place: cell for place, cell in told.items() if cell}


def suites_of(title: str) -> set[str]:
    """The suites that a table pools."""
    (kind,) = (kind for kind, words in KINDS.items() if title == words)
    return {
        one["suite"] for one in STANDINGS if one["suite"] == kind or (kind == "presets" and one["suite"] not in KINDS)
    }


def standing(suite: str, agent: str, renders: str) -> Mapping[str, Any]:
    (one,) = (
        one for one in STANDINGS
        if (one["suite"], one["agent"], f"{one['renders']:,}") == (suite, agent, renders)
    )  # fmt: skip
    return one


def said(one: Mapping[str, Any]) -> str:
    return f"{one['ratio']:.2f} [{one['ratio_low']:.2f}, {one['ratio_high']:.2f}]"


@pytest.mark.parametrize("table", MEDIANS)
def test_a_table_has_the_medians_of_the_summary(table: str) -> None:
    title, marks, told = cells(table)
    medians: dict[tuple[str, str], list[float]] = {}
    for one in STANDINGS:
        if one["suite"] in suites_of(title) and one["agent"] not in REFERENCES and f"{one['renders']:,}" in marks:
            medians.setdefault((one["agent"], f"{one['renders']:,}"), []).append(one["median"])
    assert told.keys() == medians.keys()
    for place, values in medians.items():  # a median of several suites lies between theirs
        assert round(min(values), 3) <= float(told[place]) <= round(max(values), 3), place


@pytest.mark.parametrize("table", RATIOS)
def test_a_table_has_the_ratios_of_the_summary(table: str) -> None:
    title, _, told = cells(table)
    suites = suites_of(title)
    assert {agent for agent, _ in told} == {one["agent"] for one in STANDINGS} - {"cma-es", *REFERENCES}
    for (agent, renders), cell in told.items():
        of_each = [standing(suite, agent, renders) for suite in suites]
        if len(suites) == 1:
            assert cell == ("" if of_each[0]["p"] < 0.05 else "≈ ") + said(of_each[0])
        ratios = [round(one["ratio"], 2) for one in of_each]  # a median of several suites lies between theirs
        assert min(ratios) <= float(cell.removeprefix("≈ ").split()[0]) <= max(ratios)


@pytest.mark.parametrize("table", SUITES)
def test_a_table_of_suites_has_the_medians_of_the_summary(table: str) -> None:
    title, _, told = cells(table)
    renders = title.split()[1]
    ran = {
        (one["suite"], one["agent"])
        for one in STANDINGS
        if f"{one['renders']:,}" == renders and one["agent"] not in REFERENCES
    }
    assert told.keys() == ran
    for (suite, agent), cell in told.items():
        assert cell == f"{standing(suite, agent, renders)['median']:.3f}"


def test_there_are_tables_for_each_kind_of_sound_and_all_suites() -> None:
    suites = {one["suite"] for one in STANDINGS}
    for tables in (MEDIANS, RATIOS):
        assert {suite for table in tables for suite in suites_of(cells(table)[0])} == suites
    assert len(SUITES) == 3 and all({suite for suite, _ in cells(table)[2]} == suites for table in SUITES)


def test_the_best_of_each_kind_has_the_lowest_median_and_the_ratio_of_the_summary() -> None:
    told = cells(OVERVIEW)[2]
    tables = {title: found for title, _, found in map(cells, MEDIANS)}
    for (row, after), words in told.items():
        title, mark, best = row.rpartition(": ")[0], after.removeprefix("after "), words.split("`")[1]
        column = {agent: float(cell) for (agent, at), cell in tables[title].items() if at == mark}
        assert column[best] == min(column.values()), (title, mark)
        suite, *others = suites_of(title)
        if not others:
            assert words.endswith(f" {said(standing(suite, best, mark))}")


def test_the_front_page_and_the_docs_show_them() -> None:
    readme, docs = (page.read_text() for page in PAGES)
    recorded = next(table for table in MEDIANS if cells(table)[0] == KINDS["real"])
    assert OVERVIEW in readme and recorded in readme and NOTES[0] in readme and NOTES[1] in readme
    assert all(part in docs for part in (OVERVIEW, *MEDIANS, *RATIOS, *SUITES, *NOTES))


def test_publishing_pastes_the_tables_and_nothing_else() -> None:
    pasted = runpy.run_path(str(ROOT / "docs" / "results_page.py"))["pasted"]
    older = TOLD.replace("1 | 16", "2 | 32").replace(" 0.", " 7.")
    for page in (path.read_text() for path in PAGES):
        assert pasted(page, TOLD) == page
        assert pasted(pasted(page, older), TOLD) == page != pasted(page, older)


def test_publishing_says_what_a_folder_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "summary.json").write_text("{}")
    monkeypatch.setattr("sys.argv", ["results_page.py", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / "docs" / "results_page.py"), run_name="__main__")
    assert stop.value.code == 2
    assert "lacks report.html, evaluation.json, figure.png" in capsys.readouterr().err
