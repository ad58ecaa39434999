"""The bank of sounds, built in the background from the first page on, so that the first match need not wait for it."""

from __future__ import annotations

import os

from myna.app.jobs import Job, the_jobs

__all__ = ["MEANWHILE", "begin_bank", "how_to_search", "in_work"]

MEANWHILE = "policy+cma-es"
"""What `auto` is until then: of those that look into no bank the best (docs/results.md)."""
_BANKED = ("retrieval", "retrieval+cma-es")
_SYNTH = "serum-lite"


def begin_bank() -> None:
    """Begin to build it, once in the life of the app, unless it was started with `--no-bank`.

    What failed is not begun again by each page that is drawn: a match that needs the bank builds it, or says why not.
    """
    if os.environ.get("MYNA_BUILD_BANK", "1") != "0" and the_jobs().begun("bank") is None:
        the_jobs().once("bank")


def in_work() -> Job | None:
    """The job that builds it, while it does."""
    job = the_jobs().begun("bank")
    return None if job is None or job.finished else job


def how_to_search(agent: str, synth: str) -> tuple[str, Job | None]:
    """The agent that searches now in place of another, and the job that it has to wait for."""
    bank = in_work() if synth == _SYNTH else None
    if bank is not None and agent == "auto":
        return MEANWHILE, None
    return agent, bank if agent in _BANKED else None
