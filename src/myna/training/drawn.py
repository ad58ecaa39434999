"""What rows are drawn from: probes, and presets that can be heard at them.

Shapes: n presets, g groups, P parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from myna.envs.draws import Generators, PresetDraws
from myna.envs.stages import ProbeSet, Stage, load_stages
from myna.envs.target_sounds import TargetSource
from myna.errors import UsageError
from myna.features import TRAINING, Features, analyse
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["NOTES", "TOTAL_S", "DrawnSounds", "draw_probe", "hear", "played_of", "probe_of", "stored"]

NOTES, VELOCITIES, GATES_S = (33, 84), (50, 120), (0.1, 0.95)
TOTAL_S = 1.0
_CHUNK = 512  # sounds at once: their audio is 180 MB


def draw_probe(rng: np.random.Generator) -> Probe:
    """A whole note and velocity, and a gate, evenly drawn; 1 s long."""
    note, velocity = (int(rng.integers(low, high, endpoint=True)) for low, high in (NOTES, VELOCITIES))
    return Probe(float(note), float(velocity), round(rng.uniform(*GATES_S), 3), TOTAL_S)


def played_of(probe: Probe) -> np.ndarray:
    """What a row keeps of its probe, (3,) float32: note / 127, velocity / 127, share of the length that is held."""
    return np.array([probe.note_midi / 127.0, probe.velocity / 127.0, probe.gate_s / probe.total_s], np.float32)


def probe_of(played: np.ndarray, total_s: float = TOTAL_S) -> Probe:
    """The probe of a row, from (3,) `played`: the very one that was drawn."""
    note, velocity, held = np.asarray(played, np.float64).tolist()
    return Probe(round(127.0 * note, 3), round(127.0 * velocity, 3), round(held * total_s, 4), total_s)


def stored(u: np.ndarray) -> np.ndarray:
    """Presets as a row holds them, float32, but as float64: rendered so, a row can be played again to the same bits."""
    return u.astype(np.float32).astype(np.float64)


def hear(renderer: Renderer, u: np.ndarray, probes: Sequence[Probe]) -> Features:
    """The training features (n,) of presets u (n, P), each at a probe of its own; NaN and the like are marked."""
    heard = []
    for start in range(0, len(u), _CHUNK):
        part = slice(start, start + _CHUNK)
        audio = renderer.render(torch.from_numpy(u[part]), [[probe] for probe in probes[part]])[:, 0]
        heard.append(analyse(audio, renderer.sample_rate, TRAINING, renderer.threads, on_bad="mark").lean())
    return Features.cat(heard)


class _StoredDraws(PresetDraws):
    """Draws that a row can hold."""

    def targets(self, stages: Sequence[Stage], generators: Generators) -> np.ndarray:
        """See `PresetDraws.targets` and `stored`."""
        return stored(super().targets(stages, generators))


class DrawnSounds:
    """Presets of a stage of the curriculum, drawn until they can be heard.

    Args:
        renderer: of the synth.
        stage: number of it, from 1.
        musical: share of presets in [0, 1] that people might make; the others are uniform.

    Raises:
        UsageError: no such stage.
    """

    def __init__(self, renderer: Renderer, stage: int, musical: float) -> None:
        """See the class."""
        config = load_stages(renderer.table)
        if stage not in range(1, len(config.stages) + 1):
            raise UsageError(f"There is no stage {stage}: choose from 1 to {len(config.stages)}.")
        one = replace(config.stages[stage - 1], musical=musical, probe_sets=(_probe_set(Probe()),))
        config = replace(config, stages=(one,), total_s=TOTAL_S, own_seeds=False)
        draws = _StoredDraws(renderer.table, config.stages)
        self._stage, self._renderer = one, renderer
        self._source = TargetSource(config, renderer, draws, TRAINING, (), keep_audio=False)
        self.default_u = stored(draws.defaults)

    def __call__(self, probes: Sequence[Probe], generators: Generators) -> tuple[np.ndarray, Features]:
        """A preset for each of n probes, (n, P) float64, each from its own generator; and their training features (n,).

        Raises:
            MynaError: one is still silent after many draws.
        """
        stages = [replace(self._stage, probe_sets=(_probe_set(probe),)) for probe in probes]
        sounds = self._source.rendered(stages, generators)
        return sounds.u, sounds.features[:, 0]


def _probe_set(probe: Probe) -> ProbeSet:
    return ProbeSet((probe.note_midi,), probe.velocity, probe.gate_s)
