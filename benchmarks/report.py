"""The engine's figures as a table: with lines and colours on a terminal, plain when piped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

__all__ = ["print_table"]

# Key, what it is, unit, the number to reach (a speed at least, seconds at most), digits.
ROWS = (
    ("factory_median_x_realtime", "median factory preset", "x", 600.0, 0),
    ("everything_x_realtime", "everything on", "x", 150.0, 0),
    ("two_oscillators_x_realtime", "two oscillators of 7 voices, filter", "x", None, 0),
    ("two_thread_scaling", "two threads against one, wall clock", "", 1.85, 2),
    ("compile_s", "first sound on a fresh machine, CPU", "s", 60.0, 1),
    ("warm_start_s", "first sound after that, CPU", "s", 1.0, 2),
    ("torchsynth_x_realtime", "torchsynth Voice", "x", None, 0),
    ("synthax_x_realtime", "synthax ParametricSynth", "x", None, 0),
    ("vital_init_x_realtime", "Vital, one oscillator", "x", None, 0),
    ("vital_rich_x_realtime", "Vital, everything but effects", "x", None, 0),
    ("vital_x_realtime", "Vital, everything", "x", None, 0),
    ("vital_repeatable_x_realtime", "Vital, everything, repeatable", "x", None, 0),
)
PEERS = ("torchsynth", "synthax", "vital")


def print_table(found: Mapping[str, Any]) -> None:
    """Print what `engine.measure` found."""
    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, title_justify="left")
    table.add_column("")
    for name in ("measured", "to reach", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for key, label, unit, goal, digits in ROWS:
        if key in found:
            table.add_row(label, f"{found[key]:,.{digits}f} {unit}", *_goal(found[key], unit, goal))
    console.print(table)
    for line in _notes(found):
        console.print(line, soft_wrap=True, markup=False)


def _goal(value: float, unit: str, goal: float | None) -> tuple[str, str]:
    if goal is None:
        return "", ""
    longest = unit == "s"
    reached = value <= goal if longest else value >= goal
    return f"{'<=' if longest else '>='} {goal:g} {unit}", "yes" if reached else "NO"


def _notes(found: Mapping[str, Any]) -> list[str]:
    low, high = found["factory_quartiles"]
    notes = [
        "x: times real time, CPU time of one pinned thread, 44.1 kHz stereo, 1 s probes, batches of 32.",
        f"{found['factory_presets']} factory presets, quartiles {low:,.0f} and {high:,.0f}; slowest: "
        + _list(found["factory_slowest"]),
        "everything on, by warp: " + _list(found["everything_by_warp"]),
        f"two threads: {found['two_thread_cpu']:.2f} times the CPU time of one; load {found['two_thread_load']:.1f}",
        f"fresh machine: {found['compile_wall_s']:.1f} s wall; CPU s " + _list(found["compile_cpu_s_by_step"], 2),
        f"after that: {found['warm_start_wall_s']:.2f} s wall; CPU s " + _list(found["warm_start_cpu_s_by_step"], 2),
    ]
    for peer in PEERS:
        if f"{peer}_missing" in found:
            notes.append(f"{peer}: not measured ({found[f'{peer}_missing']}); benchmarks/peers.sh installs it")
        else:
            notes.append(f"{peer}: {found[f'{peer}_note']}")
    before, after = (", ".join(f"{x:g}" for x in found[key]) for key in ("load", "load_after"))
    notes.append(f"{found['cpu']}, {found['cores']} cores; numba {found['numba']}; load {before}; after {after}")
    return notes


def _list(figures: Mapping[str, float], digits: int = 0) -> str:
    return ", ".join(f"{name} {value:,.{digits}f}" for name, value in figures.items())
