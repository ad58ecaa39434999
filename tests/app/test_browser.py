"""The app in Debian's Chromium: every page, the way from a sound to a kept preset, and what strangers may send it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.app.chromium import PAGES, TRUMPET, Server, Session, in_chromium

pytestmark = in_chromium


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_opens_fits_and_asks_nobody_else(browser: Any, server: Server, width: int) -> None:
    with Session(browser, server, width) as session:
        for name in PAGES:
            session.open(name)
            wide = session.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width + 1, f"{name} is {wide} pixels wide on a screen of {width}"


def test_a_sound_becomes_a_preset_that_is_kept_found_and_downloaded(session: Session, tmp_path: Path) -> None:
    session.open("match")
    session.upload("trumpet.flac", TRUMPET.read_bytes())
    session.see("heard F4")
    _match(session, "Proxy planner", tmp_path)
    session.page.reload()  # the match goes on, or is there, after a reload
    session.page.locator("audio").nth(1).wait_for(state="attached")
    with session.page.expect_download() as download:
        session.press("result.preset")
    assert "trumpet" in download.value.suggested_filename
    session.press("result.keep")
    session.see("in the library")
    session.open("library")
    session.see("trumpet (match)")
    session.open("export")


def _match(session: Session, method: str, folder: Path) -> None:
    """Start the search with few renders; where it went wrong, what the page showed is kept."""
    from playwright.sync_api import TimeoutError as Late

    session.choose("match.agent", method)
    session.nudge("match.budget", "Home")
    session.press("match.go")
    try:
        session.at("result.keep", "button").wait_for()
    except Late:
        session.page.screenshot(path=str(folder / "no-result.png"))
        raise AssertionError(session.page.inner_text("body")[:2000]) from None


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.flac", "../../../etc/passwd.flac", "a" * 200 + ".flac"])
def test_no_name_of_an_upload_becomes_markup_or_a_path(session: Session, name: str) -> None:
    session.open("match")
    session.upload(name, TRUMPET.read_bytes())
    session.see("heard F4")
    assert session.page.locator("img[src=x]").count() == 0 and not session.dialogs


def test_what_is_no_sound_is_refused_in_a_sentence(session: Session) -> None:
    session.open("match")
    session.upload("lie.flac", b"MZ" + bytes(4000))
    session.page.locator("[data-testid=stAlert] >> visible=true").first.wait_for()
    assert session.page.get_by_text("heard F4").count() == 0


def test_two_people_do_not_see_each_others_sounds(browser: Any, server: Server) -> None:
    with Session(browser, server) as one, Session(browser, server) as other:
        one.open("match")
        one.upload("secret.flac", TRUMPET.read_bytes())
        one.see("heard F4")
        other.open("match")
        assert "secret" not in other.page.inner_text("body")


HOSTILE = (
    ("GET", "/media/../../../../etc/passwd"),
    ("GET", "/media/%2e%2e/%2e%2e/etc/passwd"),
    ("GET", "/media/0123456789abcdef.wav"),
    ("GET", "/component/../../etc/passwd"),
    ("GET", "/app/static/../../main.py"),
    ("PUT", "/_stcore/upload_file/none/none"),
    ("DELETE", "/_stcore/upload_file/none/none"),
    ("POST", "/_stcore/upload_file/none/none"),
)


def test_two_hundred_hostile_requests_are_refused_and_leave_memory_flat(server: Server) -> None:
    before = server.size().resident_mib
    for count in range(200):
        method, path = HOSTILE[count % len(HOSTILE)]
        body = b"x" * 100_000 if method in ("PUT", "POST") else None
        assert 400 <= server.ask(method, path, body, Origin="http://evil.example") < 500, (method, path)
    assert server.size().resident_mib < before * 1.1 + 16
    assert server.healthy()


def test_an_exported_pack_is_a_zip_of_its_sounds(session: Session, tmp_path: Path) -> None:
    session.open("export")
    session.choose("export.picked", "Felt Upright")
    session.page.get_by_role("button", name="Put 1 in").click()
    session.settle()
    session.press("export.go")
    with session.page.expect_download() as download:
        session.press("export.zip")
    pack = tmp_path / "pack.zip"
    download.value.save_as(pack)
    with zipfile.ZipFile(pack) as found:
        assert "Felt Upright C4.wav" in {Path(name).name for name in found.namelist()} and found.testzip() is None
