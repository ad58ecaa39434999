"""How agents compare: paired median ratios of the full scaled loss at equal budgets, on held-out targets.

    python benchmarks/agents.py [--agents cma-es,sac] [--sets in,rec] [--budgets 16,200] [--limit N] [--processes 2]
    python benchmarks/agents.py --only-run …       # run what is missing, print no table
    python benchmarks/agents.py --table [--json]   # run nothing, print what is there
    python benchmarks/agents.py --stages           # how often `sac` reaches the target, by stage of the curriculum

Sets: `in` 256 held-out draws of the musical prior, all modules open; `rec` the 60 recordings of the suite “real”; to
tune on, and on nothing else, `in-val` (64 other draws) and `rec-val` (recordings/train's validation instruments); and
every frozen suite by its name (`myna suites list`).

A contender is an agent's name, or LABEL=NAME[:SETTING=VALUE…], as `sac@2=sac:weights=out/train/seed2/best`. An agent
that does the same whatever the budget is run once, at the largest, and its curve is read at the others; one that plans
by its budget is run at each. Rows go to out/bench/agents/ as they come: a run that was cut short goes on where it was.
Those of the last table that were kept are in agents_rows.tar.xz beside this file: unpack them there.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path

from agents_stages import measure_stages
from agents_table import claims_found, medians_found, medians_text, others_found, text

from myna.audio.collection import read_index
from myna.errors import MynaError, UsageError
from myna.evaluation.about import commit
from myna.evaluation.cells import Cell, Contender
from myna.evaluation.comparison import run
from myna.evaluation.suites import SUITES, load_recordings, load_suite
from myna.evaluation.suites.sets import PresetSet, RecordingSet, TargetSet
from myna.retrieval import load_bank
from myna.synth.renderer import Renderer
from myna.training.recordings import split_by_instrument

ROOT = Path(__file__).parents[1]
SETS = ("in", "rec", "in-val", "rec-val")
# Renders at which each agent is run unless `--budgets` says otherwise.
BUDGETS: dict[str, tuple[int, ...]] = {
    "random": (1000,), "mean-preset": (1,), "retrieval": (64,), "cma-es": (2000,), "cat-cma-es": (1000,),
    "retrieval+cma-es": (50, 200, 1000), "regression": (64,), "cloning": (64,), "sac": (64,), "proxy": (64,),
    "sac+bank": (64,), "sac+proxy": (64,),
    "regression+cma-es": (50, 200, 1000), "cloning+cma-es": (50, 200, 1000), "policy+cma-es": (50, 200, 1000),
    "proxy+cma-es": (50, 200, 1000), "regression+descent": (50, 200, 1000), "proxy+descent": (50, 200, 1000),
    "auto": (50, 200, 1000),
}  # fmt: skip
BANKED = ("retrieval", "retrieval+cma-es")


def main() -> None:
    options = _options()
    try:
        if options.stages:
            measure_stages(Contender.parse(options.policy), options.out / "stages.json", options.limit)
        elif not options.table:
            _run(options)
        if not options.only_run:
            _print(options)
    except MynaError as error:
        raise SystemExit(f"error: {error}") from None


def _print(options: argparse.Namespace) -> None:
    sets = options.sets.split(",")
    medians = medians_found(options.out, sets, options.seed)
    claims = claims_found(options.out, sets, options.seed)
    others = others_found(ROOT / "out")
    if options.json:
        print(json.dumps({**claims, **others, "medians": medians}, indent=2))
    else:
        print(f"{medians_text(medians)}\n{text(claims, others)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", default=",".join(BUDGETS), help="contenders, separated by commas (default: all)")
    parser.add_argument("--sets", default="in,rec", help=f"of {', '.join(SETS)} (default: %(default)s)")
    parser.add_argument("--budgets", help="renders, separated by commas, for every contender (default: each one's own)")
    parser.add_argument("--limit", type=int, help="only the first N targets of each set")
    parser.add_argument("--processes", type=int, default=2, help="of one thread each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the agents' draws (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "bench" / "agents", help="folder of the rows")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--policy", default="sac", help="the contender that --stages plays (default: %(default)s)")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--only-run", action="store_true", help="run what is missing and print no table")
    only.add_argument("--stages", action="store_true", help="play the curriculum's held-out tasks instead")
    only.add_argument("--table", action="store_true", help="run nothing")
    return parser.parse_args()


def _run(options: argparse.Namespace) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes are ended, too
    contenders = [Contender.parse(text) for text in options.agents.split(",")]
    cells = [
        Cell(contender, targets, budget, options.seed)
        for contender in contenders
        for targets in map(_set, options.sets.split(","))
        for budget in _budgets(contender, options.budgets)
    ]
    if any(contender.agent in BANKED or contender.settings.get("start") == "retrieved" for contender in contenders):
        load_bank(Renderer(), _say_building)  # once, before several processes would each build it
    began = time.monotonic()
    about = {"commit": commit()}
    for cell, done, wanted, _ in run(cells, options.out, limit=options.limit, processes=options.processes, about=about):
        name = f"{cell.contender.label} on {cell.targets.name}, {cell.budget} renders"
        print(f"{time.monotonic() - began:7.0f} s  {name}: {done} of {wanted}", file=sys.stderr, flush=True)


def _say_building(done: int, total: int) -> None:
    if done == total or done * 10 // total > (done - 64) * 10 // total:
        print(f"building the bank: {done} of {total}", file=sys.stderr, flush=True)


def _set(name: str) -> TargetSet:
    if name == "in":
        return PresetSet("in", 256)
    if name == "rec":
        return RecordingSet("rec", load_recordings("real"))
    if name == "in-val":
        return PresetSet("in-val", 64)
    if name == "rec-val":
        return RecordingSet("rec-val", tuple(split_by_instrument(read_index(ROOT / "recordings" / "train"))[1]))
    if name in SUITES:
        return load_suite(name)
    raise UsageError(f"There is no set '{name}'; choose of {', '.join((*SETS, *SUITES))}.")


def _budgets(contender: Contender, asked: str | None) -> tuple[int, ...]:
    """Runs to make: all budgets of an agent that plans by its budget, else the largest alone."""
    try:
        found = tuple(int(text) for text in asked.split(",")) if asked else BUDGETS.get(contender.agent, (200,))
    except ValueError:
        raise UsageError(f"The budgets {asked!r} are not whole numbers, separated by commas.") from None
    return (max(found),) if contender.anytime else found


if __name__ == "__main__":
    main()
