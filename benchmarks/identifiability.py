"""Which knobs a sound tells: how far the loss moves when one knob of a typical preset is turned.

python benchmarks/identifiability.py [--presets 100] [--json]
python benchmarks/identifiability.py --docs      # write docs/identifiability.md and its heat map, too
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from myna.evaluation.identifiability import measure, verdicts
from myna.files import write_atomic
from myna.synth.renderer import Renderer

DOCS = Path(__file__).parents[1] / "docs"
PAGE, IMAGE = DOCS / "identifiability.md", DOCS / "images" / "identifiability.png"


def main() -> None:
    options = _options()
    renderer = Renderer()
    found = measure(options.presets, options.seed, renderer, _say(options.presets))
    told = verdicts(found)
    if options.docs:
        _draw(told)
        write_atomic(PAGE, _page(told, options))
    print(json.dumps(told, indent=2) if options.json else _table(told))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", type=int, default=100, help="draws of the musical prior (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--docs", action="store_true", help="write the page and its picture")
    return parser.parse_args()


def _say(presets: int) -> Any:
    return lambda done: done % 10 or print(f"{done} of {presets} presets", file=sys.stderr, flush=True)


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _table(told: dict[str, Any]) -> str:
    """Markdown: knobs by the loss of a tenth of their range."""
    steps = told["steps_u"]
    lines = [
        "| knob | heard in | " + " | ".join(f"{step:g}" for step in steps) + " | 90th percentile |",
        "| --- | --- |" + " --- |" * (len(steps) + 1),
    ]
    for name, one in told["knobs"].items():
        cells = " | ".join(map(_cell, one["steps"]))
        lines.append(f"| `{name}` | {one['heard']:.0%} | {cells} | {_cell(one['half_range_p90'])} |")
    return "\n".join(lines)


def _page(told: dict[str, Any], options: argparse.Namespace) -> str:
    weak = ", ".join(f"`{name}`" for name in told["weak"]) or "none"
    dead = ", ".join(f"`{name}`" for name in told["dead"]) or "none"
    mirrored = ", ".join(f"`{name}`" for name in told["mirrored"]) or "none"
    alike = [f"- `{a}` and `{b}`: {pair['cosine']:.2f}" for pair in told["alike"] for a, b in [pair["knobs"]]]
    twins = [f"- {pair}: {loss:.3f}" for pair, loss in told["twins"].items()]
    command = f"python benchmarks/identifiability.py --presets {options.presets} --seed {options.seed} --docs"
    return f"""# What a sound tells of each knob

One knob of a typical preset is turned, all else stays: how far does the loss move? The answer limits every matcher:
what cannot be heard cannot be found, and need not be. That is why parameter error is only a diagnostic here.

`{command}` makes this page: {options.presets} draws of the musical prior, each played for a second at a note of its
own. 0 is the same sound, 1 the median pair of random presets; the noise floor (a preset against itself with other
noise) is {told["noise_floor"]:g}.

![Loss by knob and turn](images/identifiability.png)

**Dead** (do anything in less than 5 % of the presets): {dead}.

**Weak** (half the range, where the knob does anything, moves the loss by less than the noise floor in the
median): {weak}.

**Mirrored** (the knob's mirror image sounds nearly the same): {mirrored}.

**Alike** (turned by 0.05 they move the sound the same way; mean |cosine| of the residuals at least 0.95):

{chr(10).join(alike) or "none"}

**Exchanged modules** (median loss after their settings change places, and with them what points at them):

{chr(10).join(twins) or "none"}

## All knobs

Median loss of a turn by so much of the range, over the presets in which the knob does something; of a switch or a list
another choice stands in every column.

{_table(told)}
"""


def _draw(told: dict[str, Any]) -> None:
    """The heat map: knobs in columns of modules, one row a knob, colour the loss on a logarithmic scale."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm

    names = list(told["knobs"])
    values = np.array([[np.nan if v is None else max(v, 1e-3) for v in told["knobs"][n]["steps"]] for n in names])
    columns = 3
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(1, columns, figsize=(12, 0.19 * rows + 1.2), layout="constrained")
    norm, image = LogNorm(1e-3, 1.0), None
    for column, axis in enumerate(axes):
        own = slice(column * rows, (column + 1) * rows)
        block = np.full((rows, values.shape[1]), np.nan)
        block[: len(values[own])] = values[own]
        image = axis.imshow(block, aspect="auto", norm=norm, cmap="magma")
        axis.set_yticks(
            range(len(names[own])), [f"{n}  {told['knobs'][n]['heard']:.0%}" for n in names[own]], fontsize=7
        )
        axis.set_xticks(range(len(told["steps_u"])), [f"{step:g}" for step in told["steps_u"]], fontsize=7)
        axis.set_facecolor("0.92")
        for side in axis.spines.values():
            side.set_visible(False)
    figure.colorbar(image, ax=axes, label="median loss where the knob does something", shrink=0.5)
    figure.suptitle(
        "Turning one knob of a typical preset by so much of its range; percent: presets in which it is heard"
    )
    IMAGE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(IMAGE, dpi=110)


if __name__ == "__main__":
    main()
