"""Measure each term's median over random pairs of the musical prior and write `scales.json`.

Run as `python -m myna.loss.calibrate [--seed 0] [--pairs 1024]`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from myna.features import analyse
from myna.files import write_atomic
from myna.loss.perceptual import WEIGHTS, raw_terms
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["main"]


def main() -> None:
    """Draw pairs at note 60, compare them, write the medians beside the command that made them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=1024)
    args = parser.parse_args()
    renderer = Renderer()
    probe = Probe(60, 100, 0.6, 1.0)
    u = MusicalPrior(renderer.table).sample_audible(
        2 * args.pairs, generator(args.seed, "calibrate"), lambda rows: renderer.render(rows, probe)
    )
    features = analyse(renderer.render(u, probe)[:, 0], renderer.sample_rate)
    raw = raw_terms(features[: args.pairs], features[args.pairs :])
    scales = {name: float(np.median(raw[name])) for name in WEIGHTS}
    # A sum of scaled terms has its own median; fold it in, so that 1 is the median pair.
    total = sum(weight * raw[name] / scales[name] for name, weight in WEIGHTS.items())
    scales = {name: scale * float(np.median(total)) for name, scale in scales.items()}
    document = {
        "command": f"python -m myna.loss.calibrate --seed {args.seed} --pairs {args.pairs}",
        "probe": {"note_midi": 60, "velocity": 100, "gate_s": 0.6, "total_s": 1.0},
        "scales": scales,
    }
    write_atomic(Path(__file__).parent / "scales.json", json.dumps(document, indent=2) + "\n")
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
