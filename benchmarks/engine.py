"""How fast Serum-lite renders, beside its peers: `python benchmarks/engine.py [--json]`. README.md tells the method."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numba
import numpy as np
from peers import BATCH, GATE_S, NOTE, PEERS, SECONDS, VELOCITY
from report import print_table
from timing import machine, pinned, seconds_a_call, trial
from workloads import EVERYTHING, TWO_OSCILLATORS, WARPS

from myna.files import make_folder, write_atomic
from myna.presets.factory import load_factory
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.parameters import TABLE

HERE = Path(__file__).parent
PROBE = Probe(NOTE, VELOCITY, GATE_S, SECONDS)
FACTORY_PASSES = 2  # over the whole bank, so that a busy moment does not spoil both trials of a preset
PAIRS = 30  # of one thread and two


def batch_of(u: np.ndarray) -> np.ndarray:
    """BATCH copies of a preset (P,), (BATCH, P)."""
    return np.repeat(u[None], BATCH, axis=0)


def factory(renderer: Renderer) -> dict[str, Any]:
    """Every factory preset by itself; the quartiles of their speeds, and the slowest."""
    presets = load_factory(TABLE)
    batches = [batch_of(preset.u(TABLE)) for preset in presets]
    seconds = np.full(len(presets), np.inf)
    for _ in range(FACTORY_PASSES):
        for i, u in enumerate(batches):
            seconds[i] = min(seconds[i], trial(lambda u=u: renderer.render(u, PROBE)))
    speeds = BATCH * SECONDS / seconds
    slowest = np.argsort(speeds)[:3]
    return {
        "factory_median_x_realtime": float(np.median(speeds)),
        "factory_quartiles": [float(q) for q in np.percentile(speeds, (25, 75))],
        "factory_presets": len(presets),
        "factory_slowest": {presets[i].name: float(speeds[i]) for i in slowest},
    }


def patches(renderer: Renderer) -> dict[str, Any]:
    """Everything on, each warp on both oscillators in turn, as the mean cost; and two oscillators with a filter."""

    def seconds(settings: Mapping[str, Any]) -> float:
        u = batch_of(TABLE.encode(TABLE.from_dict(settings)))
        assert np.abs(renderer.render(u[:1], PROBE)).max() > 0.01, "a silent patch would be timed"
        return seconds_a_call(lambda: renderer.render(u, PROBE))

    warped = {w: seconds(EVERYTHING | {"osc_a.warp": w, "osc_b.warp": w}) for w in WARPS}
    return {
        "everything_x_realtime": BATCH * SECONDS / float(np.mean(list(warped.values()))),
        "everything_by_warp": {w: BATCH * SECONDS / s for w, s in warped.items()},
        "two_oscillators_x_realtime": BATCH * SECONDS / seconds(TWO_OSCILLATORS),
    }


def two_threads() -> dict[str, Any]:
    """The factory bank as one batch, one thread and two in turn: the least wall time of each, as a ratio.

    Another process on either core makes it too small. The CPU time that two threads need over that of one
    (`two_thread_cpu`, best near 1) tells a busy machine from threads that hinder each other.
    """
    u = np.stack([preset.u(TABLE) for preset in load_factory(TABLE)])
    renderers = (Renderer(threads=1), Renderer(threads=2))
    times = np.array([[_wall_and_cpu(renderer, u) for renderer in renderers] for _ in range(PAIRS + 1)][1:])
    (one, one_cpu), (two, two_cpu) = times.min(axis=0)
    return {
        "two_thread_scaling": float(one / two),
        "two_thread_cpu": float(two_cpu / one_cpu),
        "two_thread_load": os.getloadavg()[0],
    }


def _wall_and_cpu(renderer: Renderer, u: np.ndarray) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    renderer.render(u, PROBE)
    return time.perf_counter() - wall, time.process_time() - cpu


def startup() -> dict[str, Any]:
    """The first sound of a fresh process, with an empty cache folder and again with the filled one."""
    with tempfile.TemporaryDirectory() as cache:
        cold, *warm = (_first_sound(cache) for _ in range(4))
    best = min(warm, key=lambda run: run["cpu_s"])
    return {
        "compile_s": cold["cpu_s"],
        "compile_wall_s": cold["wall_s"],
        "compile_cpu_s_by_step": cold["cpu_s_by_step"],
        "warm_start_s": best["cpu_s"],
        "warm_start_wall_s": best["wall_s"],
        "warm_start_cpu_s_by_step": best["cpu_s_by_step"],
    }


def _first_sound(cache: str) -> dict[str, Any]:
    environment = os.environ | {"MYNA_CACHE_DIR": cache}
    return _run(sys.executable, str(HERE / "startup.py"), environment=environment)


def peers() -> dict[str, Any]:
    """Each peer in its own process: in .venv-peers where that exists, else in this interpreter."""
    own = HERE.parent / ".venv-peers" / "bin" / "python"
    interpreter = str(own) if own.exists() else sys.executable
    one_thread = os.environ | {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
    found: dict[str, Any] = {}
    for peer in PEERS:
        try:
            measured = _run(interpreter, "-W", "ignore", str(HERE / "peers.py"), peer, environment=one_thread)
        except subprocess.CalledProcessError as error:
            measured = {"missing": f"it crashed: {error}"}
        found |= {f"{peer}_{name}": value for name, value in measured.items()}
    return found


def _run(*command: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """The JSON object that a script prints as its last line."""
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure() -> dict[str, Any]:
    """All figures, and what they depend on."""
    found = machine() | {"numba": numba.__version__, "numpy": np.__version__}
    with pinned():
        renderer = Renderer(threads=1)
        renderer.render(batch_of(TABLE.encode(TABLE.defaults))[:1], PROBE)  # compiles
        for part in (factory, patches):
            _tell(part)
            found |= part(renderer)
    for part in (two_threads, startup, peers):
        _tell(part)
        found |= part()
    return found | {"load_after": machine()["load"]}


def _tell(part: Any) -> None:
    print(f"measuring {part.__name__.replace('_', ' ')} …", file=sys.stderr)


def main() -> None:
    """Measure and print, as a table or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the JSON object to this file")
    options = parser.parse_args()
    found = measure()
    text = json.dumps(found, indent=2)
    if options.out:
        make_folder(options.out.parent)
        write_atomic(options.out, text + "\n")
    if options.json:
        print(text)
    else:
        print_table(found)


if __name__ == "__main__":
    main()
