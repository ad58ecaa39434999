"""`myna app`: start the app in the browser, on this machine alone."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from myna.cli.arguments import UNSAID, Flag, chosen, named, parse, whole
from myna.errors import BackendError

__all__ = ["Options", "run"]

LIMIT_MB = 20
LOOK = {"primaryColor": "#f0a13a", "baseRadius": "0.55rem", "baseFontSize": 15, "showWidgetBorder": "false"}
COLOURS = {
    "dark": {
        "backgroundColor": "#12151d",
        "secondaryBackgroundColor": "#1b202b",
        "textColor": "#e6e9f2",
        "borderColor": "#2a3140",
    },
    "light": {
        "backgroundColor": "#f4f2ee",
        "secondaryBackgroundColor": "#e8e4dc",
        "textColor": "#1d222c",
        "borderColor": "#d5cfc3",
    },
}
THEMES = ("dark", "light", "system")
HEAPS = ("MALLOC_ARENA_MAX", "2")
"""glibc gives threads heaps of their own, and each run of a page is a thread: without this, memory grows by half."""


@dataclass(frozen=True)
class Options:
    """Start the app and open it in the browser; Ctrl-C ends it.

    Example: myna app --runs out --theme light
    """

    port: Annotated[int, whole(1, 65_535)] = 8501
    """where it listens"""
    address: Annotated[str, named("ADDRESS")] = "127.0.0.1"
    """who can reach it: this machine alone by default; 0.0.0.0 for everybody in the network"""
    runs: Annotated[str, named("DIR"), UNSAID] = ""
    """the folder whose trainings and evaluations are shown (default MYNA_RUNS_DIR, or out)"""
    theme: Annotated[str, chosen(THEMES)] = "dark"
    """dark, light, or as the computer has it, with a choice in the app's menu"""
    no_browser: Flag = False
    """only print the address"""
    debug: Flag = False
    """show errors in full, and reload when a file changes"""


def run(argv: list[str]) -> int:
    """Become Streamlit; nothing returns from here but the refusal.

    Raises:
        BackendError: Streamlit is not installed.
    """
    options = parse(Options, "myna app", argv)
    if importlib.util.find_spec("streamlit") is None:
        raise BackendError("The app needs Streamlit: install it with `pip install 'myna[app]'`.")
    command = command_line(options)
    if options.runs:
        os.environ["MYNA_RUNS_DIR"] = os.path.abspath(options.runs)
    os.environ.setdefault(*HEAPS)
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - this interpreter, and options of our own


def command_line(options: Options) -> list[str]:
    """The command that starts the app: Streamlit on the app's entry, shut towards the outside."""
    # By its place, not by import: the two faces never import each other.
    entry = Path(__file__).parents[1] / "app" / "main.py"
    settings = {**_server(options), **_theme(options.theme)}
    flags = [f"--{name}={value}" for name, value in settings.items()]
    return [sys.executable, "-m", "streamlit", "run", str(entry), *flags]


def _server(options: Options) -> dict[str, Any]:
    return {
        "global.developmentMode": "false",  # it is guessed from where Streamlit lies, and then no port may be chosen
        "server.address": options.address,
        "server.port": options.port,
        "server.headless": _flag(options.no_browser),
        "server.maxUploadSize": LIMIT_MB,
        "server.maxMessageSize": 50,
        "server.enableXsrfProtection": "true",
        "server.enableCORS": "true",
        "server.enableStaticServing": "false",
        "server.fileWatcherType": "auto" if options.debug else "none",
        "server.runOnSave": _flag(options.debug),
        "client.showErrorDetails": "full" if options.debug else "none",
        "client.toolbarMode": "developer" if options.debug else "viewer",
        "browser.gatherUsageStats": "false",
    }


def _theme(name: str) -> dict[str, Any]:
    """One theme is fixed by Streamlit; two leave the choice to the computer and the menu."""
    look = {f"theme.{key}": value for key, value in LOOK.items()}
    if name == "system":
        both = {f"theme.{one}.{key}": value for one, colours in COLOURS.items() for key, value in colours.items()}
        return look | both
    return look | {"theme.base": name} | {f"theme.{key}": value for key, value in COLOURS[name].items()}


def _flag(value: bool) -> str:
    return "true" if value else "false"
