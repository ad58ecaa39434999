"""How long a match will take, from the speed that was measured on this machine."""

from __future__ import annotations

from myna.app.jobs import Job, the_jobs

__all__ = ["in_words", "learn", "seconds_for"]

_measured: dict[str, float] = {}
_KEY = "seconds of sound per second"


def learn(job: Job) -> None:
    """Take the speed of a finished match down; a number, and nothing else of it, serves all sessions."""
    seconds, renders = float(job.result.get("seconds") or 0.0), int(job.result.get("renders") or 0)
    if seconds > 0.5 and renders >= 16:
        _measured[_KEY] = renders * float(job.result["total_s"]) / seconds


def seconds_for(renders: int, total_s: float) -> float | None:
    """Seconds that so many renders of a sound of that length will take; None until the speed has been measured."""
    if _KEY not in _measured:
        job = the_jobs().once("speed")
        if job is None or job.state != "done":
            return None
        _measured[_KEY] = float(job.result["speed"])
    return renders * total_s / _measured[_KEY]


def in_words(seconds: float) -> str:
    """A time as people say it.

    >>> in_words(0.4), in_words(42), in_words(600)
    ('a second', '42 s', '10 min')
    """
    if seconds < 1.5:
        return "a second"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
