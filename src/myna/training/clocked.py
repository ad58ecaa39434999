"""A renderer that knows how much it did."""

from __future__ import annotations

import time
from typing import Any

from myna.synth.renderer import Renderer

__all__ = ["ClockedRenderer"]


class ClockedRenderer(Renderer):
    """Counts the sounds that it renders and, on the CPU, the seconds that they take; the bits are a `Renderer`'s.

    A GPU goes on working after the call, so there seconds would say nothing.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        """See `Renderer`."""
        super().__init__(*arguments, **settings)
        self._clips, self._seconds = 0, 0.0

    def render(self, u: Any, probes: Any, seeds: Any = None, reuse: bool = False) -> Any:
        """See `Renderer`."""
        begun = time.perf_counter()
        audio = super().render(u, probes, seeds, reuse)
        self._seconds += time.perf_counter() - begun
        self._clips += audio.shape[0] * audio.shape[1]
        return audio

    def taken(self) -> dict[str, float]:
        """`clips` and `seconds/render` since the last call, as a `Meter` takes them; nothing without a sound."""
        clips, seconds = self._clips, self._seconds
        self._clips, self._seconds = 0, 0.0
        if not clips:
            return {}
        return {"clips": float(clips)} | ({"seconds/render": seconds} if self.device == "cpu" else {})
