"""How well and how fast recordings and held-out presets are matched: auto against cold CMA-ES and random presets.

    python benchmarks/matching.py [--json] [--targets recordings|prior|all] [--limit N] [--resume] [--processes 2]

Ratios are of median scaled losses (0 = identical, 1 = the median random pair), seed 0; their 95 % intervals come from a
bootstrap over targets. Each result goes to out/bench/matching.jsonl as it comes, so that `--resume` loses nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import myna
from myna.audio.target import Target, target_from_file
from myna.files import sha256_hex
from myna.matching import MatchSettings, match_target
from myna.presets.generator import MusicalPrior
from myna.retrieval import load_bank
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.engine import source_hash

ROOT = Path(__file__).parents[1]
RECORDINGS = ROOT / "examples" / "targets"
# MIDI note and seconds that the key was held, as the recordings' README tells.
PLAYED = {
    "electric_piano": (60, 1.0), "drawbar_organ": (57, 1.0), "nylon_guitar": (52, 1.0), "slap_bass": (40, 0.6),
    "string_ensemble": (60, 1.2), "trumpet": (65, 0.8), "flute": (72, 1.0), "square_lead": (60, 0.8),
    "saw_lead": (57, 0.8), "warm_pad": (55, 1.2), "steel_drum": (67, 0.5), "fretless_bass": (43, 0.8),
}  # fmt: skip
PRIOR_TARGETS = 64
# (agent, budget). The curve of a longer run is read off at shorter budgets, but not of auto: its plan depends on it.
RUNS = (("random", 1000), ("cma-es", 1000), ("auto", 200), ("auto", 1000))
MARKS = (50, 200, 500, 1000)
RATIOS = (
    ("auto_over_cma_200", "auto", "cma-es", 200, 0.70),
    ("auto_over_cma_1000", "auto", "cma-es", 1000, 0.90),
    ("auto_over_random_1000", "auto", "random", 1000, 0.60),
)
SECONDS_AT_MOST = 12.0


def main() -> None:
    """Run what is missing and print the table or the JSON object."""
    options = _options()
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    stamp = _stamp()
    rows = _read(out, stamp) if options.resume else []
    if not options.resume:
        out.unlink(missing_ok=True)
    renderer = Renderer()
    if load_bank(renderer, _say_progress) is None:
        raise SystemExit(130)
    names = [name for name in _names(options.targets) if options.limit is None or _index(name) < options.limit]
    done = {(row["target"], row["agent"], row["budget"]) for row in rows}
    jobs = [(name, agent, budget) for name in names for agent, budget in RUNS if (name, agent, budget) not in done]
    for row in _run(jobs, options.processes):
        rows.append(row)
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**row, "stamp": stamp}) + "\n")
        print(f"{len(rows)}/{len(done) + len(jobs)} {row['target']} {row['agent']} {row['budget']}", file=sys.stderr)
    result = {**_ratios(rows), "seconds_per_1000_renders": _seconds(renderer)}
    print(json.dumps(result, indent=2) if options.json else _table(rows, result))


def _stamp() -> str:
    """Names what a result depends on, so that `--resume` never mixes results of two versions."""
    package = Path(myna.__file__).parent
    parts = [
        path
        for part in ("features", "loss", "retrieval", "agents", "presets", "audio")
        for path in package.glob(f"{part}/**/*")
    ]
    sources = sorted(path for path in [*parts, package / "matching.py"] if path.suffix in (".py", ".json"))
    return sha256_hex(source_hash().encode() + b"".join(path.read_bytes() for path in sources))[:16]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--targets", choices=("recordings", "prior", "all"), default="all")
    parser.add_argument("--limit", type=int, help="only the first N targets of each set")
    parser.add_argument("--resume", action="store_true", help="keep the results of an earlier run that was cut short")
    parser.add_argument("--processes", type=int, default=2, help="processes of one thread each (default 2)")
    parser.add_argument("--out", default=str(ROOT / "out" / "bench" / "matching.jsonl"), help="results as they come")
    return parser.parse_args()


def _names(which: str) -> list[str]:
    recordings = sorted(PLAYED) if which != "prior" else []
    return recordings + [f"prior_{i:02d}" for i in range(PRIOR_TARGETS) if which != "recordings"]


def _index(name: str) -> int:
    return int(name[6:]) if name.startswith("prior_") else sorted(PLAYED).index(name)


def _target(name: str, renderer: Renderer) -> Target:
    if name.startswith("prior_"):
        return _prior_target(_index(name), renderer)
    note, gate_s = PLAYED[name]
    return target_from_file(RECORDINGS / f"{name}.flac", note=note, gate=gate_s)


def _prior_target(index: int, renderer: Renderer) -> Target:
    """A held-out, audible preset, played as a user might: the bank is drawn from another place of the seed tree."""
    rng = generator(0, "benchmark", "prior", index)
    gate_s = float(rng.uniform(0.2, 1.2))
    probe = Probe(int(rng.integers(36, 85)), int(rng.integers(60, 121)), gate_s, gate_s + float(rng.uniform(0.2, 0.8)))
    return _played(f"prior_{index:02d}", probe, rng, renderer)


def _played(name: str, probe: Probe, rng: np.random.Generator, renderer: Renderer) -> Target:
    u = MusicalPrior(renderer.table).sample_audible(1, rng, lambda rows: renderer.render(rows, probe))
    audio = renderer.render(u, probe)[0, 0]
    return Target(
        audio, renderer.sample_rate, name, probe.note_midi, int(probe.velocity), probe.gate_s, probe.total_s, 0.0, True
    )


def _run(jobs: list[tuple[str, str, int]], processes: int) -> Iterator[dict[str, Any]]:
    if processes == 1:
        yield from map(_match, jobs)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_match, job) for job in jobs]):
            yield future.result()


def _match(job: tuple[str, str, int]) -> dict[str, Any]:
    name, agent, budget = job
    renderer = Renderer(threads=1)
    target = _target(name, renderer)
    result = match_target(target, MatchSettings(agent=agent, budget=budget, seed=0, top=1), renderer=renderer)
    return {
        "target": name,
        "agent": agent,
        "budget": budget,
        "renders": result.renders,
        "loss": {mark: _at(result.curve, mark) for mark in MARKS if mark <= budget},
        "terms": {term: round(value, 4) for term, value in result.terms.items()},
        "metrics": {metric: round(value, 4) for metric, value in result.metrics.items()},
        "seconds": round(result.seconds, 2),
    }


def _at(curve: list[tuple[int, float]], renders: int) -> float:
    return min(loss for at, loss in curve if at <= renders)


def _read(out: Path, stamp: str) -> list[dict[str, Any]]:
    """Earlier results of the same engine and scales; a line that was cut off counts as missing."""
    rows = []
    for line in out.read_text(encoding="utf-8").splitlines() if out.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row.pop("stamp") == stamp:
            rows.append({**row, "loss": {int(mark): loss for mark, loss in row["loss"].items()}})
    return rows


def _losses(rows: list[dict[str, Any]], group: str, agent: str, mark: int) -> dict[str, float]:
    """Loss by target at a number of renders; of auto, the run with that budget."""
    found = {}
    for row in rows:
        mine = row["target"].startswith("prior_") == (group == "prior") and row["agent"] == agent
        if mine and mark in row["loss"] and (agent != "auto" or row["budget"] == mark):
            found[row["target"]] = row["loss"][mark]
    return found


def _ratios(rows: list[dict[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for group in ("recordings", "prior"):
        for key, agent, other, mark, _ in RATIOS:
            a, b = _losses(rows, group, agent, mark), _losses(rows, group, other, mark)
            both = sorted(a.keys() & b.keys())
            if both:
                pairs = np.array([(a[name], b[name]) for name in both])
                result[f"{group}_{key}"] = round(float(np.divide(*np.median(pairs, axis=0))), 4)
                result[f"{group}_{key}_interval"] = _interval(pairs)
    return result


def _interval(pairs: np.ndarray) -> list[float]:
    """95 % bootstrap interval of the ratio of medians, targets drawn again 10,000 times."""
    rng = generator(0, "benchmark", "bootstrap")
    drawn = pairs[rng.integers(len(pairs), size=(10_000, len(pairs)))]
    medians = np.median(drawn, axis=1)
    return [round(float(x), 4) for x in np.percentile(medians[:, 0] / medians[:, 1], (2.5, 97.5))]


def _seconds(renderer: Renderer) -> float:
    """Wall-clock seconds of a match with 1,000 renders of a 1 s target on all threads, its metrics and alternatives
    included, the kernel and the bank ready.
    """
    target = _played("speed", Probe(60, 100, 0.7, 1.0), generator(0, "benchmark", "speed"), renderer)
    match_target(target, MatchSettings(budget=8), renderer=renderer)
    began = time.perf_counter()
    match_target(target, MatchSettings(budget=1000), renderer=renderer)
    return round(time.perf_counter() - began, 2)


def _table(rows: list[dict[str, Any]], result: dict[str, Any]) -> str:
    columns = [("auto", 200), ("auto", 1000), ("cma-es", 200), ("cma-es", 1000), ("random", 200), ("random", 1000)]
    head = f"{'target':18}" + "".join(f"{f'{agent}@{mark}':>13}" for agent, mark in columns) + "  largest terms of auto"
    lines = [head]
    for group in ("recordings", "prior"):
        losses = [_losses(rows, group, agent, mark) for agent, mark in columns]
        for name in sorted({row["target"] for row in rows if row["target"].startswith("prior_") == (group == "prior")}):
            cells = "".join(f"{column[name]:13.3f}" if name in column else f"{'–':>13}" for column in losses)
            lines.append(f"{name:18}{cells}  {_largest(rows, name)}")
        if any(losses):
            medians = "".join(f"{np.median(list(c.values())):13.3f}" if c else f"{'–':>13}" for c in losses)
            lines.append(f"{f'median of {group}':18}{medians}")
    lines.append("")
    for group in ("recordings", "prior"):
        for key, _, _, _, most in RATIOS:
            if f"{group}_{key}" in result:
                low, high = result[f"{group}_{key}_interval"]
                value = result[f"{group}_{key}"]
                verdict = "reached" if value <= most else "missed"
                lines.append(
                    f"{f'{group}_{key}':34}{value:7.3f}  [{low:.3f}, {high:.3f}]  at most {most:.2f}: {verdict}"
                )
    seconds = result["seconds_per_1000_renders"]
    verdict = "reached" if seconds <= SECONDS_AT_MOST else "missed"
    lines.append(f"{'seconds_per_1000_renders':34}{seconds:7.2f}  at most {SECONDS_AT_MOST:.0f}: {verdict}")
    return "\n".join(lines)


def _largest(rows: list[dict[str, Any]], name: str) -> str:
    for row in rows:
        if (row["target"], row["agent"], row["budget"]) == (name, "auto", 1000):
            ranked = sorted(row["terms"].items(), key=lambda item: -item[1])[:2]
            return ", ".join(f"{term} {value:.3f}" for term, value in ranked)
    return ""


def _say_progress(done: int, total: int) -> None:
    if done == total or done * 10 // total > (done - 64) * 10 // total:
        print(f"building the bank: {done} of {total}", file=sys.stderr)


if __name__ == "__main__":
    main()
