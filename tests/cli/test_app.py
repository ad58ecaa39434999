"""`myna app` starts Streamlit shut towards the outside, or says what is missing."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from myna.cli.app import LIMIT_MB, THEMES, Options, command_line
from myna.cli.main import main

SHUT = {
    "server.address": "127.0.0.1",
    "server.enableXsrfProtection": "true",
    "server.enableCORS": "true",
    "server.enableStaticServing": "false",
    "client.showErrorDetails": "none",
    "browser.gatherUsageStats": "false",
    "server.maxUploadSize": str(LIMIT_MB),
}


def settings(command: list[str]) -> dict[str, str]:
    return dict(part.removeprefix("--").split("=", 1) for part in command if part.startswith("--"))


def test_the_app_listens_to_this_machine_alone_and_tells_nobody() -> None:
    command = command_line(Options())
    assert command[:4] == [sys.executable, "-m", "streamlit", "run"] and Path(command[4]).name == "main.py"
    assert Path(command[4]).is_file()
    assert SHUT.items() <= settings(command).items()


def test_its_options_are_those_of_streamlit() -> None:
    config = pytest.importorskip("streamlit.config", reason="Streamlit is not installed: pip install 'myna[app]'")
    for theme in THEMES:
        assert set(settings(command_line(Options(theme=theme)))) <= set(config._config_options_template)


def test_the_limit_of_an_upload_is_the_same_in_both_places() -> None:
    guard = pytest.importorskip("myna.app.guard", reason="Streamlit is not installed: pip install 'myna[app]'")
    assert guard.MAX_UPLOAD_MB == LIMIT_MB


def test_port_address_and_browser_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, command: ran.append(command))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    main(["app", "--port", "9000", "--address", "0.0.0.0", "--no-browser"])
    chosen = settings(ran[0])
    assert (chosen["server.port"], chosen["server.address"], chosen["server.headless"]) == ("9000", "0.0.0.0", "true")


def test_threads_share_heaps_unless_asked_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "execv", lambda program, command: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    for before, after in (({}, "2"), ({"MALLOC_ARENA_MAX": "5"}, "5")):
        monkeypatch.setattr(os, "environ", before)
        main(["app"])
        assert before["MALLOC_ARENA_MAX"] == after


def test_it_is_dark_unless_asked_otherwise() -> None:
    grounds = {theme: settings(command_line(Options(theme=theme))).get("theme.backgroundColor") for theme in THEMES}
    assert grounds == {"dark": "#12151d", "light": "#f4f2ee", "system": None}
    assert Options().theme == "dark"


def test_without_streamlit_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["app"]) == 5
    assert capsys.readouterr().err == "myna: The app needs Streamlit: install it with `pip install 'myna[app]'`.\n"


@pytest.mark.parametrize(
    "arguments", [["--theme", "pink"], ["--port", "0"], ["--port", "x"], ["--poort", "1"], ["extra"]]
)
def test_a_mistake_is_one_sentence(arguments: list[str], capsys) -> None:
    assert main(["app", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
