"""The errors that a user may see: one sentence each, and the exit code that goes with it.

A message names the thing and the mend, in one sentence:

    raise BadAudioError(f"{path} is silent: give a recording with sound in it.")
"""

from __future__ import annotations

__all__ = [
    "BackendError",
    "BadAudioError",
    "BadPresetError",
    "IncompatibleVersionError",
    "MynaError",
    "UsageError",
    "printable",
]


class MynaError(Exception):
    """A mistake that the user can mend; shown as one line, never as a traceback."""

    exit_code: int = 3


class UsageError(MynaError):
    """The command was called wrongly: unknown verb, option or value."""

    exit_code = 2


class BadAudioError(MynaError):
    """An audio file or array that cannot be used: unreadable, too long, silent, not finite."""

    exit_code = 3


class BadPresetError(MynaError):
    """A preset that cannot be used: not JSON, unknown or missing parameter, out of range."""

    exit_code = 3


class IncompatibleVersionError(MynaError):
    """A file that a newer version of myna wrote."""

    exit_code = 4


class BackendError(MynaError):
    """A synth, device or optional dependency that is missing, failed or ran out of time."""

    exit_code = 5


def printable(text: str, longest: int = 80) -> str:
    r"""Return text that a message can hold: odd characters escaped, and shortened in the middle.

    Control characters, bidirectional overrides and halves of surrogate pairs count as odd.

    >>> printable("a\x1b[2Jb.wav")
    'a\\x1b[2Jb.wav'
    >>> printable("abcdefghij", longest=7)
    'abcd…ij'
    """
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    if len(safe) <= longest:
        return safe
    tail = longest // 3
    return f"{safe[: longest - tail - 1]}…{safe[-tail:]}"
