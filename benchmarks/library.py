"""How fast the preset library answers: `python benchmarks/library.py [--count N] [--sounds N] [--json]`.

Presets are draws of the musical prior with names, tags and authors that repeat, added in batches of 100 as an import
does. Each query is asked 100 times in turn; figures are **wall clock**, median and 95th percentile, of the call that
the app and the command line make, rows and total included. Neighbours are looked for among as many pictures as there
are presets (10,000 unless told otherwise); `--sounds` of them are really heard, and the rest are these with noise of
3 dB, which spares minutes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert, select
from timing import machine

from myna.library import Library, Lineage, bulk, open_library
from myna.library.duplicates import audible_duplicates, exact_duplicates
from myna.library.query import Filters, counted_tags, find, find_ids
from myna.library.schema import ENTRIES, SOUNDS
from myna.library.sounds import Sounds
from myna.presets import Preset
from myna.presets.generator import MusicalPrior
from myna.presets.styles import STYLES
from myna.seeding import generator

ROUNDS, BATCH = 100, 100
GOAL_MS = 50.0


def draws(library: Library, count: int) -> list[Preset]:
    """Presets as people would keep them."""
    u = MusicalPrior(library.table).sample(count, generator(0, "benchmark", "library"))
    kinds = tuple(STYLES)
    return [
        Preset.from_u(
            library.table,
            row,
            name=f"{kinds[i % len(kinds)].title()} {i}",
            author=f"Ann {i % 7}",
            category=kinds[i % len(kinds)],
            tags=("musical", f"tag{i % 50}", "dark" if i % 3 else "bright"),
            description="a warm sound" if i % 5 == 0 else "",
        )
        for i, row in enumerate(u)
    ]


def filled(library: Library, count: int) -> float:
    """Add presets; seconds that adding took."""
    presets, seconds = draws(library, count), 0.0
    for start in range(0, count, BATCH):
        batch = [(preset, Lineage("import")) for preset in presets[start : start + BATCH]]
        began = time.perf_counter()
        library.add_many(batch)
        seconds += time.perf_counter() - began
    bulk.rate(library, find_ids(library, Filters(words="bass")), 4)
    return seconds


def heard(library: Library, count: int) -> tuple[Sounds, float]:
    """Sounds of the library, of which `count` are really rendered; seconds that a preset took."""
    sounds, began = Sounds(library), time.perf_counter()
    sounds.refresh(stop=lambda: len(sounds.pictures()[0]) >= count)
    seconds = (time.perf_counter() - began) / len(sounds.pictures()[0])
    _, pictures = sounds.pictures()
    rng = generator(0, "benchmark", "pictures")
    with library.database.writing() as connection:
        have = select(SOUNDS.c.seq)
        missing = list(connection.execute(select(ENTRIES.c.seq).where(ENTRIES.c.seq.not_in(have))).scalars())
        for seq in missing:
            one = pictures[rng.integers(len(pictures))]
            noisy = (one + 3.0 * rng.standard_normal(one.shape)).astype(np.float16)
            connection.execute(insert(SOUNDS).values(seq=seq, engine=sounds.key, features=noisy.tobytes()))
    return sounds, seconds


def queries(library: Library, sounds: Sounds) -> dict[str, Callable[[], Any]]:
    """What is timed, by name."""
    entry = library.get(find_ids(library)[0])
    return {
        "first_page": lambda: find(library),
        "word": lambda: find(library, Filters(words="bass"), "relevance"),
        "beginnings_of_words": lambda: find(library, Filters(words="w a"), "relevance"),
        "three_words": lambda: find(library, Filters(words="pad dark 1")),
        "symbols": lambda: find(library, Filters(words="***")),
        "two_tags": lambda: find(library, Filters(all_tags=("dark", "tag7"))),
        "either_tag": lambda: find(library, Filters(any_tags=("bright", "tag7"))),
        "category_and_author": lambda: find(library, Filters(category="bass", author="ann 3")),
        "rated_by_rating": lambda: find(library, Filters(min_rating=3), "rating"),
        "newest_last_page": lambda: find(library, sort="newest", offset=9 * len(sounds.pictures()[0]) // 10),
        "by_change": lambda: find(library, sort="changed"),
        "tags_counted": lambda: counted_tags(library),
        "like_entry": lambda: sounds.like(entry),
        "like_entry_filtered": lambda: sounds.like(entry, Filters(all_tags=("dark",))),
        "like_preset_and_its_render": lambda: sounds.like(entry.preset),
    }


def milliseconds(call: Callable[[], Any]) -> dict[str, float]:
    """Median and 95th percentile of the wall time of a call, and the median of its CPU time."""
    call()
    spent = []
    for _ in range(ROUNDS):
        began = time.perf_counter(), time.process_time()
        call()
        spent.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    wall, cpu = 1e3 * np.array(spent).T
    middle, cpu_middle = float(np.median(wall)), float(np.median(cpu))
    return {"median_ms": middle, "p95_ms": float(np.percentile(wall, 95)), "cpu_ms": cpu_middle}


def seconds_of(call: Callable[[], Any]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measure(count: int, rendered: int) -> dict[str, Any]:
    """All figures, and what they depend on."""
    found = machine() | {"presets": count}
    with tempfile.TemporaryDirectory() as folder, open_library(Path(folder, "library.sqlite")) as library:
        found["add_ms_a_preset"] = 1e3 * filled(library, count) / count
        sounds, heard_s = heard(library, min(rendered, count))
        found["hear_ms_a_preset"] = 1e3 * heard_s
        found["file_mib"] = sum(path.stat().st_size for path in Path(folder).iterdir()) / 2**20
        found["queries"] = {name: milliseconds(call) for name, call in queries(library, sounds).items()}
        fresh = Sounds(library, sounds.renderer)
        found["read_pictures_s"] = seconds_of(fresh.pictures)
        found["exact_duplicates_s"] = seconds_of(lambda: exact_duplicates(library))
        found["audible_duplicates_s"] = seconds_of(lambda: audible_duplicates(sounds))
        found["tag_all_s"] = seconds_of(lambda: bulk.tag(library, find_ids(library), add=("all",)))
    return found | {"load_after": machine()["load"]}


def print_rows(found: dict[str, Any]) -> None:
    """One figure a line; queries with the number to stay under."""
    for name, value in found.items():
        if name == "queries":
            for query, spent in value.items():
                reached = "yes" if spent["median_ms"] <= GOAL_MS else "NO"
                times = f"{spent['median_ms']:9.2f} ms{spent['p95_ms']:9.2f} ms at 95 %{spent['cpu_ms']:9.2f} ms CPU"
                print(f"{query:28}{times}  <= {GOAL_MS:g}  {reached}")
        else:
            print(f"{name:28}{value:9.2f}" if isinstance(value, float) else f"{name:28}{value}")


def main() -> None:
    """Measure and print, as a table or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="presets in the library")
    parser.add_argument("--sounds", type=int, default=512, help="of which so many are really heard")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args()
    found = measure(options.count, options.sounds)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print_rows(found)


if __name__ == "__main__":
    main()
