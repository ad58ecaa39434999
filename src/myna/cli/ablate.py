"""`myna ablate`: what each part of the training is worth, as one table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from myna.cli.arguments import UNSAID, Argument, Flag, named, number, parse, whole
from myna.cli.messages import print_json, say, shown, unknown
from myna.cli.progress import each_minute, open_progress
from myna.cli.train import told_of
from myna.errors import UsageError
from myna.rounding import rounded

if TYPE_CHECKING:
    from myna.training.ablation import Ablation, Table

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """Train small trainings that each leave one thing out, and compare what they learn with the whole one.

    All get the same seed and budget. A finished row is not made again while configuration and code stay the same; one
    that was stopped goes on.

    Example: myna ablate no_curriculum no_warm_start --minutes 5
    """

    names: Annotated[tuple[str, ...], Argument, named("NAME"), UNSAID] = ()
    """which (see --list); what they are measured by is trained, too"""
    list: Flag = False
    """list the ablations and train nothing"""
    out: Annotated[str, named("DIR")] = "out/ablations"
    """the folder for the table and the trainings (default out/ablations)"""
    steps: Annotated[int | None, whole(1, 10**9), UNSAID] = None
    """budget of each, in renders; by default that of base.toml"""
    minutes: Annotated[float | None, number(0.01, 10_000), UNSAID] = None
    """budget of each in its place, of the clock: fair only where nothing else is running"""
    seed: Annotated[int, whole(0, 2**63 - 1)] = 0
    """of all trainings"""
    json: Flag = False
    """print the rows as a JSON array"""
    quiet: Flag = False
    """say nothing while it runs"""


def run(argv: list[str]) -> int:
    """Train what has no row yet and print the table; 0, or 128 and the signal's number if one stopped it."""
    options = parse(Options, "myna ablate", argv)
    from myna.training.ablation import Table, ablations, load_ablation, needed

    for name in options.names:
        if name not in ablations():
            raise UsageError(unknown("ablation", name, ablations()))
    if options.list:
        return _list(options)
    if not options.names:
        raise UsageError("Name an ablation or several: `myna ablate --list` shows them.")
    budget = {"seed": options.seed, "steps": options.steps, "minutes": options.minutes}
    wanted = [load_ablation(name, **budget) for name in needed(options.names)]
    table = Table(Path(options.out))
    code = _train(wanted, table, options.quiet)
    rows = [table.rows[one.key] for one in wanted if one.key in table.rows]
    if options.json:
        print_json([rounded(table.compared(row)) for row in rows])
    elif rows:
        print(table.text(rows))
    return code


def _list(options: Options) -> int:
    from myna.training.ablation import ablations, load_ablation

    found = [load_ablation(name) for name in options.names or ablations()]
    if options.json:
        print_json([{"name": one.name, "about": one.about, "against": one.against} for one in found])
    for one in [] if options.json else found:
        print(
            f"{one.name:<18} {one.about}" + (f" (against {one.against})" if one.against not in (None, "base") else "")
        )
    return 0


def _train(wanted: list[Ablation], table: Table, quiet: bool) -> int:
    from myna.training.ablation import train
    from myna.training.signals import Stop

    with Stop() as stop:
        for number, one in enumerate(wanted, 1):
            if one.key in table.rows:
                continue
            if not quiet:
                say(f"{number} of {len(wanted)}: {one.name}, {one.budget}")
            with open_progress(quiet, each_minute()) as progress:
                finished = train(one, table, lambda status: progress.update(told_of(status)), stop)
            if not finished or stop.signal is not None:
                say(f"stopped; the same command goes on, and {shown(str(table.out))} keeps what is done.")
                return 128 + (stop.signal or 2)
    return 0
