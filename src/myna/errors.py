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
