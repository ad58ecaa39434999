"""The app used without a pause: sessions that come and go, knobs, sounds, matches, packs; what it holds stays flat.

A minute in every run of the tests in a browser, twenty minutes with the long tests (`MYNA_SOAK_SECONDS`).
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from tests.app.chromium import PAGES, TRUMPET, Server, Session, Size, needs_chromium, serving, wait_for

from myna.app.jobs import KEPT

SOAK_S = float(os.environ.get("MYNA_SOAK_SECONDS", "1200"))
SHORT_S = 60.0
MINUTE_S = 60.0


def turn_knobs(session: Session) -> None:
    session.open("synth")
    for key in ("knob.osc_a.level", "knob.osc_a.position", "keys.velocity"):
        session.nudge(key, "ArrowRight", "ArrowLeft", "ArrowLeft")
    session.press("roll.osc_a")
    session.settle()


def match(session: Session) -> None:
    _begin_match(session, "Home")
    session.press("result.keep")
    session.see("in the library")
    session.page.reload()
    session.at("result.new", "button").wait_for()


def stop_a_match(session: Session) -> None:
    _begin_match(session, "End", wait_for_key="live.hear")
    session.press("live.hear")
    session.press("live.stop")
    session.at("result.new", "button").wait_for()


def _begin_match(session: Session, budget: str, wait_for_key: str = "result.keep") -> None:
    session.open("match")
    session.upload("trumpet.flac", TRUMPET.read_bytes())
    session.see("heard F4")
    session.choose("match.agent", "Random search")
    session.nudge("match.budget", budget)
    session.press("match.go")
    session.at(wait_for_key, "button").wait_for()


def look_through_the_library(session: Session) -> None:
    session.open("library")
    if session.page.locator(".st-key-library-teach").count():
        session.press("import.factory")
    session.at("q").wait_for()
    for words in ("bass", "no preset has this name", ""):
        session.at("q", "input").fill(words)
        session.see("Nothing fits" if words.startswith("no ") else "Choose page")
        session.settle()
    session.page.locator("[class*=st-key-play-] button").nth(1).click()
    session.page.locator("audio").first.wait_for(state="attached")


def tell_apart(session: Session) -> None:
    session.open("compare")
    session.press("compare.example")
    session.page.get_by_role("radio", name="Blind test").click()
    session.press("blind.begin")
    session.press("vote.A.0")
    session.press("vote.B.1")
    session.press("blind.stop")
    session.settle()


def export(session: Session) -> None:
    session.open("export")
    session.choose("export.picked", "Felt Upright")
    session.page.get_by_role("button", name="Put 1 in").click()
    session.settle()
    session.press("export.go")
    session.at("export.zip", "button").wait_for()


ERRANDS = (turn_knobs, look_through_the_library, match, tell_apart, stop_a_match, export)


def soaked(browser: Any, server: Server, seconds: float) -> list[tuple[float, Size]]:
    """Run errands, each in a session of its own beside one that stays; what the server held after each, by seconds."""
    began_s, sizes = time.monotonic(), list[tuple[float, Size]]()
    with Session(browser, server) as stays:
        for count, errand in enumerate(itertools.cycle(ERRANDS)):
            if count >= len(ERRANDS) and sizes[-1][0] > seconds:  # each of them at least once
                break
            stays.open(PAGES[count % len(PAGES)])
            with Session(browser, server) as comes_and_goes:
                errand(comes_and_goes)
            sizes.append((time.monotonic() - began_s, server.size()))
    return sizes


def print_minutes(sizes: list[tuple[float, Size]]) -> None:
    for minute, rows in itertools.groupby(sizes, lambda row: int(row[0] // MINUTE_S)):
        held = [size for _, size in rows]
        size = max(held, key=lambda size: size.resident_mib)
        print(
            f"minute {minute:2}: {size.resident_mib:6.0f} MiB, {size.threads} threads, {size.files} files", flush=True
        )


def check_nothing_is_left(server: Server) -> None:
    """No worker but the one that is kept warm, no upload, and no more jobs than are remembered."""
    wait_for(lambda: server.size().children <= 1, "the workers to end")
    left = [path.name for path in (server.folder / "tmp").iterdir()]
    assert not [name for name in left if name.startswith("myna-upload-")], left
    jobs = [job for root in (server.folder / "tmp").glob("myna-app-*") for job in root.iterdir()]
    assert len(jobs) <= 2 * KEPT, jobs  # of the searches, and of the library's errands


def check_flat(early: list[Size], late: list[Size], more_mib: float) -> None:
    """No leak; how many files are open goes with how many sessions have gone within two minutes, three for each."""
    for name, room in (("resident_mib", more_mib), ("threads", 8), ("files", 60)):
        before, after = (median(getattr(size, name) for size in sizes) for sizes in (early, late))
        print(f"{name}: {before:.0f}, then {after:.0f}")
        assert after < 1.1 * before + room, name


@pytest.mark.browser
@needs_chromium
def test_a_minute_of_use_leaves_no_process_and_no_file_behind(browser: Any, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        sizes = [size for _, size in soaked(browser, server, SHORT_S)]
        check_nothing_is_left(server)
        check_flat([sizes[len(ERRANDS) - 1]], [sizes[-1]], more_mib=128.0)  # from when all was used once


@pytest.mark.soak
@needs_chromium
def test_memory_stays_flat_for_twenty_minutes(browser: Any, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        sizes = soaked(browser, server, SOAK_S)
        print_minutes(sizes)
        check_nothing_is_left(server)
        early = [size for passed_s, size in sizes if SOAK_S * 0.25 < passed_s < SOAK_S * 0.5]
        late = [size for passed_s, size in sizes if passed_s > SOAK_S * 0.75]
        check_flat(early, late, more_mib=32.0)
