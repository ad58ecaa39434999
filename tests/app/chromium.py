"""What the tests in a browser share: the app as `myna app` starts it, and one person's browser."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
in_chromium = [pytest.mark.browser, needs_chromium]
TRUMPET = Path(__file__).parents[2] / "examples" / "targets" / "trumpet.flac"
PAGES = ("synth", "match", "compare", "library", "runs", "export")
PATIENCE_S = 180.0
"""The first page compiles the synth, half a minute on a quiet machine."""


@dataclass(frozen=True)
class Size:
    """What a process holds: resident memory in MiB, threads, open files, and child processes."""

    resident_mib: float
    threads: int
    files: int
    children: int


@dataclass(frozen=True)
class Server:
    """The app as `myna app` starts it, on a port and with data of its own.

    `folder` holds its data, its temporary files (`tmp`) and its log.
    """

    port: int
    process: subprocess.Popen[bytes]
    folder: Path

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

    def healthy(self) -> bool:
        assert self.process.poll() is None, "the server has ended"
        try:
            return self.ask("GET", "/_stcore/health") == 200
        except OSError:
            return False

    def size(self) -> Size:
        at = Path(f"/proc/{self.process.pid}")
        pages = int((at / "statm").read_text().split()[1])
        tasks = list((at / "task").iterdir())
        files, children = len(list((at / "fd").iterdir())), 0
        for task in tasks:
            with contextlib.suppress(OSError):  # a thread that has just ended
                children += len((task / "children").read_text().split())
        return Size(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(tasks), files, children)


@contextlib.contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Server]:
    """A server that has answered, with its data below a folder."""
    for name in ("data", "runs", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    port = _free_port()
    command = [sys.executable, "-m", "myna.cli.main", "app", "--no-browser", "--port", str(port)]
    folders = {"MYNA_DATA_DIR": str(folder / "data"), "TMPDIR": str(folder / "tmp")}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--runs", str(folder / "runs")],
            env=os.environ | folders | environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        server = Server(port, process, folder)
        wait_for(server.healthy, "the server to answer")
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what: Callable[[], Any], words: str) -> Any:
    """What it returns, once that is true."""
    until = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < until, f"waited too long for {words}"
        time.sleep(0.2)
    return found


class Session:
    """One person's browser: its page, and what it asked of whom."""

    def __init__(self, browser: Any, server: Server, width: int = 1280, **more: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True, **more)
        self.context.set_default_timeout(1000 * PATIENCE_S)
        self.page, self.server = self.context.new_page(), server
        self.hosts: set[str] = set()
        self.dialogs: list[str] = []
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.page.on("dialog", self._close)

    def _close(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        """Close it; it asked nobody but the app, and no script of a stranger opened a window."""
        self.context.close()
        assert self.hosts <= {f"127.0.0.1:{self.server.port}", ""} and not self.dialogs

    def open(self, name: str) -> None:
        self.page.goto(f"{self.server.url}/{name}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page was drawn to its end; an error on it fails the test."""
        self.page.wait_for_selector("[data-testid=stMain] [data-testid=stVerticalBlock]")
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        wrong = self.page.locator("[data-testid=stException], [role=dialog] >> text=Page not found")
        assert wrong.count() == 0, self.page.inner_text("body")[:2000]

    def at(self, key: str, inside: str = "") -> Any:
        """The widget of that key, or what is inside of it."""
        return self.page.locator(f".st-key-{key.replace('.', '-')} {inside}").first

    def press(self, key: str) -> None:
        self.at(key, "button").click()

    def see(self, text: str) -> None:
        """Wait until a text is to be read on the page."""
        self.page.locator(f"text={text} >> visible=true").first.wait_for()

    def choose(self, key: str, words: str) -> None:
        """Pick the first entry of a list that fits the words."""
        self.at(key, "input").fill(words)
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Escape")
        self.settle()

    def nudge(self, key: str, *presses: str) -> None:
        """Move a slider by keys: `Home`, `End`, `ArrowRight`, ….

        The page is drawn again for each.
        """
        slider = self.at(key, "input[type=range]")
        slider.focus()
        for press in presses:
            slider.press(press)
        self.settle()

    def upload(self, name: str, data: bytes, inside: str = "") -> None:
        """Hand a sound in, at the first place for files on the page or inside of a widget."""
        self.page.locator(f"{inside} input[type=file]").first.set_input_files(
            {"name": name, "mimeType": "audio/flac", "buffer": data}
        )
        self.settle()
