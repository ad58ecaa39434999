"""Takes the pictures of the app's pages: python docs/screenshots.py [--runs out]. It needs Debian's Chromium."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PORT = 8799
URL = f"http://127.0.0.1:{PORT}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", default="out", help="folder that the page Runs shows (default: %(default)s)")
    runs = parser.parse_args().runs
    command = [sys.executable, "-m", "myna.cli.main", "app", "--no-browser", "--port", str(PORT), "--runs", runs]
    with tempfile.TemporaryDirectory() as data:
        server = subprocess.Popen(command, env={**os.environ, "MYNA_DATA_DIR": data})
        try:
            time.sleep(8)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.set_default_timeout(600_000)  # the first match builds the bank of sounds
                _take(page)
                browser.close()
        finally:
            server.terminate()


def _take(page: Page) -> None:
    _open(page, "synth")
    page.get_by_text("Oscillator A").first.wait_for()
    _shot(page, "synth")
    _open(page, "match")
    page.locator("input[type=file]").first.set_input_files(ROOT / "examples" / "targets" / "trumpet.flac")
    page.get_by_text("heard F4").wait_for()
    page.locator(".st-key-match-go button").click()
    page.locator(".st-key-result-keep button").wait_for()
    _shot(page, "match")
    for name in ("compare", "export", "runs", "library"):
        _open(page, name)
        if name == "library" and page.get_by_role("button", name="factory").count():
            page.get_by_role("button", name="factory").first.click()
            time.sleep(8)
        _shot(page, name)


def _open(page: Page, name: str) -> None:
    page.goto(f"{URL}/{name}")
    _quiet(page)


def _quiet(page: Page) -> None:
    page.wait_for_selector("[data-testid=stMain] [data-testid=stVerticalBlock]")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def _shot(page: Page, name: str) -> None:
    _quiet(page)
    time.sleep(2)  # pictures and players load after the script has run
    page.screenshot(path=IMAGES / f"app-{name}.png")


if __name__ == "__main__":
    main()
