"""Publish an evaluation: numbers, report and figure go to docs/results, tables to where README and docs show them.

myna evaluate --only-table --sounds 0 --out DIR
python docs/results_page.py DIR
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

from myna.evaluation.report.evaluation_board import read_board
from myna.evaluation.report.evaluation_markdown import markdown
from myna.files import write_atomic

ROOT = Path(__file__).parents[1]
RESULTS, IMAGE = ROOT / "docs" / "results", ROOT / "docs" / "images" / "results.png"
NUMBERS, FIGURE = ("report.html", "summary.json", "evaluation.json"), "figure.png"
PAGES = ROOT / "README.md", ROOT / "docs" / "results.md"
TABLE = re.compile(r"(?:^\|.*\|\n)+", re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", type=Path, metavar="DIR", help="folder of the evaluation, with its report")
    out = parser.parse_args().evaluation
    lacking = [name for name in (*NUMBERS, FIGURE) if not (out / name).is_file()]
    if lacking:
        parser.error(f"{out} lacks {', '.join(lacking)}: make them with `myna evaluate --only-table --out {out}`.")
    told = markdown(read_board(out))
    for name in NUMBERS:
        shutil.copy(out / name, RESULTS)
    shutil.copy(out / FIGURE, IMAGE)
    write_atomic(RESULTS / "table.txt", told)
    for page in PAGES:
        write_atomic(page, pasted(page.read_text(), told))


def pasted(page: str, told: str) -> str:
    """A page whose tables that are among those told, by their corner and columns, are as they are told."""
    known = {_subject(table): table for table in TABLE.findall(told)}
    return TABLE.sub(lambda found: known.get(_subject(found[0]), found[0]), page)


def _subject(table: str) -> tuple[str, bool]:
    """What a table is about: its corner without its counts, and whether its columns are moments."""
    _, corner, column, *_ = (cell.strip() for cell in table.splitlines()[0].split("|"))
    return re.sub(r": [\d,]+ sounds.*", "", corner), column.startswith("after ")


if __name__ == "__main__":
    main()
