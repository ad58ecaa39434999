"""`myna evaluate`: agents on frozen suites at equal budgets, with every figure that a reviewer asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from myna.cli.arguments import UNSAID, Flag, named, names, parse, whole, wholes
from myna.cli.messages import print_json, say, shown
from myna.cli.progress import BANK, Told, each_minute, open_progress

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """Compare agents on frozen suites. What is there already is not run again: a run that was stopped goes on.

    Example: myna evaluate --suite real --agents cma-es,policy+cma-es --budgets 16,256 --seeds 1 --processes 2
    """

    suite: Annotated[tuple[str, ...], names("NAME,…"), UNSAID] = ()
    """suites (default all; see `myna suites list`)"""
    agents: Annotated[tuple[str, ...], names("NAME,…"), UNSAID] = ()
    """agents, or LABEL=NAME:SETTING=VALUE (default all)"""
    budgets: Annotated[tuple[int, ...], wholes(1, 1_000_000)] = (1, 16, 64, 256, 1000)
    """renders for each target"""
    seeds: Annotated[int, whole(1, 1_000)] = 3
    """runs of each, with other draws"""
    measured_seeds: Annotated[int, whole(0, 1_000)] = 1
    """of these so many are measured by the field's metrics too, a tenth of a second for each preset"""
    first_seed: Annotated[int, whole(0, 999), UNSAID] = 0
    """leave out the seeds before it, to share a long run among machines (default 0, none)"""
    limit: Annotated[int, whole(0, 1_000_000), UNSAID] = 0
    """only the first targets of each suite (default 0, all)"""
    out: Annotated[str, named("DIR")] = "out/evaluation"
    """the folder for rows, results and report (default out/evaluation)"""
    processes: Annotated[int, whole(1, 256)] = 1
    """of one thread each; the rows do not depend on them"""
    only_table: Flag = False
    """run nothing: make the results anew from the rows that are there"""
    no_report: Flag = False
    """leave out report.html and the figure"""
    sounds: Annotated[int, whole(0, 1_000)] = 16
    """targets that can be heard in the report, as many as fit"""
    quiet: Flag = False
    """say nothing while it runs"""
    markdown: Flag = False
    """print who is best, medians, ratios to CMA-ES and suites as Markdown tables"""
    json: Flag = False
    """print the summary as JSON"""


def run(argv: list[str]) -> int:
    """Evaluate, write the report, and print the median losses; 0."""
    options = parse(Options, "myna evaluate", argv)
    from pathlib import Path

    from myna.evaluation.runner import AGENTS, Evaluation, evaluate, write_results
    from myna.evaluation.suites import SUITES

    out = Path(options.out)
    if options.only_table:
        summary = write_results(out)
    else:
        asked = Evaluation(
            options.suite or SUITES,
            options.agents or AGENTS,
            options.budgets,
            options.seeds,
            min(options.measured_seeds, options.seeds),
            first_seed=options.first_seed,
            limit=options.limit or None,
        )
        summary = _evaluated(evaluate, asked, out, options)
    if not options.no_report:
        _report(out, options)
    if options.json:
        print_json(summary)
    elif options.markdown:
        from myna.evaluation.report.evaluation_board import read_board
        from myna.evaluation.report.evaluation_markdown import markdown

        print(markdown(read_board(out)), end="")
    else:
        print("\n\n".join(_tables(summary["standings"])))
    return 0


def _evaluated(evaluate: Any, asked: Any, out: Any, options: Options) -> Mapping[str, Any]:
    from myna.evaluation.about import about

    try:
        with open_progress(options.quiet, each_minute()) as progress:
            return evaluate(
                asked,
                out,
                about=about(),
                processes=options.processes,
                progress=lambda step: progress.update(Told("evaluating", step.share, 1.0, _words(step))),
                preparing=lambda done, total: progress.update(Told(BANK, done, total, f"{done} of {total}")),
            )
    except KeyboardInterrupt:
        say(f"stopped: the same command goes on; what is done lies in {shown(options.out)}.")
        raise


def _words(step: Any) -> str:
    cell = step.cell
    seed = f", seed {cell.seed}" if cell.seed else ""
    run = f"{cell.contender.label} on {cell.targets.name}, {cell.budget} renders{seed}"
    return f"{step.share:.1%}, {run}: {step.done} of {step.wanted}"


def _report(out: Any, options: Options) -> None:
    from myna.evaluation.report.evaluation_report import write_evaluation_report

    page = write_evaluation_report(out, options.sounds)
    if not options.quiet:
        say(f"the report is {shown(str(page))}.")


def _tables(standings: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each suite the median losses by agent and renders; a * where a difference from CMA-ES is sure."""
    found = []
    for suite in dict.fromkeys(one["suite"] for one in standings):
        own = [one for one in standings if one["suite"] == suite]
        marks = sorted({one["renders"] for one in own})
        targets, seeds = max(one["targets"] for one in own), max(one["seeds"] for one in own)
        lines = [f"{f'{suite}: {targets} targets, {seeds} seeds':34}" + "".join(f"{mark:8}" for mark in marks)]
        for agent in dict.fromkeys(one["agent"] for one in own):
            row = {one["renders"]: one for one in own if one["agent"] == agent}
            lines.append(f"{agent:34}" + "".join(_cell(row.get(mark)) for mark in marks))
        found.append("\n".join(lines))
    return found


def _cell(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return " " * 8
    sure = one["p"] is not None and one["p"] < 0.05
    return f"{one['median']:7.3f}{'*' if sure else ' '}"
