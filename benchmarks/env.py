"""How fast the environment steps: `python benchmarks/env.py [--json]`, about 3 minutes.

Wall clock on all cores that the process may use: 64 environments, one 1-s probe, lean features, musical prior, all
modules open, random actions, episodes reset as they end, which counts like anything else. `overhead_share` is the part
of the time that is neither render nor features; `loss_share`, which is in it, is that of the loss.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
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
    "scaling_256_over_64": (1.0, "at least"),
}
ROUNDS = 5  # of each size in turn, so that a busy moment does not fall on one of them alone
STEPS = 48  # environment steps of each environment in a round: three episodes and their resets
WARM_UP = 20  # steps, after which episodes end here and there and no longer all at once
CUDA_SIZES = (64, 1_024, 8_192)


class Stopwatch:
    """Adds up seconds by name: wall time of calls from the main thread, CPU time of those in the threads below."""

    def __init__(self) -> None:
        self.wall: Counter[str] = Counter()
        self.cpu: Counter[str] = Counter()

    def watch(self, owner: Any, name: str, label: str, clock: Callable[[], float] = time.perf_counter) -> None:
        """Time every call of `owner.name` from now on."""
        call = getattr(owner, name)
        seconds = self.wall if clock is time.perf_counter else self.cpu

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = clock()
            try:
                return call(*args, **kwargs)
            finally:
                seconds[label] += clock() - start

        setattr(owner, name, timed)

    def shares(self, seconds: float) -> dict[str, float]:
        """Of so many seconds: render, features, loss, the overhead, which is all but the first two, and resets."""
        # Features, loss and summary share the threads: the wall time of them all is divided as their CPU time is.
        loss = self.wall["compare"] * self.cpu["loss"] / sum(self.cpu.values())
        features = self.wall["targets"] + self.wall["compare"] * self.cpu["features"] / sum(self.cpu.values())
        return {
            "render_share": self.wall["render"] / seconds,
            "features_share": features / seconds,
            "loss_share": loss / seconds,
            "overhead_share": 1.0 - (self.wall["render"] + features) / seconds,
            "reset_share": self.wall["resets"] / seconds,
        }


def watched() -> Stopwatch:
    """A stopwatch on all that renders, analyses and compares."""
    from myna.envs import assembly, core, target_sounds
    from myna.loss import PerceptualLoss

    watch = Stopwatch()
    watch.watch(Renderer, "render", "render")
    watch.watch(assembly.Assembly, "begin", "resets")
    watch.watch(core.Core, "_compare", "compare")
    watch.watch(target_sounds, "analyse", "targets")
    watch.watch(sys.modules["myna.loss.score"], "analyse", "features", time.thread_time)
    watch.watch(PerceptualLoss, "__call__", "loss", time.thread_time)
    watch.watch(core.Core, "_summary", "summary", time.thread_time)
    return watch


def make(count: int, renderer: Renderer) -> Any:
    """The vector environment of the workload, reset."""
    envs = gymnasium.make_vec(ENV_ID, num_envs=count, stage=6, overrides=MUSICAL, renderer=renderer)
    envs.reset(seed=0)
    return envs


def run(envs: Any, steps: int, rng: np.random.Generator) -> float:
    """Seconds of wall time that so many steps of all environments take, random actions drawn beforehand."""
    actions = rng.uniform(-1.0, 1.0, (steps, *envs.action_space.shape)).astype(np.float32)
    start = time.perf_counter()
    for action in actions:
        envs.step(action)
    return time.perf_counter() - start


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
    shares = watch.shares(run(small, STEPS, rng))
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
