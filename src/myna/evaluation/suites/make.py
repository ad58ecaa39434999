"""How the frozen suites of presets were made: `python -m myna.evaluation.suites.make` writes them again, bit for bit.

A suite that changes is another benchmark: give it another name. Draws hang on the tree of seeds under `suite`, where
nothing that is trained on does, so they are apart from all training data by construction; factory presets are those
that `presets.factory` holds out. The recordings are only hashed here: docs/suites.md tells of their making.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from myna.envs.draws import PresetDraws
from myna.envs.stages import Stage, load_stages
from myna.evaluation.suites.frozen import FrozenSet, FrozenTarget, dump
from myna.files import sha256_hex, write_atomic
from myna.params import ParameterTable
from myna.presets.factory import HELD_OUT, load_factory
from myna.presets.generator import audible
from myna.presets.preset import Preset
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["FOLDER", "INDEX", "choose_held_out", "made", "made_factory", "write"]

FOLDER = Path(__file__).parent
INDEX = "suites.json"
COUNT = 64
NOTES_MIDI, VELOCITIES, GATES_S, TOTAL_S = (36, 84), (50, 120), (0.3, 0.9), 1.0
# Where a category is at home; drums have their root at 48.
REGISTERS_MIDI = {
    "bass": (33, 48), "lead": (55, 79), "pad": (45, 72), "pluck": (52, 79), "keys": (41, 79), "brass": (46, 70),
    "strings": (48, 79), "organ": (41, 72), "bell": (60, 84), "drum": (45, 51), "fx": (48, 72), "vocal": (48, 69),
    "other": (48, 79),
}  # fmt: skip
RECORDINGS = {
    "real": "single notes of sampled instruments, recorded",
    "vital": "single notes of another synthesizer, Vital, of presets made for it",
}
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
    probe = _probe(rng, NOTES_MIDI)
    drawn = replace(stage, musical=float(prior == "musical"))
    for _ in range(_TRIES):
        values = _rounded(renderer.table, draws.targets([drawn], [rng])[0])
        u = renderer.table.snap(renderer.table.encode(renderer.table.from_dict(values))[None])
        if audible(renderer.render(u, probe)[:, 0])[0]:
            return FrozenTarget(f"{name}_{index:02d}", prior, probe, values)
    raise AssertionError(f"stage {stage.number} draws nothing but silence")


def choose_held_out(presets: Sequence[Preset], count: int = COUNT) -> frozenset[str]:
    """How the names in `presets.factory.HELD_OUT` were once drawn: evenly spread over the categories."""
    ranked = sorted(presets, key=lambda one: (one.category, generator(0, "suite", "factory", one.name).random()))
    return frozenset(ranked[int((index + 0.5) * len(ranked) / count)].name for index in range(count))


def made_factory(renderer: Renderer, count: int = COUNT) -> FrozenSet:
    """The suite of the factory presets that are held out, each played where its category is at home."""
    held_out = [preset for preset in load_factory(renderer.table) if preset.name in HELD_OUT][:count]
    targets = tuple(_played(renderer, preset) for preset in held_out)
    about = f"{len(targets)} presets designed by hand, in no bank that is searched or trained on"
    last = load_stages(renderer.table).stages[-1]
    return FrozenSet("factory", renderer.table.synth, about, last.number, targets)


def _played(renderer: Renderer, preset: Preset) -> FrozenTarget:
    rng = generator(0, "suite", "factory", preset.name, "probe")
    u = renderer.table.snap(preset.u(renderer.table)[None])
    for _ in range(_TRIES):
        probe = _probe(rng, REGISTERS_MIDI[preset.category])
        if audible(renderer.render(u, probe)[:, 0])[0]:
            return FrozenTarget(preset.name, "factory", probe, _rounded(renderer.table, preset.u(renderer.table)))
    raise AssertionError(f"{preset.name} is silent wherever it is played")


def _probe(rng: np.random.Generator, notes_midi: tuple[int, int]) -> Probe:
    note, velocity = (int(rng.integers(low, high + 1)) for low, high in (notes_midi, VELOCITIES))
    return Probe(note, velocity, round(float(rng.uniform(*GATES_S)), 3), TOTAL_S)


def _rounded(table: ParameterTable, u: np.ndarray) -> dict[str, Any]:
    """What differs from the defaults, numbers to six digits."""
    found, defaults = table.to_dict(table.decode(u)), table.to_dict(table.defaults)
    values = {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in found.items()}
    return {name: value for name, value in values.items() if value != defaults[name]}


def write(folder: Path = FOLDER) -> Iterator[str]:
    """Write all of them and the index with their hashes; names as they come."""
    renderer = Renderer()
    about = {}
    suites = (made(renderer, stage) for stage in load_stages(renderer.table).stages)
    for suite in (*suites, made_factory(renderer)):
        text = dump(suite)
        write_atomic(folder / f"{suite.name}.json", text)
        about[suite.name] = {"kind": "presets", "targets": len(suite), "sha256": sha256_hex(text)}
        yield suite.name
    for name, said in RECORDINGS.items():
        index = (FOLDER / name / "index.csv").read_bytes()
        hashed = {"targets": len(index.splitlines()) - 1, "sha256": sha256_hex(index)}
        about[name] = {"kind": "recordings", "about": said, **hashed}
        yield name
    write_atomic(folder / INDEX, json.dumps({"format": "myna-suites", "version": 1, "suites": about}, indent=1) + "\n")


if __name__ == "__main__":
    for written in write():
        print(written)
