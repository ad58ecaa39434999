"""The job `bank`: the bank of sounds that retrieval looks into, built where it is not there yet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

__all__ = ["SAYS", "run"]

SAYS = "Building the bank of sounds, once"
MORE_NICENESS = 10
"""Searches go first."""


def run(request: Mapping[str, Any], desk: Any) -> dict[str, Any]:
    """Build and keep it; some minutes the first time, seconds after that."""
    from myna.retrieval import load_bank
    from myna.synth.renderer import Renderer

    os.nice(MORE_NICENESS)
    load_bank(Renderer(), lambda done, total: desk.tell(says=SAYS, done=done, total=total), desk.stopped)
    return {}
