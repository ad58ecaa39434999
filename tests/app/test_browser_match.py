"""A long match in Chromium: it goes on through a reload, and is stopped without losing what it found."""

from __future__ import annotations

import re

from tests.app.chromium import TRUMPET, Session, in_chromium, wait_for

pytestmark = in_chromium


def _renders(session: Session) -> int:
    """How many renders the page says were spent; 0 before the first."""
    session.settle()
    found = re.search(r"Searching · ([\d,]+) of 5,000", session.page.inner_text("body"))
    return int(found[1].replace(",", "")) if found else 0


def test_a_reload_leaves_a_match_running_and_stopping_it_keeps_the_best(session: Session) -> None:
    session.open("match")
    session.upload("trumpet.flac", TRUMPET.read_bytes())
    session.see("heard F4")
    session.choose("match.agent", "CMA-ES from nowhere")
    session.nudge("match.budget", "End")
    session.press("match.go")
    before = wait_for(lambda: _renders(session), "the first renders")
    workers, address = session.server.size().children, session.page.url
    session.page.reload()
    after = wait_for(lambda: _renders(session), "the search after the reload")
    assert after >= before and session.page.url == address and "job=" in address
    wait_for(lambda: _renders(session) > after, "the search to go on")
    assert session.server.size().children <= workers
    session.press("live.stop")
    session.at("result.keep", "button").wait_for()
    told = re.search(r"([\d,]+) renders in \d+ s · stopped early", session.page.inner_text("body"))
    assert told and after < int(told[1].replace(",", "")) < 5000
    assert session.page.locator("audio").count() >= 2
    with session.page.expect_download() as download:
        session.press("result.preset")
    assert download.value.suggested_filename.endswith(".json")
