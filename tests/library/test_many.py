"""Ten thousand presets, several writers, and a kill in the middle."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.library.presets import KINDS, drawn, imported

from myna.library import Library, Lineage, bulk, open_library
from myna.library.query import Filters, find, find_ids
from myna.presets import dumps

IMPORTER = """
import sys
from myna.library import open_library
from myna.library import importing
importing.BATCH = 20

def progress(done, total):
    print(done, flush=True)

with open_library(sys.argv[1]) as library:
    print("ready", flush=True)
    importing.import_presets(library, sys.argv[2], progress)
"""
WRITER = """
import sys
from tests.library.presets import drawn
from myna.library import Lineage, open_library

with open_library(sys.argv[1]) as library:
    for preset in drawn(int(sys.argv[3]), seed=int(sys.argv[2])):
        library.add(preset, Lineage("import"))
        library.update(library.get(library.add(preset).id).id, rating=3)
"""


def test_ten_thousand_presets_are_found_by_words_tags_and_order(library: Library) -> None:
    presets = drawn(10_000)
    for start in range(0, len(presets), 1000):
        assert all(fresh for _, fresh in library.add_many(imported(presets[start : start + 1000])))
    assert find(library).total == 10_000
    dark_basses = [p for p in presets if p.category == "bass" and "Dark" in p.tags]
    page = find(library, Filters(words="bass", all_tags=("dark",)), limit=10_000)
    assert [row.name for row in page.rows] == sorted((p.name for p in dark_basses), key=lambda n: int(n.split()[1]))
    deep = find(library, sort="oldest", offset=9_990, limit=5)
    assert [row.name for row in deep.rows] == [p.name for p in presets[9_990:9_995]]
    ids = find_ids(library, Filters(category=KINDS[0]))
    assert bulk.tag(library, ids, add=("all",)) == bulk.favour(library, ids) == len(ids)
    assert find(library, Filters(words="all", favourite=True)).total == len(ids)
    assert library.remove(find_ids(library)) == 10_000 and find(library).total == 0


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)


def test_a_kill_in_the_middle_of_an_import_loses_nothing_committed(tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    for i, preset in enumerate(drawn(400)):
        (tmp_path / f"presets/{i:03d}.json").write_text(dumps(preset))
    path, seen = tmp_path / "library.sqlite", 0
    for kill in range(4):
        with child(IMPORTER, path, tmp_path / "presets") as importer:
            assert importer.stdout is not None and importer.stdout.readline() == "ready\n"
            committed = 0
            while committed <= seen:  # go past what the one before had
                committed = int(importer.stdout.readline())
            time.sleep(0.004 * kill)  # the kills sweep across a batch
            importer.send_signal(signal.SIGKILL)
            rest = importer.stdout.read().split()
        seen = int(rest[-1]) if rest else committed
        with sqlite3.connect(path) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            raw.execute("INSERT INTO search (search) VALUES ('integrity-check')")
        raw.close()
        with open_library(path) as library:
            kept = [library.get(entry_id).preset for entry_id in find_ids(library)]
        assert seen <= len(kept) < 400 and len(kept) % 20 == 0
        assert {preset.name for preset in kept} == {preset.name for preset in drawn(len(kept))}
    importer = child(IMPORTER, path, tmp_path / "presets")
    importer.communicate()
    with open_library(path) as library:
        assert importer.returncode == 0
        found = {preset.name: preset for preset in (library.get(i).preset for i in find_ids(library))}
    assert found == {preset.name: preset for preset in drawn(400)}


def test_processes_that_write_at_once_all_succeed_even_as_they_begin_the_file(tmp_path: Path) -> None:
    path, count = tmp_path / "library.sqlite", 25
    writers = [child(WRITER, path, seed, count) for seed in (1, 2, 3)]
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    with open_library(path) as library:
        assert find(library, Filters(min_rating=3)).total == 3 * count


def test_threads_share_a_library_and_readers_see_whole_batches(library: Library) -> None:
    errors: list[BaseException] = []

    def write(seed: int) -> None:
        try:
            for start in range(0, 40, 10):
                library.add_many(imported(drawn(40, seed)[start : start + 10]))
        except BaseException as error:
            errors.append(error)

    drawn(40, 1), drawn(40, 2)
    threads = [threading.Thread(target=write, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        page = find(library, limit=1000)
        assert page.total == len(page.rows) and page.total % 10 == 0
    assert errors == [] and find(library).total == 80


def test_an_open_reader_does_not_keep_a_writer_waiting(library: Library) -> None:
    library.add(drawn(1)[0])
    with library.database.reading() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM entries").scalar_one()
        library.add(drawn(2)[1], Lineage("synth"))
        assert connection.exec_driver_sql("SELECT count(*) FROM entries").scalar_one() == before == 1
    assert find(library).total == 2
