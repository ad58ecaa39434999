"""From `myna app` to a downloaded preset of an uploaded sound: `python benchmarks/app.py [--sound FILE] [--json]`.

**Wall clock**, in Debian's Chromium, the clicks as fast as the page takes them: open the app, turn to *Match*, upload,
press *Match* with the settings as they stand, download the preset. Twice: *cold* with no data and no cache, so that the
synth is compiled; and *warm* with that cache and again no data. `cpu_s` is what the app and its workers took of the
processor, which says more on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from timing import machine

TRUMPET = Path(__file__).parents[1] / "examples" / "targets" / "trumpet.flac"
GOAL_S = 120.0
PATIENCE_S = 1800.0


def steps(page: Page, url: str, sound: Path) -> dict[str, Callable[[], Any]]:
    """What a person does, in order, each until the page has answered."""

    def drawn() -> None:
        page.goto(url)
        page.get_by_text("Oscillator A").first.wait_for()

    def understood() -> None:
        page.get_by_role("link", name="Match").click()
        page.locator("input[type=file]").first.set_input_files(sound)
        page.locator(".st-key-match-go button").wait_for()

    def matched() -> None:
        page.locator(".st-key-match-go button").click()
        page.locator(".st-key-result-preset button").wait_for()

    def downloaded() -> None:
        with page.expect_download() as download:
            page.locator(".st-key-result-preset button").click()
        assert json.loads(Path(download.value.path()).read_text())["synth"] == "serum-lite"

    return {
        "server_answers_s": lambda: until_it_answers(url),
        "page_drawn_s": drawn,
        "sound_understood_s": understood,
        "match_done_s": matched,
        "preset_downloaded_s": downloaded,
    }


def until_it_answers(url: str) -> None:
    """Ask until there is an answer."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health").close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(url)


def seconds(page: Page, cache: Path, sound: Path) -> dict[str, float]:
    """Seconds for each step and in total, and CPU seconds, of an app with a cache and no data."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    spent_s = cpu_s()
    with tempfile.TemporaryDirectory() as data:
        found = dict[str, float]()
        command = [sys.executable, "-m", "myna.cli.main", "app", "--no-browser", "--port", str(port), "--runs", data]
        folders = {"MYNA_DATA_DIR": data, "MYNA_CACHE_DIR": str(cache)}
        server = subprocess.Popen(command, env=os.environ | folders, stdout=subprocess.DEVNULL)
        try:
            for name, step in steps(page, f"http://127.0.0.1:{port}", sound).items():
                at_s = time.monotonic()
                step()
                found[name] = time.monotonic() - at_s
                print(f"{name} {found[name]:.1f}", file=sys.stderr)
        finally:
            server.terminate()
            server.wait()
    return found | {"total_s": sum(found.values()), "cpu_s": cpu_s() - spent_s}


def cpu_s() -> float:
    """CPU seconds of the children that have ended, and of theirs."""
    times = os.times()
    return times.children_user + times.children_system


def measure(sound: Path) -> dict[str, Any]:
    """All figures, and what they depend on."""
    found: dict[str, Any] = machine()
    with tempfile.TemporaryDirectory() as cache, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in ("cold", "warm"):
            page = chromium.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
            page.set_default_timeout(1000 * PATIENCE_S)
            found[name] = seconds(page, Path(cache), sound)
            page.close()
        chromium.close()
    return found | {"load_after": machine()["load"]}


def print_rows(found: dict[str, Any]) -> None:
    """A step a line, cold and warm; the total with what it should stay under."""
    print(f"{'':24}{'cold':>10}{'warm':>10}")
    for name in found["cold"]:
        goal = f"  <= {GOAL_S:g}" if name == "total_s" else ""
        print(f"{name:24}{found['cold'][name]:10.1f}{found['warm'][name]:10.1f}{goal}")
    print(f"load {found['load']} before, {found['load_after']} after, {found['cores']} cores, {found['cpu']}")


def main() -> None:
    """Measure and print, as a table or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sound", type=Path, default=TRUMPET, help="what is uploaded (default: a trumpet)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args()
    found = measure(options.sound)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print_rows(found)


if __name__ == "__main__":
    main()
