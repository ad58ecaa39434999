"""How fast the environment steps: `python benchmarks/env.py [--json]`, about 3 minutes.

Wall clock on all cores that the process may use: 64 environments, one 1-s probe, lean features, musical prior, all
modules open, random actions, episodes reset as they end. `overhead_share` is the part of a step's time that is neither
render nor features and loss; resets are counted like anything else.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
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
CUDA_SIZES = (64, 1_024, 8_192)


class Stopwatch:
    """Adds up the wall time of the calls that it wraps; a wrapped call inside another is counted once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._inside = False

    def wrap(self, owner: Any, name: str) -> None:
        """Time every call of `owner.name` from now on."""
        call = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return call(*args, **kwargs)
            self._inside, start = True, time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                self._inside = False
                self.seconds += time.perf_counter() - start

        setattr(owner, name, timed)


def watched() -> Stopwatch:
    """A stopwatch on all that renders, analyses and compares, as the environment's modules call it."""
    from myna.envs import core, target_sounds

    watch = Stopwatch()
    watch.wrap(Renderer, "render")
    for module in (core, target_sounds):
        for name in ("score", "analyse"):
            if hasattr(module, name):
                watch.wrap(module, name)
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
        run(envs, 2, rng)
    watch, rates, shares = watched(), {64: [], 256: []}, []
    for i in range(ROUNDS):
        for envs in (small, large):
            steps = STEPS * 64 // envs.num_envs
            watch.seconds = 0.0
            seconds = run(envs, steps, rng)
            rates[envs.num_envs].append(steps * envs.num_envs / seconds)
            if envs is small:
                shares.append(1.0 - watch.seconds / seconds)
        say(f"round {i + 1} of {ROUNDS}: {rates[64][-1]:.0f} and {rates[256][-1]:.0f} steps/s")
    pairs = [large_rate / small_rate for small_rate, large_rate in zip(rates[64], rates[256], strict=True)]
    return found | {
        "steps_per_s": statistics.median(rates[64]),
        "steps_per_s_rounds": [round(rate, 1) for rate in rates[64]],
        "overhead_share": statistics.median(shares),
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
        run(envs, 2, rng)
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
