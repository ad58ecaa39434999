"""How fast the environment steps: `python benchmarks/env.py [--json]`, about 3 minutes.

Wall clock on all cores that the process may use: 64 environments, one 1-s probe, lean features, musical prior, all
modules open, random actions, episodes reset as they end, which counts like anything else.

What is neither render nor features is told twice, since threads work side by side (each step's pool, and the one that
begins the next episodes): `overhead_share` is its part of the CPU time of all threads of the process, with the loss and
the summary of what is heard (`loss_share`) and all of Python's; `overhead_wall_share` is the part of the wall time in
which no thread at all renders or analyses. What no stopwatch sees counts as overhead. The first holds on a busy
machine, too.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from timing import machine

import myna.envs  # noqa: F401 - registers the environment
from myna.files import make_folder, write_atomic
from myna.seeding import generator
from myna.synth.renderer import Renderer

ENV_ID = "myna/PresetMatch-v0"
MUSICAL = {"defaults": {"musical": 1.0}, "stages": {"effects": {"musical": 1.0}}}
GOALS = {
    "steps_per_s": (400.0, "at least"),
    "overhead_share": (0.10, "at most"),
    "overhead_wall_share": (0.10, "at most"),
    "scaling_256_over_64": (1.0, "at least"),
}
WORK = ("render", "features")
ROUNDS = 5  # of each size in turn, so that a busy moment does not fall on one of them alone
STEPS = 48  # environment steps of each environment in a round: three episodes and their resets
WARM_UP = 20  # steps, after which episodes end here and there and no longer all at once
CUDA_SIZES = (64, 1_024, 8_192)


class Stopwatch:
    """Adds up the CPU seconds of all threads by label, and the wall seconds in which any of them is at real work."""

    def __init__(self) -> None:
        self.cpu: Counter[str] = Counter()
        self.wall = 0.0
        self._own, self._lock = threading.local(), threading.Lock()
        self._working, self._since = 0, 0.0

    def watch(self, owner: Any, name: str, label: str) -> None:
        """Time every call of `owner.name` from now on."""
        setattr(owner, name, self.timed(getattr(owner, name), label))

    def timed(self, call: Callable[..., Any], label: str) -> Callable[..., Any]:
        """The same call, timed; what it calls in its thread counts as part of it."""

        @functools.wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if getattr(self._own, "inside", False):
                return call(*args, **kwargs)
            self._own.inside = True
            self._work(label, 1)
            start = time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                self._work(label, -1, time.thread_time() - start)
                self._own.inside = False

        return timed

    def _work(self, label: str, more: int, cpu_s: float = 0.0) -> None:
        """One more or one fewer at work."""
        with self._lock:
            self.cpu[label] += cpu_s
            if label in WORK:
                now = time.perf_counter()
                self.wall += (now - self._since) * (self._working > 0)
                self._working, self._since = self._working + more, now

    def shares(self, wall_s: float, cpu_s: float, pool_s: float) -> dict[str, float]:
        """Of so many seconds of wall time, CPU time of all threads, and of the renderer's own; see `clocks`."""
        spent = self.cpu + Counter(render=pool_s)
        parts = {f"{label}_share": spent[label] / cpu_s for label in (*WORK, "loss")}
        return {
            "overhead_share": 1.0 - sum(spent[label] for label in WORK) / cpu_s,
            "overhead_wall_share": 1.0 - self.wall / wall_s,
            **parts,
            "cores_busy": cpu_s / wall_s,
        }


def watched() -> Stopwatch:
    """A stopwatch on all that renders, analyses and compares, in whichever thread."""
    from myna.envs import core, target_sounds
    from myna.envs.judge import Judge

    watch = Stopwatch()
    watch.watch(Renderer, "render", "render")
    watch.watch(target_sounds, "analyse", "features")
    watch.watch(core, "analyse", "features")
    watch.watch(sys.modules["myna.features.extractor"], "measure", "features")  # what the threads of `analyse` call
    watch.watch(Judge, "__call__", "loss")
    return watch


def make(count: int, renderer: Renderer) -> Any:
    """The vector environment of the workload, reset."""
    envs = gymnasium.make_vec(ENV_ID, num_envs=count, stage=6, overrides=MUSICAL, renderer=renderer)
    envs.reset(seed=0)
    return envs


def run(envs: Any, steps: int, rng: np.random.Generator, clock: Callable[[], Any] = time.perf_counter) -> Any:
    """What a clock, by default the wall's, says of so many steps of all, random actions drawn beforehand."""
    actions = rng.uniform(-1.0, 1.0, (steps, *envs.action_space.shape)).astype(np.float32)
    start = clock()
    for action in actions:
        envs.step(action)
    return clock() - start


def clocks() -> np.ndarray:
    """Seconds on the wall, of CPU time of all threads, and of those that do nothing but render."""
    renders = [thread.ident for thread in threading.enumerate() if thread.name.startswith("serum-lite")]
    own = [time.clock_gettime(time.pthread_getcpuclockid(ident)) for ident in renders if ident]
    return np.array([time.perf_counter(), time.process_time(), sum(own)])


def measure(say: Callable[[str], None]) -> dict[str, Any]:
    """All figures on the CPU, and what they depend on."""
    found = machine() | {"torch": torch.__version__}
    rng, renderer = generator(0, "benchmark", "env"), Renderer()
    small, large = make(64, renderer), make(256, renderer)
    for envs in (small, large):
        run(envs, WARM_UP, rng)
    rates: dict[int, list[float]] = {64: [], 256: []}
    for i in range(ROUNDS):
        for envs in (small, large):
            steps = STEPS * 64 // envs.num_envs
            rates[envs.num_envs].append(steps * envs.num_envs / run(envs, steps, rng))
        say(f"round {i + 1} of {ROUNDS}: {rates[64][-1]:.0f} and {rates[256][-1]:.0f} steps/s")
    watch = watched()
    shares = watch.shares(*run(small, STEPS, rng, clocks).tolist())
    pairs = [large_rate / small_rate for small_rate, large_rate in zip(rates[64], rates[256], strict=True)]
    return found | {
        "steps_per_s": statistics.median(rates[64]),
        "steps_per_s_rounds": [round(rate, 1) for rate in rates[64]],
        **shares,
        "steps_per_s_256": statistics.median(rates[256]),
        "scaling_256_over_64": statistics.median(pairs),
        "load_after": machine()["load"],
    }


def measure_cuda(say: Callable[[str], None]) -> dict[str, Any]:
    """Steps per second on a GPU by number of environments; nothing where there is none."""
    if not torch.cuda.is_available():
        return {"cuda": "no device"}
    rng, renderer = generator(0, "benchmark", "env"), Renderer(device="cuda")
    found: dict[str, Any] = {"cuda": torch.cuda.get_device_name()}
    for count in CUDA_SIZES:
        envs = make(count, renderer)
        run(envs, WARM_UP, rng)
        torch.cuda.synchronize()
        found[f"cuda_steps_per_s_{count}"] = 16 * count / run(envs, 16, rng)
        say(f"{count} environments on the GPU: {found[f'cuda_steps_per_s_{count}']:.0f} steps/s")
    return found


def main() -> None:
    """Measure and print, as a table or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the JSON object to this file")
    options = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    found = measure(say) | measure_cuda(say)
    text = json.dumps(found, indent=2)
    if options.out:
        make_folder(options.out.parent)
        write_atomic(options.out, text + "\n")
    print(text if options.json else _table(found))


def _table(found: dict[str, Any]) -> str:
    lines = []
    for key, (goal, side) in GOALS.items():
        reached = found[key] >= goal if side == "at least" else found[key] <= goal
        lines.append(f"{key:22} {found[key]:9.3f}   {side} {goal:g}: {'reached' if reached else 'NOT reached'}")
    lines += [f"{key:22} {value}" for key, value in found.items() if key not in GOALS]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
