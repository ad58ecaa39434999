"""`myna collect`: sounds with the presets that made them, for regression and cloning to learn from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from myna.agents.registry import AGENTS
from myna.cli.arguments import Flag, chosen, named, number, parse, whole
from myna.cli.messages import print_json, rounded, say, shown
from myna.provenance import RUN_BYTES, write_run

__all__ = ["Options", "run"]

KINDS = ("random", "guessed", "searched", "recorded")
LINES = 4


@dataclass(frozen=True)
class Options:
    """Collect sounds with the presets that made them into a data set.

    Example: myna collect --out out/data --rows 20000 --seed 1
    """

    out: Annotated[str, named("DIR")]
    """the folder for its shards and manifest.json"""
    kind: Annotated[str, chosen(KINDS)] = "random"
    """random: draws of the curriculum; guessed: draws, and the regression's guesses at them; searched: all that an
    agent tries on its way to draws; recorded: all that it tries on its way to variants of recordings"""
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
    """with an index.csv: what is varied (recorded)"""
    resume: Flag = False
    """go on in a folder that was begun with the same settings"""
    json: Flag = False
    """print what was made as JSON"""


def run(argv: list[str]) -> int:
    """Collect and tell; 0 if all went well."""
    options = parse(Options, "myna collect", argv)
    from myna.synth.renderer import Renderer
    from myna.training.collect import Settings, collect

    names = ("kind", "seed", "stage", "musical", "goals", "agent", "renders", "recordings")
    settings = Settings(**{name: getattr(options, name) for name in names})

    def tell() -> None:
        write_run(Path(options.out), "collect", asdict(options), resumed=options.resume)

    with _progress() as progress:
        try:
            made = collect(
                Path(options.out),
                settings,
                Renderer(),
                most_rows=options.rows,
                most_bytes=(options.mib << 20) - RUN_BYTES,
                resume=options.resume,
                progress=progress,
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


def _progress() -> AbstractContextManager[Callable[[int, int], None]]:
    """A bar on a terminal, a few lines elsewhere."""
    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return _Bar() if live else nullcontext(_Lines())


class _Lines:
    """A line at every quarter."""

    def __init__(self) -> None:
        self.quarter = 0

    def __call__(self, rows: int, total: int) -> None:
        quarter = LINES * rows // total
        if quarter > self.quarter:
            self.quarter = quarter
            print(f"{rows:,} of {total:,} rows", file=sys.stderr, flush=True)


class _Bar:
    """A bar that moves, with rows a second and the time that is left."""

    def __enter__(self) -> Callable[[int, int], None]:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        told = TextColumn("{task.completed:,.0f}/{task.total:,.0f} rows  {task.fields[pace]}")
        self.bar = Progress(BarColumn(), told, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task("rows", total=1, pace="")
        self.bar.start()
        return self.update

    def update(self, rows: int, total: int) -> None:
        """Move the bar."""
        speed = self.bar.tasks[0].speed
        self.bar.update(self.task, completed=rows, total=total, pace=f"{speed:,.0f} a second" if speed else "")

    def __exit__(self, *_: object) -> None:
        self.bar.stop()
