"""Put trained weights into the package, in half precision, with what a user must know of them on the card.

    python -m myna.training.ship out/train/laptop/best/sac --as sac --commit 1bdbca8 \
        --command "myna train --config laptop --out out/train/laptop" --evaluation sac.json --limits "…"

The card then tells data, settings and seeds (from the training), commit, command, evaluation and limits.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myna.agents.weights import FOLDER, load_weights, save_weights
from myna.errors import MynaError, printable

__all__ = ["ship"]


def ship(weights: Path, name: str, told: Mapping[str, Any], folder: Path = FOLDER) -> Path:
    """Copy weights into a folder under a name.

    Args:
        weights: path of what a training left.
        name: that agents will know it by.
        told: what is added to the card.
        folder: of packaged weights.

    Returns:
        The path without suffix.

    Raises:
        MynaError: weights that cannot be read, or a folder that cannot be written.
    """
    found = load_weights(weights)
    save_weights(folder / name, found.tensors, {**found.card, **told}, half=True)
    return folder / name


def main() -> None:
    """Ship what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m myna.training.ship", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", type=Path, help="path of what a training left")
    parser.add_argument("--as", dest="name", required=True, help="name in the package")
    parser.add_argument("--commit", required=True, help="of the code that trained it")
    parser.add_argument("--command", required=True, help="that trained it")
    parser.add_argument("--evaluation", type=Path, required=True, help="JSON of what it reached")
    parser.add_argument("--limits", required=True, help="what it cannot do, in a sentence or two")
    options = parser.parse_args()
    try:
        evaluation = json.loads(options.evaluation.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SystemExit(f"error: {printable(str(options.evaluation))} is no JSON file that can be read.") from None
    told = {name: getattr(options, name) for name in ("commit", "command", "limits")}
    try:
        print(ship(options.weights, options.name, told | {"evaluation": evaluation}))
    except MynaError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
