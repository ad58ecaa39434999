"""Figures of single steps gathered into those of a line of the log."""

from __future__ import annotations

import time
from collections.abc import Mapping

from myna.envs.tags import LATEST

__all__ = ["Meter"]

SECONDS, CLIPS = "seconds/", "clips"
_RENDER = SECONDS + "render"


class Meter:
    """Gathers figures of steps and tells their means, or the last of those that tell how things are.

    `seconds/<what>` become shares of the wall clock, `time/share_<what>`; `seconds/render` and `clips`, the sounds that
    were rendered, become the figures under `render/`.
    """

    def __init__(self) -> None:
        """Begin now."""
        self._clear()

    def _clear(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._begun = time.perf_counter()

    def add(self, figures: Mapping[str, float]) -> None:
        """Take those of one step."""
        for name, value in figures.items():
            latest = name.startswith(LATEST)
            self._sums[name] = value if latest else self._sums.get(name, 0.0) + value
            self._counts[name] = 1 if latest else self._counts.get(name, 0) + 1

    def spend(self, name: str, seconds: float) -> None:
        """Note time that went into something else than steps."""
        self.add({SECONDS + name: seconds})

    def told(self, steps: int) -> dict[str, float]:
        """Figures since the last call, over so many steps of the learner; and begin anew."""
        seconds = max(time.perf_counter() - self._begun, 1e-9)
        figures = {"time/steps_per_s": steps / seconds}
        for name, total in self._sums.items():
            if name in (CLIPS, _RENDER):
                continue
            if name.startswith(SECONDS):
                figures[f"time/share_{name.removeprefix(SECONDS)}"] = total / seconds
            else:
                figures[name] = total / self._counts[name]
        figures |= self._rendering(seconds)
        self._clear()
        return figures

    def _rendering(self, seconds: float) -> dict[str, float]:
        clips, spent = self._sums.get(CLIPS, 0.0), self._sums.get(_RENDER)
        told = {"render/clips_per_s": clips / seconds} if clips else {}
        if clips and spent is not None:
            told |= {"render/ms_per_clip": 1000.0 * spent / clips, "render/share": spent / seconds}
        return told
