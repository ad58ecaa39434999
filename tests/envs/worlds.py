"""Small worlds for the tests of the environment: short sounds, few notes, and engines that break on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from myna.envs.stages import load_stages
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.parameters import TABLE

STAGES = load_stages(TABLE).stages
VOLUME = TABLE.index["master.volume_db"]


def short(notes: Sequence[int] = (60,), total_s: float = 0.15, **defaults: Any) -> dict[str, Any]:
    """Overrides of the curriculum: sounds of 0.15 s, one probe set in every stage."""
    probes = [{"notes": list(notes), "velocity": 100, "gate_s": 0.1}]
    return {
        "total_s": total_s,
        "defaults": {"held_out": 4, **defaults},
        "stages": {stage.name: {"probe_sets": probes, **defaults} for stage in STAGES},
    }


class Breaking(Renderer):
    """Gives NaN for presets whose volume is in the upper half of its range."""

    def render(self, u: Any, probes: Any, seeds: Any = None, reuse: bool = False) -> Any:
        audio = super().render(u, probes, seeds, reuse)
        loud = np.asarray(u)[:, VOLUME] > 0.5
        audio[loud] = np.nan if isinstance(audio, np.ndarray) else torch.nan
        return audio


def same(one: Any, other: Any) -> bool:
    """Whether two results hold the same bits, mappings and sequences followed."""
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)
