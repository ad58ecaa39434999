"""`myna collect`: sounds with the presets that made them, for regression and cloning to learn from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from myna.agents.registry import AGENTS
from myna.cli.arguments import Flag, chosen, named, number, parse, whole
from myna.cli.messages import print_json, say, shown
from myna.cli.progress import Told, each_quarter, open_progress
from myna.provenance import RUN_BYTES, write_run
from myna.rounding import rounded

__all__ = ["Options", "run"]

KINDS = ("random", "guessed", "edited", "searched", "recorded")


@dataclass(frozen=True)
class Options:
    """Collect sounds with the presets that made them into a data set.

    Example: myna collect --out out/data --rows 20000 --seed 1
    """

    out: Annotated[str, named("DIR")]
    """the folder for its shards and manifest.json"""
    kind: Annotated[str, chosen(KINDS)] = "random"
    """random: draws of the curriculum; guessed: draws, and the regression's guesses at them; edited: both, and edits
    of them; searched: all that an agent tries on its way to draws; recorded: all that it tries on its way to variants
    of recordings"""
    rows: Annotated[int, whole(1, 10**9)] = 10_000
    """most rows in the folder; only whole groups are made"""
    mib: Annotated[int, whole(1, 10**7)] = 4096
    """most MiB of its files"""
    seed: Annotated[int, whole(0, 2**63 - 1)] = 0
    """the same seed gives the same rows"""
    stage: Annotated[int, whole(1, 6)] = 6
    """of the curriculum that presets are drawn from: 1 oscillators … 6 everything"""
    musical: Annotated[float, number(0.0, 1.0)] = 0.7
    """share of draws that people might make; the others are uniform"""
    goals: Annotated[int, whole(1, 32)] = 4
    """rows of its group that each row is compared with"""
    agent: Annotated[str, chosen(tuple(AGENTS))] = "cma-es"
    """that searches (searched, recorded)"""
    renders: Annotated[int, whole(2, 2000)] = 300
    """of each search (searched, recorded)"""
    recordings: Annotated[str, named("DIR")] = ""
    """with an index.csv: what is varied (recorded; edited, in place of draws)"""
    regression: Annotated[str, named("NAME or PATH")] = "regression"
    """weights that guess (guessed, edited)"""
    resume: Flag = False
    """go on in a folder that was begun with the same settings"""
    json: Flag = False
    """print what was made as JSON"""


def run(argv: list[str]) -> int:
    """Collect and tell; 0 if all went well."""
    options = parse(Options, "myna collect", argv)
    from myna.synth.renderer import Renderer
    from myna.training.collect import Settings, collect

    names = ("kind", "seed", "stage", "musical", "goals", "agent", "renders", "recordings", "regression")
    settings = Settings(**{name: getattr(options, name) for name in names})

    def tell() -> None:
        write_run(Path(options.out), "collect", asdict(options), resumed=options.resume)

    with open_progress(False, each_quarter()) as progress:
        try:
            made = collect(
                Path(options.out),
                settings,
                Renderer(),
                most_rows=options.rows,
                most_bytes=(options.mib << 20) - RUN_BYTES,
                resume=options.resume,
                progress=lambda rows, total: progress.update(Told("rows", rows, total, f"{rows:,} of {total:,}")),
            )
        except KeyboardInterrupt:
            tell()
            say("whole shards are kept: go on with --resume.")
            raise
    tell()
    if options.json:
        print_json(rounded({"out": options.out, **vars(made), "rows_per_s": made.rows_per_s}))
    else:
        print(_text(options.out, made))
    return 0


def _text(out: str, made: Any) -> str:
    lines = [
        f"{shown(out)}: {made.rows:,} rows, {made.bytes / 2**20:.1f} MiB, {made.bytes / made.rows:,.0f} bytes a row"
    ]
    if made.fresh:
        cpu_ms = 1e3 * made.cpu_s / made.fresh
        lines.append(f"  {made.fresh:,} of them now, {made.rows_per_s:,.0f} a second, {cpu_ms:.2f} ms of CPU time each")
    return "\n".join(lines)
