"""The sounds that tasks are about: presets that can be heard, rendered and analysed in batches, and recordings.

Shapes: n rows, N probes, C channels, T samples, P parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from myna.audio.target import Target
from myna.envs.draws import Generators, PresetDraws
from myna.envs.stages import CurriculumConfig, Stage
from myna.envs.task import TaskBatch, tasks_from_recordings
from myna.errors import MynaError
from myna.features import FeatureConfig, Features, analyse
from myna.presets.generator import MAX_TRIES, audible
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["TargetSounds", "TargetSource"]


@dataclass(frozen=True)
class TargetSounds:
    """Targets of n rows.

    Attributes:
        u: (n, P) the presets that made them, NaN for recordings.
        features: leading shape (n, N).
        audio: (n, N, C, T), or None where it is not kept.
        probes: N for each row.
        names: of a recording, or of the stage.
    """

    u: np.ndarray
    features: Features
    audio: torch.Tensor | None
    probes: tuple[tuple[Probe, ...], ...]
    names: tuple[str, ...]


class TargetSource:
    """Makes targets; see `Curriculum` for the arguments and errors."""

    def __init__(
        self,
        config: CurriculumConfig,
        renderer: Renderer,
        draws: PresetDraws,
        features: FeatureConfig,
        recordings: Sequence[Target],
        keep_audio: bool,
    ) -> None:
        """See `Curriculum`."""
        self._config, self._renderer, self._draws = config, renderer, draws
        self._features, self._keep_audio = features, keep_audio
        self._recorded = self._analyse_recordings(recordings) if recordings else None

    @property
    def has_recordings(self) -> bool:
        """Whether there are some to draw from."""
        return self._recorded is not None

    def _analyse_recordings(self, recordings: Sequence[Target]) -> TaskBatch:
        return tasks_from_recordings(
            recordings,
            self._renderer.table,
            sample_rate=self._renderer.sample_rate,
            total_s=self._config.total_s,
            features=self._features,
            notes=self._config.notes,
            threads=self._renderer.threads,
            keep_audio=self._keep_audio,
            device=self._renderer.device,
        )

    def recorded(self, generators: Generators) -> TargetSounds:
        """One of the recordings for each row."""
        assert self._recorded is not None  # noqa: S101 - the caller has asked `has_recordings`
        picked = self._recorded[[int(rng.integers(len(self._recorded))) for rng in generators]]
        return TargetSounds(
            picked.target_u.cpu().numpy(), picked.target, picked.target_audio, picked.probes, picked.names
        )

    def rendered(self, stages: Sequence[Stage], generators: Generators) -> TargetSounds:
        """Presets drawn until each of their probes can be heard: `sample_audible`'s rule, every row by its own stage.

        Raises:
            MynaError: a row is still silent after MAX_TRIES draws.
        """
        probes = tuple(self._probes(stage, rng) for stage, rng in zip(stages, generators, strict=True))
        seeds = self._seeds(generators)
        u = self._draws.targets(stages, generators)
        silent = list(range(len(stages)))
        found: list[tuple[list[int], Features, torch.Tensor | None]] = []
        for _ in range(MAX_TRIES):
            for rows in self._chunks(silent):
                audio = self._renderer.render(torch.from_numpy(u[rows]), [probes[row] for row in rows], seeds[rows])
                found += self._heard(rows, audio)
            silent = sorted(set(silent).difference(*(rows for rows, _, _ in found)))
            if not silent:
                return self._sounds(u, found, probes, stages)
            u[silent] = self._draws.targets([stages[row] for row in silent], [generators[row] for row in silent])
        names = ", ".join(sorted({stages[row].name for row in silent}))
        raise MynaError(f"{len(silent)} targets of {names} stayed silent after {MAX_TRIES} draws: open a sound source.")

    def _probes(self, stage: Stage, rng: np.random.Generator) -> tuple[Probe, ...]:
        chosen = stage.probe_sets[rng.integers(len(stage.probe_sets))]
        return chosen.probes(self._config.notes, self._config.total_s)

    def _seeds(self, generators: Generators) -> np.ndarray:
        """(n,) render seeds: drawn, or the renderer's own."""
        own = [int(rng.integers(2**63)) if self._config.own_seeds else self._renderer.seed for rng in generators]
        return np.array(own, np.uint64)

    def _chunks(self, rows: list[int]) -> list[list[int]]:
        """Rows whose audio fits the renderer's bound on memory."""
        samples = Probe(total_s=self._config.total_s).samples(self._renderer.sample_rate)
        row_bytes = 4 * self._config.notes * self._renderer.synth.channels * samples
        size = max(1, self._renderer.chunk_bytes // row_bytes)
        return [rows[i : i + size] for i in range(0, len(rows), size)]

    def _heard(self, rows: list[int], audio: torch.Tensor) -> list[tuple[list[int], Features, torch.Tensor | None]]:
        """The rows of audio (n, N, C, T) that can be heard, their features and, if kept, audio; [] where none can."""
        loud = torch.from_numpy(audible(audio.flatten(0, 1).cpu().numpy())).reshape(len(rows), -1).all(1)
        if not loud.any():
            return []
        kept = audio if loud.all() else audio[loud.to(audio.device)]
        features = analyse(kept, self._renderer.sample_rate, self._features, self._renderer.threads).lean()
        heard = [row for row, one in zip(rows, loud.tolist(), strict=True) if one]
        return [(heard, features, kept if self._keep_audio else None)]

    def _sounds(
        self,
        u: np.ndarray,
        found: list[tuple[list[int], Features, torch.Tensor | None]],
        probes: tuple[tuple[Probe, ...], ...],
        stages: Sequence[Stage],
    ) -> TargetSounds:
        """Join what was found, in the order of the rows."""
        features = Features.cat([part for _, part, _ in found])
        order = torch.tensor([row for rows, _, _ in found for row in rows]).argsort().to(features.device)
        audio = [part for _, _, part in found if part is not None]
        return TargetSounds(
            u,
            features[order],
            torch.cat(audio)[order] if audio else None,
            probes,
            tuple(stage.name for stage in stages),
        )
