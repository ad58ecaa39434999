"""Measure each term's median over random pairs of the musical prior and write `scales.json`.

Run as `python -m myna.loss.calibrate [--seed 0] [--pairs 1024]`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from myna import features
from myna.features import Features, analyse
from myna.files import write_atomic
from myna.loss.config import CONFIGS, LossConfig
from myna.loss.heard import Heard
from myna.loss.penalties import PENALTIES
from myna.loss.terms import TERMS
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["PROBE", "main", "measure"]

PROBE = Probe(60, 100, 0.6, 1.0)
_CHUNK = 16


def main() -> None:
    """Draw pairs at note 60, compare them, write the medians of every config beside the command that made them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=1024)
    args = parser.parse_args()
    document = {
        "command": f"python -m myna.loss.calibrate --seed {args.seed} --pairs {args.pairs}",
        "probe": {"note_midi": 60, "velocity": 100, "gate_s": 0.6, "total_s": 1.0},
        "sets": measure(args.seed, args.pairs),
    }
    text = json.dumps(document, indent=2) + "\n"
    write_atomic(Path(__file__).parent / "scales.json", text)
    print(text, end="")


def measure(seed: int, pairs: int) -> dict[str, dict[str, float]]:
    """Scales of every config's terms over so many random pairs."""
    renderer = Renderer()
    u = MusicalPrior(renderer.table).sample_audible(
        2 * pairs, generator(seed, "calibrate"), lambda rows: renderer.render(rows, PROBE)
    )
    return {name: _scales(renderer, u, config, features.CONFIGS[name]) for name, config in CONFIGS.items()}


def _scales(renderer: Renderer, u: np.ndarray, config: LossConfig, ears: features.FeatureConfig) -> dict[str, float]:
    """Medians of the terms of a config, multiplied such that the median of the whole loss is 1."""
    judges = {name: TERMS[name] for name in config.weights} | {name: PENALTIES[name] for name in config.penalties}
    parts: dict[str, list[Tensor]] = {name: [] for name in judges}
    half = len(u) // 2
    for start in range(0, half, _CHUNK):
        rows = slice(start, min(start + _CHUNK, half))
        pair = (_heard(renderer, u[rows], ears), _heard(renderer, u[half:][rows], ears))
        for name, judge in judges.items():
            parts[name].append(judge(*pair))
    raw = {name: torch.cat(values).double().numpy() for name, values in parts.items()}
    medians = {name: float(np.median(raw[name])) for name in config.weights}
    terms = np.sum([weight * raw[name] / medians[name] for name, weight in config.weights.items()], axis=0)
    penalties = np.sum([weight * raw[name] for name, weight in config.penalties.items()], axis=0)
    factor = _factor(terms, penalties)
    return {name: median * factor for name, median in medians.items()}


def _heard(renderer: Renderer, u: np.ndarray, ears: features.FeatureConfig) -> Heard:
    found: Features = analyse(renderer.render(u, PROBE)[:, 0], renderer.sample_rate, ears)
    return Heard(found)


def _factor(terms: np.ndarray, penalties: np.ndarray) -> float:
    """By what to divide the terms so that the median of terms plus penalties is 1, by bisection."""
    low, high = 0.1, 10.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.median(terms / middle + penalties) > 1.0 else (low, middle)
    return high


if __name__ == "__main__":
    main()
