"""What observations are standardised by: mean and spread of every number of a summary, over 10,000 presets.

They are fixed and come with the package. To make them again: `python -m myna.envs.statistics`.
Shapes: D numbers of a summary.
"""

from __future__ import annotations

import argparse
import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from myna.envs.curriculum import Curriculum
from myna.envs.summary import SHAPES, SIZE, summarise
from myna.files import write_atomic
from myna.seeding import generator
from myna.synth.renderer import Renderer

__all__ = ["PATH", "Statistics", "load_statistics", "measure"]

PATH = Path(__file__).parent / "statistics.json"
PRESETS, SEED = 10_000, 0
NARROWEST = {"mel": 12.0, "mfcc": 1.0, "envelope": 1.0, "centroid": 0.1, "loudness": 1.0}
"""No spread is smaller (dB, octaves, LU): what hardly ever changes must not shout when it does. Most high bands are
silent most of the time; with 12 dB a bright sound in them (60 dB over the floor) still lies within the clip."""
_BATCH = 250


@dataclass(frozen=True, eq=False)
class Statistics:
    """Of summaries.

    Attributes:
        mean: (D,) float32.
        spread: (D,) float32, standard deviations, above 0.
    """

    mean: torch.Tensor
    spread: torch.Tensor

    def standardise(self, summary: torch.Tensor) -> torch.Tensor:
        """Summaries (…, D) as distances from the mean in spreads."""
        return (summary - self.mean) / self.spread

    def to(self, device: torch.device | str) -> Statistics:
        """The same on another device."""
        return Statistics(self.mean.to(device), self.spread.to(device))


@functools.cache
def load_statistics() -> Statistics:
    """Those that come with the package."""
    parts = json.loads(PATH.read_text(encoding="utf-8"))["parts"]
    mean, spread = (torch.tensor([x for name in SHAPES for x in parts[name][key]]) for key in ("mean", "spread"))
    return Statistics(mean, spread)


def measure(curriculum: Curriculum, presets: int = PRESETS, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread (D,) over targets of the last stage: what people make and what chance makes, all modules open."""
    random = generator(seed, "observation", "statistics")
    total, square = np.zeros(SIZE), np.zeros(SIZE)
    for start in range(0, presets, _BATCH):
        tasks = curriculum.sample(min(_BATCH, presets - start), random, len(curriculum.stages))
        values = summarise(tasks.target)[:, 0].double().numpy()
        total, square = total + values.sum(0), square + (values**2).sum(0)
    mean = total / presets
    narrowest = np.concatenate([np.full(np.prod(shape), NARROWEST[name]) for name, shape in SHAPES.items()])
    return mean, np.maximum(np.sqrt(np.maximum(square / presets - mean**2, 0.0)), narrowest)


def main() -> None:
    """Measure and write the file."""
    parser = argparse.ArgumentParser(prog="python -m myna.envs.statistics", description=__doc__)
    parser.add_argument("--presets", type=int, default=PRESETS, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="of the draws (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=PATH, help="file to write (default: the package's own)")
    options = parser.parse_args()
    curriculum = Curriculum.from_file(renderer=Renderer())
    mean, spread = measure(curriculum, options.presets, options.seed)
    command = f"python -m myna.envs.statistics --presets {options.presets} --seed {options.seed}"
    of = "targets of the last stage of the packaged curriculum, features.TRAINING"
    parts = ",\n".join(f'"{name}": {json.dumps(part)}' for name, part in _parts(mean, spread).items())
    write_atomic(options.out, f'{{"command": "{command}",\n"of": "{of}",\n"parts": {{\n{parts}\n}}}}\n')


def _parts(mean: np.ndarray, spread: np.ndarray) -> dict[str, dict[str, list[float]]]:
    """By name, rounded to what matters."""
    ends = np.cumsum([np.prod(shape) for shape in SHAPES.values()]).tolist()
    cuts = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    rounded = {"mean": mean.round(3), "spread": spread.round(3)}
    return {
        name: {key: values[cut].tolist() for key, values in rounded.items()}
        for name, cut in zip(SHAPES, cuts, strict=True)
    }


if __name__ == "__main__":
    main()
