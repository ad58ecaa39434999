"""Draw how trainings of SAC went: docs/images/training.png, from the logs that they wrote.

python docs/training_curves.py NAME=DIR…     # DIR/log.jsonl is what `myna train --out DIR` writes
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
IMAGE = ROOT / "docs" / "images" / "training.png"
COLOURS = "#1f6feb", "#d9480f", "#2b8a3e", "#6f42c1"
# Panels: title, the figure of the log, and the one that is dashed beside it.
PANELS = (
    ("presets: median loss", "eval/in/best", "eval/in/start"),
    ("recordings: median loss", "eval/rec/best", "eval/rec/start"),
    ("targets reached, share", "eval/in/success_rate", "eval/rec/success_rate"),
    ("return of an episode", "rollout/ep_rew_mean", ""),
    ("promised gain of an action", "train/promised", ""),
    ("temperature", "train/ent_coef", ""),
)
COLUMNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="NAME=DIR", help="a name for the legend, and a training's folder")
    named = [run.partition("=") for run in parser.parse_args().runs]
    if any(not folder for _, _, folder in named) or len(named) > len(COLOURS):
        parser.error(f"give one to {len(COLOURS)} trainings, each as NAME=DIR.")
    logs = {}
    for name, _, folder in named:
        path = Path(folder) / "log.jsonl"
        if not path.is_file():
            parser.error(f"{path} is not there.")
        logs[name] = [json.loads(line) for line in path.read_text().splitlines()]
    drawn(logs).savefig(IMAGE, metadata={"Software": None})


def drawn(logs: dict[str, list[dict[str, Any]]]) -> Figure:
    """Curves of trainings, by name, over environment steps."""
    rows = -(-len(PANELS) // COLUMNS)
    figure = Figure(figsize=(3.4 * COLUMNS, 2.5 * rows), dpi=130, facecolor="white", layout="constrained")
    for axes, (title, solid, dashed) in zip(figure.subplots(rows, COLUMNS).flat, PANELS, strict=True):
        for (name, log), colour in zip(logs.items(), COLOURS, strict=False):
            axes.plot(*curve(log, solid), color=colour, linewidth=1.3, label=name)
            if dashed:
                axes.plot(*curve(log, dashed), color=colour, linewidth=0.9, linestyle=(0, (3, 2)))
        axes.set_title(title, fontsize=9, loc="left")
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.25, linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_formatter(lambda steps, _: f"{steps / 1000:.0f}k")
    figure.axes[0].legend(fontsize=7, frameon=False)
    return figure


def curve(log: list[dict[str, Any]], name: str) -> tuple[list[int], list[float]]:
    """Steps and values at which a log tells a figure."""
    told = [(line["step"], value) for line in log if (value := line.get("scalars", {}).get(name)) is not None]
    return [step for step, _ in told], [value for _, value in told]


if __name__ == "__main__":
    main()
