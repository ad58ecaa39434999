"""The app in Debian's Chromium: every page, the way from a sound to a kept preset, and what strangers may send it."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("streamlit", reason="Streamlit is not installed")

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]
TRUMPET = Path(__file__).parents[2] / "examples" / "targets" / "trumpet.flac"
PAGES = ("synth", "match", "compare", "library", "runs", "export")
PATIENCE_S = 180.0
"""The first page compiles the synth, half a minute on a quiet machine."""


@dataclass(frozen=True)
class Server:
    """The app as `myna app` starts it, on a port and with data of its own."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> int:
        """The status of the answer to one request, its path sent as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def resident_mib(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data, runs = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("runs")
    port = free_port()
    command = [sys.executable, "-m", "myna.cli.main", "app", "--no-browser", "--port", str(port), "--runs", str(runs)]
    environment = {**os.environ, "MYNA_DATA_DIR": str(data)}
    with (data / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        found = Server(port, process)
        _await(lambda: _healthy(found), "the server to answer")
        yield found
    finally:
        process.terminate()
        process.wait(30)


def _healthy(server: Server) -> bool:
    assert server.process.poll() is None, "the server has ended"
    try:
        return server.ask("GET", "/_stcore/health") == 200
    except OSError:
        return False


def _await(what: Any, words: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < until, f"waited too long for {words}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Session:
    """One person's browser: its page, and what it asked of whom."""

    def __init__(self, browser: Any, server: Server, width: int = 1280) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
        self.context.set_default_timeout(1000 * PATIENCE_S)
        self.page, self.server = self.context.new_page(), server
        self.hosts: set[str] = set()
        self.dialogs: list[str] = []
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.page.on("dialog", self._close)

    def _close(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self, name: str) -> None:
        self.page.goto(f"{self.server.url}/{name}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page was drawn to its end; an error on it fails the test."""
        self.page.wait_for_selector("[data-testid=stMain] [data-testid=stVerticalBlock]")
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        assert self.page.locator("[data-testid=stException]").count() == 0, self.page.inner_text("body")[:2000]

    def press(self, key: str) -> None:
        self.page.locator(f".st-key-{key.replace('.', '-')} button").first.click()


@pytest.fixture
def session(browser: Any, server: Server) -> Iterator[Session]:
    found = Session(browser, server)
    yield found
    found.context.close()
    assert found.hosts <= {f"127.0.0.1:{server.port}", ""} and not found.dialogs


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_opens_fits_and_asks_nobody_else(browser: Any, server: Server, width: int) -> None:
    session = Session(browser, server, width)
    for name in PAGES:
        session.open(name)
        wide = session.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width + 1, f"{name} is {wide} pixels wide on a screen of {width}"
    assert session.hosts <= {f"127.0.0.1:{server.port}", ""} and not session.dialogs
    session.context.close()


def test_a_sound_becomes_a_preset_that_is_kept_found_and_downloaded(session: Session, tmp_path: Path) -> None:
    session.open("match")
    _upload(session, "trumpet.flac", TRUMPET.read_bytes())
    session.page.get_by_text("heard F4").wait_for()
    _match(session, "Proxy planner", tmp_path)
    session.page.reload()  # the match goes on, or is there, after a reload
    session.page.locator(".st-key-result-keep button").wait_for()
    assert session.page.locator("audio").count() >= 2
    with session.page.expect_download() as download:
        session.page.locator(".st-key-result-preset button").click()
    assert "trumpet" in download.value.suggested_filename
    session.press("result.keep")
    session.page.locator("text=in the library >> visible=true").first.wait_for()
    session.open("library")
    session.page.locator("text=trumpet (match) >> visible=true").first.wait_for()
    session.open("export")


def _upload(session: Session, name: str, data: bytes) -> None:
    session.page.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "audio/flac", "buffer": data}
    )
    session.settle()


def _match(session: Session, method: str, folder: Path) -> None:
    """Start the search with few renders; where it went wrong, what the page showed is kept."""
    session.page.locator(".st-key-match-agent input").fill(method)
    session.page.keyboard.press("Enter")
    session.settle()
    slider = session.page.locator(".st-key-match-budget input[type=range]").first
    slider.focus()
    slider.press("Home")
    session.settle()
    session.press("match.go")
    try:
        session.page.locator(".st-key-result-keep button").wait_for()
    except sync_api.TimeoutError:
        session.page.screenshot(path=str(folder / "no-result.png"))
        raise AssertionError(session.page.inner_text("body")[:2000]) from None


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.flac", "../../../etc/passwd.flac", "a" * 200 + ".flac"])
def test_no_name_of_an_upload_becomes_markup_or_a_path(session: Session, name: str) -> None:
    session.open("match")
    _upload(session, name, TRUMPET.read_bytes())
    session.page.get_by_text("heard F4").wait_for()
    assert session.page.locator("img[src=x]").count() == 0 and not session.dialogs


def test_what_is_no_sound_is_refused_in_a_sentence(session: Session) -> None:
    session.open("match")
    _upload(session, "lie.flac", b"MZ" + bytes(4000))
    session.page.locator("[data-testid=stAlert] >> visible=true").first.wait_for()
    assert session.page.get_by_text("heard F4").count() == 0


def test_two_people_do_not_see_each_others_sounds(browser: Any, server: Server) -> None:
    one, other = Session(browser, server), Session(browser, server)
    one.open("match")
    _upload(one, "secret.flac", TRUMPET.read_bytes())
    one.page.get_by_text("heard F4").wait_for()
    other.open("match")
    assert "secret" not in other.page.inner_text("body")
    one.context.close()
    other.context.close()


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
    before = server.resident_mib()
    for count in range(200):
        method, path = HOSTILE[count % len(HOSTILE)]
        body = b"x" * 100_000 if method in ("PUT", "POST") else None
        assert 400 <= server.ask(method, path, body, Origin="http://evil.example") < 500, (method, path)
    assert server.resident_mib() < before * 1.1 + 16
    assert _healthy(server)


def test_an_exported_pack_is_a_zip_of_its_sounds(session: Session, tmp_path: Path) -> None:
    session.open("export")
    session.page.locator(".st-key-export-picked input").fill("Felt Upright")
    session.page.keyboard.press("Enter")
    session.page.keyboard.press("Escape")
    session.settle()
    session.page.get_by_role("button", name="Put 1 in").click()
    session.settle()
    session.press("export.go")
    with session.page.expect_download() as download:
        session.page.locator(".st-key-export-zip button").click()
    pack = tmp_path / "pack.zip"
    download.value.save_as(pack)
    with zipfile.ZipFile(pack) as found:
        assert "Felt Upright C4.wav" in {Path(name).name for name in found.namelist()} and found.testzip() is None
