"""The job `speed`: how fast this machine hears candidates; it also builds what the first match needs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from myna.app.match_job import prepare

__all__ = ["prepare", "run"]

CANDIDATES, LENGTH_S = 32, 1.0


def run(request: Mapping[str, Any], desk: Any) -> dict[str, Any]:
    """Render and compare some presets; `speed` is seconds of sound per second."""
    from myna.features import analyse
    from myna.loss import PerceptualLoss
    from myna.presets.generator import MusicalPrior
    from myna.seeding import generator
    from myna.synth.base import Probe
    from myna.synth.renderer import Renderer

    renderer, loss = Renderer(), PerceptualLoss()
    u = MusicalPrior(renderer.table).sample(CANDIDATES, generator(0, "speed"))
    probe = Probe(60, 100, 0.7 * LENGTH_S, LENGTH_S)
    wanted = analyse(renderer.render(u[:1], probe)[:, 0], renderer.sample_rate)
    began_s = time.perf_counter()
    heard = analyse(renderer.render(u, probe)[:, 0], renderer.sample_rate)
    for candidate in range(CANDIDATES):
        loss(heard[candidate : candidate + 1], wanted)
    return {"speed": CANDIDATES * LENGTH_S / (time.perf_counter() - began_s)}
