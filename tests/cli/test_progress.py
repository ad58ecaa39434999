"""Progress goes to stderr: a bar on a terminal, a few lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import io
import sys

import pytest

from myna.cli import progress as module
from myna.cli.progress import Told, each_minute, each_quarter, open_progress


class Terminal(io.StringIO):
    """Standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run(quiet: bool = False) -> None:
    with open_progress(quiet, each_quarter()) as progress:
        progress.update(Told("[bold]trumpet", 0, 40, "searching"))
        for done in range(0, 101, 5):
            progress.update(Told("building", done, 100, f"{done} of 100"))
        for renders in range(0, 41, 2):
            progress.update(Told("[bold]trumpet", renders, 40, f"{renders} of 40 renders"))


def test_quiet_says_nothing(capsys) -> None:
    run(quiet=True)
    assert capsys.readouterr() == ("", "")


def test_off_a_terminal_a_line_for_each_quarter(capsys) -> None:
    run()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "[bold]trumpet: searching",
        *(f"building: {done} of 100" for done in (0, 25, 50, 75, 100)),
        *(f"[bold]trumpet: {renders} of 40 renders" for renders in (10, 20, 30, 40)),
    ]


def test_on_a_terminal_a_bar_with_the_name_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    run()
    assert "[bold]trumpet" in terminal.getvalue()
    assert "40 of 40 renders" in terminal.getvalue()


def test_no_color_takes_the_colours_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    run()
    assert "\x1b[3" not in terminal.getvalue() and "\x1b[38" not in terminal.getvalue()


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "dumb")
    run()
    assert "\x1b" not in terminal.getvalue()
    assert terminal.getvalue().startswith("[bold]trumpet: searching\n")


def test_a_line_a_minute_and_the_time_that_is_left_if_the_rest_goes_as_fast(monkeypatch, capsys) -> None:
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with open_progress(False, each_minute()) as progress:
        for step in range(5):
            progress.update(Told("training", 4000 + 10 * step, 8000, f"step {step}"))  # goes on from another run
            now[0] += 25.0
    assert capsys.readouterr().err.splitlines() == [
        "training: step 0",
        "training: step 3, 2:45:25 left",
    ]
