"""How far a preset is from itself: the loss between two renders whose noise and random phases differ.

Nothing can be told apart better than that, so the environment calls a target reached at the median of it.
To measure it again: `python -m myna.envs.noise_floor`.
Shapes: n presets.
"""

from __future__ import annotations

import argparse
import functools
import json
from pathlib import Path

import numpy as np
import torch

from myna.envs.curriculum import Curriculum
from myna.files import write_atomic
from myna.loss import TRAINING_LOSS, PerceptualLoss, score
from myna.seeding import generator
from myna.synth.renderer import Renderer

__all__ = ["PATH", "SILENT_DIFFERENCE", "measure", "success_loss"]

PATH = Path(__file__).parent / "noise_floor.json"
PRESETS, SEED = 1_000, 0
SILENT_DIFFERENCE = 1e-3
"""Presets that are nearer than this to themselves hold nothing random: they say nothing about a floor."""
_QUANTILES = (25, 50, 75, 90, 95)


@functools.cache
def success_loss() -> float:
    """The loss at which a target counts as reached: the median floor of presets that hold something random."""
    return float(json.loads(PATH.read_text(encoding="utf-8"))["quantiles"]["50"])


def measure(curriculum: Curriculum, presets: int, seed: int) -> np.ndarray:
    """Losses (n,) between the targets of the last stage and their own presets under other seeds."""
    random = generator(seed, "noise-floor")
    tasks = curriculum.sample(presets, random, len(curriculum.stages))
    seeds = random.integers(1, 2**63, presets)
    renderer, loss = curriculum.renderer, PerceptualLoss(TRAINING_LOSS)
    again = torch.as_tensor(renderer.render(tasks.target_u, tasks.probes, seeds))
    heard, _ = score(again[:, 0], renderer.sample_rate, tasks.target[:, 0], loss, renderer.threads)
    return heard.total.double().numpy()


def main() -> None:
    """Measure and write the file."""
    parser = argparse.ArgumentParser(prog="python -m myna.envs.noise_floor", description=__doc__)
    parser.add_argument("--presets", type=int, default=PRESETS, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="of the draws (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=PATH, help="file to write (default: the package's own)")
    options = parser.parse_args()
    losses = measure(Curriculum.from_file(renderer=Renderer()), options.presets, options.seed)
    random = losses[losses > SILENT_DIFFERENCE]
    about = {
        "command": f"python -m myna.envs.noise_floor --presets {options.presets} --seed {options.seed}",
        "of": "targets of the last stage of the packaged curriculum, TRAINING_LOSS",
        "random_share": round(len(random) / len(losses), 3),
        "quantiles": {str(q): round(float(np.percentile(random, q)), 3) for q in _QUANTILES},
    }
    write_atomic(options.out, json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
