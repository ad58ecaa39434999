"""The published table is what the published summary says, wherever it is shown."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"


def test_the_table_has_the_medians_of_the_summary() -> None:
    standings = json.loads((RESULTS / "summary.json").read_text())["standings"]
    medians = {(one["agent"], f"{one['renders']:,}"): f"{one['median']:.3f}" for one in standings}
    head, _, *rows = [line.strip("| \n").split(" | ") for line in _table().splitlines()]
    shown = {
        (agent.strip("`"), mark): cell.strip(" *")
        for agent, *cells in rows
        for mark, cell in zip(head[1:], cells, strict=False)
        if cell.strip()
    }
    assert shown == medians


def test_the_front_page_and_the_docs_show_that_table() -> None:
    for page in (ROOT / "README.md", ROOT / "docs" / "results.md"):
        assert _table() in page.read_text()


def _table() -> str:
    return (RESULTS / "table.txt").read_text().partition("\n\n")[0]
