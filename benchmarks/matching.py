"""How well and how fast sounds are matched: `auto`, what `myna match` uses, against cold CMA-ES and random presets.

    python benchmarks/matching.py [--json] [--sets recordings,prior] [--limit N] [--processes 2]

Sets: `recordings`, the twelve of examples/targets, and `prior`, 64 held-out presets drawn as people make them. Ratios
are of median scaled losses (0 = identical, 1 = the median random pair), seed 0; their 95 % intervals come from a
bootstrap over targets. Rows go to out/bench/matching/ as they come: a run that was cut short goes on where it was.
They do not know the code of agents: after a change of it, delete the folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from myna.errors import MynaError, UsageError
from myna.evaluation.about import commit
from myna.evaluation.cells import Cell, Contender, best_losses, paired_losses, runs_of
from myna.evaluation.comparison import run
from myna.evaluation.suites import load_recordings
from myna.evaluation.suites.sets import PresetSet, RecordingSet, TargetSet
from myna.matching import MatchSettings, match_target
from myna.seeding import generator
from myna.synth.renderer import Renderer

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "targets"
SETS = ("recordings", "prior")
PRIOR_TARGETS = 64
# The curve of a longer run is read off at shorter budgets, but not of auto: its plan depends on it.
RUNS = (("random", 1000), ("cma-es", 1000), ("auto", 200), ("auto", 1000))
COLUMNS = (("auto", 200), ("auto", 1000), ("cma-es", 200), ("cma-es", 1000), ("random", 200), ("random", 1000))
# Key behind the set, whose loss over whose, renders, the number to reach.
RATIOS = (
    ("auto_over_cma_200", "auto", "cma-es", 200, 0.70),
    ("auto_over_cma_1000", "auto", "cma-es", 1000, 0.90),
    ("auto_over_random_1000", "auto", "random", 1000, 0.60),
)
SECONDS_AT_MOST = 12.0


def main() -> None:
    """Run what is missing and print the table or the JSON object."""
    options = _options()
    try:
        sets = [_set(name) for name in options.sets.split(",")]
        _run(sets, options)
        result = {**_ratios(sets, options.out), "seconds_per_1000_renders": _seconds(Renderer())}
        print(json.dumps(result, indent=2) if options.json else _table(sets, options.out, result))
    except MynaError as error:
        raise SystemExit(f"error: {error}") from None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--sets", default=",".join(SETS), help="separated by commas (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="only the first N targets of each set")
    parser.add_argument("--processes", type=int, default=2, help="of one thread each (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "bench" / "matching", help="folder of the rows")
    return parser.parse_args()


def _set(name: str) -> TargetSet:
    if name == "recordings":
        return RecordingSet(name, tuple(one for one in load_recordings() if (EXAMPLES / one.path.name).exists()))
    if name == "prior":
        return PresetSet(name, PRIOR_TARGETS)
    raise UsageError(f"There is no set '{name}'; choose of {', '.join(SETS)}.")


def _run(sets: list[TargetSet], options: argparse.Namespace) -> None:
    cells = [Cell(Contender(agent, agent), targets, budget) for targets in sets for agent, budget in RUNS]
    began, about = time.monotonic(), {"commit": commit()}
    for cell, done, wanted, _ in run(cells, options.out, limit=options.limit, processes=options.processes, about=about):
        name = f"{cell.contender.label} on {cell.targets.name}, {cell.budget} renders"
        print(f"{time.monotonic() - began:7.0f} s  {name}: {done} of {wanted}", file=sys.stderr, flush=True)


def _ratios(sets: list[TargetSet], out: Path) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for targets in sets:
        for key, agent, other, renders, _ in RATIOS:
            pairs = np.stack(paired_losses(out, [(agent, renders), (other, renders)], targets.name), axis=1)
            result[f"{targets.name}_{key}"] = round(float(np.divide(*np.median(pairs, axis=0))), 4)
            result[f"{targets.name}_{key}_interval"] = _interval(pairs)
    return result


def _interval(pairs: np.ndarray) -> list[float]:
    """95 % bootstrap interval of the ratio of medians, targets drawn again 10,000 times."""
    rng = generator(0, "benchmark", "bootstrap")
    drawn = pairs[rng.integers(len(pairs), size=(10_000, len(pairs)))]
    medians = np.median(drawn, axis=1)
    return [round(float(x), 4) for x in np.percentile(medians[:, 0] / medians[:, 1], (2.5, 97.5))]


def _seconds(renderer: Renderer) -> float:
    """Wall-clock seconds of a match with 1,000 renders of a 1 s target on all threads, its metrics and alternatives
    included, the kernel and all weights ready.
    """
    target = PresetSet("speed", 1).target(0, renderer)
    match_target(target, MatchSettings(budget=8), renderer=renderer)
    began = time.perf_counter()
    match_target(target, MatchSettings(budget=1000), renderer=renderer)
    return round(time.perf_counter() - began, 2)


def _table(sets: list[TargetSet], out: Path, result: dict[str, Any]) -> str:
    lines = [f"{'target':20}" + "".join(f"{f'{agent}@{renders}':>13}" for agent, renders in COLUMNS)]
    for targets in sets:
        told = {row["index"]: row["target"] for _, rows in runs_of(out, "auto", targets.name) for row in rows}
        columns = [best_losses(out, agent, targets.name, renders)[1] for agent, renders in COLUMNS]
        shared = sorted(set.intersection(*map(set, columns)))
        losses = np.array([[column[index] for column in columns] for index in shared])
        names = [*(told[index] for index in shared), f"median of {targets.name}"]
        for name, row in zip(names, [*losses, np.median(losses, axis=0)], strict=True):
            lines.append(f"{name:20}" + "".join(f"{loss:13.3f}" for loss in row))
    lines.append("")
    goals = [(f"{targets.name}_{key}", most) for targets in sets for key, _, _, _, most in RATIOS]
    for key, most in [*goals, ("seconds_per_1000_renders", SECONDS_AT_MOST)]:
        low, high = result.get(f"{key}_interval", (None, None))
        interval = "" if low is None else f"[{low:.3f}, {high:.3f}]"
        verdict = "reached" if result[key] <= most else "missed"
        lines.append(f"{key:34}{result[key]:7.3f}  {interval:14}  at most {most:.2f}: {verdict}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
