"""How the frozen suites of presets were made: `python -m myna.evaluation.suites.make` writes them again, bit for bit.

A suite that changes is another benchmark: give it another name. Draws hang on the tree of seeds under `suite`, where
nothing that is trained on does, so they are apart from all training data by construction.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from myna.envs.draws import PresetDraws
from myna.envs.stages import Stage, load_stages
from myna.evaluation.suites.frozen import FrozenSet, FrozenTarget, dump
from myna.files import sha256_hex, write_atomic
from myna.params import ParameterTable
from myna.presets.generator import audible
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["FOLDER", "INDEX", "made", "write"]

FOLDER = Path(__file__).parent
INDEX = "suites.json"
COUNT = 64
NOTES_MIDI, VELOCITIES, GATES_S, TOTAL_S = (36, 84), (50, 120), (0.3, 0.9), 1.0
_TRIES = 1_000


def made(renderer: Renderer, stage: Stage, count: int = COUNT) -> FrozenSet:
    """The suite of a stage of the curriculum: half of it drawn evenly, half as people make presets, by turns."""
    draws = PresetDraws(renderer.table, [stage])
    name = f"stage-{stage.number}"
    targets = tuple(_target(renderer, stage, draws, name, index) for index in range(count))
    about = f"{count} presets of the curriculum's stage {stage.number}, {stage.name}: half uniform, half musical"
    return FrozenSet(name, renderer.table.synth, about, stage.number, targets)


def _target(renderer: Renderer, stage: Stage, draws: PresetDraws, name: str, index: int) -> FrozenTarget:
    prior = ("uniform", "musical")[index % 2]
    rng = generator(0, "suite", name, index)
    note, velocity = (int(rng.integers(low, high + 1)) for low, high in (NOTES_MIDI, VELOCITIES))
    probe = Probe(note, velocity, round(float(rng.uniform(*GATES_S)), 3), TOTAL_S)
    drawn = replace(stage, musical=float(prior == "musical"))
    for _ in range(_TRIES):
        values = _rounded(renderer.table, draws.targets([drawn], [rng])[0])
        u = renderer.table.snap(renderer.table.encode(renderer.table.from_dict(values))[None])
        if audible(renderer.render(u, probe)[:, 0])[0]:
            return FrozenTarget(f"{name}_{index:02d}", prior, probe, values)
    raise AssertionError(f"stage {stage.number} draws nothing but silence")


def _rounded(table: ParameterTable, u: np.ndarray) -> dict[str, Any]:
    """What differs from the defaults, numbers to six digits."""
    found, defaults = table.to_dict(table.decode(u)), table.to_dict(table.defaults)
    values = {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in found.items()}
    return {name: value for name, value in values.items() if value != defaults[name]}


def write(folder: Path = FOLDER) -> Iterator[str]:
    """Write all of them and the index with their hashes; names as they come."""
    renderer = Renderer()
    about = {}
    for stage in load_stages(renderer.table).stages:
        suite = made(renderer, stage)
        text = dump(suite)
        write_atomic(folder / f"{suite.name}.json", text)
        about[suite.name] = {"kind": "presets", "targets": len(suite), "sha256": sha256_hex(text)}
        yield suite.name
    index = (FOLDER / "real" / "index.csv").read_bytes()
    about["real"] = {"kind": "recordings", "targets": len(index.splitlines()) - 1, "sha256": sha256_hex(index)}
    write_atomic(folder / INDEX, json.dumps({"format": "myna-suites", "version": 1, "suites": about}, indent=1) + "\n")
    yield "real"


if __name__ == "__main__":
    for written in write():
        print(written)
