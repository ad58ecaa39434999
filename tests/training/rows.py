"""A data set as small as tests need, made here: groups of draws that really sound, each with the default preset."""

from __future__ import annotations

import numpy as np
import torch

from myna.agents.ear import Ear
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.training.data import SOURCES, DataSet, row_fields
from myna.training.manifest import TERMS, Manifest, Origin, Shard

GOALS = 2


def small_data(renderer: Renderer, groups: int = 4, rows: int = 6, seed: int = 0) -> DataSet:
    """Groups of rows; every row has the next two of its group as goals."""
    parts = [_group(renderer, number, rows, generator(seed, "rows", number)) for number in range(groups)]
    tensors = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    for name, (kind, shape) in row_fields(len(renderer.table), GOALS).items():
        assert tensors[name].dtype == kind and tensors[name].shape[1:] == shape
    origin = Origin("random", seed, {}, renderer.table.synth, renderer.sample_rate, "", "", "")
    return DataSet(tensors, [Manifest(origin, (Shard(groups * rows, groups, ""),))], renderer.table)


def _group(renderer: Renderer, number: int, rows: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
    table, ear = renderer.table, Ear(renderer)
    probe = Probe(48.0 + 4.0 * number, 100.0, 0.5, 1.0)
    drawn = MusicalPrior(table).sample_audible(rows - 1, rng, lambda u: renderer.render(u, probe))
    u = np.concatenate([table.encode(table.defaults)[None], drawn]).astype(np.float32)
    audio = renderer.render(u, probe)[:, 0]
    aims = [ear.aim(sound, probe) for sound in audio]
    goals = (np.arange(rows)[:, None] + 1 + np.arange(GOALS)) % rows
    said = [[ear.hear(audio[i : i + 1], aims[goal]) for goal in own] for i, own in enumerate(goals)]
    judged = [[[*heard.terms[0].tolist(), float(heard.loss)] for heard in own] for own in said]
    assert len(judged[0][0]) == len(TERMS)
    return {
        "u": torch.from_numpy(u),
        "summary": torch.cat([aim.summary for aim in aims]).half(),
        "played": torch.cat([aim.played for aim in aims]).float(),
        "group": torch.full((rows,), number, dtype=torch.int32),
        "loss": torch.full((rows,), torch.nan, dtype=torch.float16),
        "source": torch.tensor([SOURCES["default"]] + [SOURCES["drawn"]] * (rows - 1), dtype=torch.uint8),
        "goals": torch.from_numpy(goals + number * rows).int(),
        "judged": torch.tensor(judged).half(),
    }
