"""Progress goes to stderr: a bar on a terminal, a few lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import io
import sys

import pytest

from myna.cli.match_progress import open_progress


class Terminal(io.StringIO):
    """Standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run(quiet: bool = False) -> None:
    with open_progress("[bold]trumpet", quiet) as progress:
        for done in range(0, 101, 5):
            progress.preparing(done, 100)
        for renders in range(0, 41, 2):
            progress.update(renders, 40, 1.0 / (1 + renders))


def test_quiet_says_nothing(capsys) -> None:
    run(quiet=True)
    assert capsys.readouterr() == ("", "")


def test_off_a_terminal_a_line_for_each_quarter(capsys) -> None:
    run()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "[bold]trumpet: searching",
        *(f"building the bank of sounds, once: {done} of 100" for done in (0, 25, 50, 75, 100)),
        "[bold]trumpet: 10 of 40 renders, best loss 0.091",
        "[bold]trumpet: 20 of 40 renders, best loss 0.048",
        "[bold]trumpet: 30 of 40 renders, best loss 0.032",
        "[bold]trumpet: 40 of 40 renders, best loss 0.024",
    ]


def test_on_a_terminal_a_bar_with_the_name_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    run()
    assert "[bold]trumpet" in terminal.getvalue()
    assert "40/40 renders" in terminal.getvalue()


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
