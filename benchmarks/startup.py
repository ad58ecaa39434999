"""From no renderer to the first sound, in a process of its own: CPU and wall seconds by step, as one JSON object.

With an empty MYNA_CACHE_DIR the wavetables are built and the kernel is compiled, which a child process does whose CPU
time counts; with a filled one both are read.
"""

from __future__ import annotations

import itertools
import json
import os
import time

from myna.synth.base import Probe
from myna.synth.renderer import Renderer


def main() -> None:
    """Take the steps in order, reading both clocks after each."""
    clocks = [("start", _cpu_s(), time.perf_counter())]

    def done(step: str) -> None:
        clocks.append((step, _cpu_s(), time.perf_counter()))

    renderer = Renderer(threads=1)
    done("imports")
    # What the first render would do by itself; called here so that it is timed apart.
    from myna.synth.serum_lite.wavetables import wavetable_bank

    wavetable_bank()
    done("wavetables")
    sound = renderer.render(renderer.table.encode(renderer.table.defaults)[None], Probe())
    done("kernel")
    assert abs(sound).max() > 0.01, "the first sound is silent"
    total = {"cpu_s": clocks[-1][1] - clocks[0][1], "wall_s": clocks[-1][2] - clocks[0][2]}
    steps = {now[0]: now[1] - before[1] for before, now in itertools.pairwise(clocks)}
    print(json.dumps(total | {"cpu_s_by_step": steps}))


def _cpu_s() -> float:
    """CPU seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
