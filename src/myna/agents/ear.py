"""What learned agents hear: sounds of one second, in the environment's features, summaries and loss.

They were trained on sounds of exactly that length. So a target is heard by its first second: a longer one is cut with
the fade that recordings get in training, a shorter one goes on in silence. A candidate is heard by the first second of
its render, which for a causal synth is what the environment would have rendered.

Shapes: n sounds, C channels, T samples, P parameters, D numbers of a summary, K terms of the loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from myna.agents.replay import Rows
from myna.agents.rows import RowView
from myna.envs.action import ActionConfig, ActionDecoder
from myna.envs.observation import ObservationLayout
from myna.envs.statistics import load_statistics
from myna.envs.summary import summarise
from myna.features import TRAINING, Features, analyse, one_core
from myna.loss import TRAINING_LOSS, Heard, LossConfig, PerceptualLoss, score
from myna.params import ParameterTable
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["LENGTH_S", "Aim", "Ear", "Impression", "Situation", "row_view"]

LENGTH_S = 1.0
"""Length of everything that learned agents hear, seconds."""
_FADE_S = 0.01


@dataclass(frozen=True, eq=False)
class Aim:
    """A target as learned agents hear it.

    Attributes:
        goal: as the loss hears it, leading shape (1,).
        summary: (1, D) float32, standardised, not clipped.
        played: (1, 3) float64, see `envs.observation.played`.
    """

    goal: Heard
    summary: torch.Tensor
    played: torch.Tensor


class Impression(NamedTuple):
    """Candidates as learned agents hear them: `summary` (n, D), and against an aim `loss` (n,) and `terms` (n, K)."""

    summary: torch.Tensor
    loss: torch.Tensor
    terms: torch.Tensor


@dataclass(frozen=True)
class Situation:
    """Where an episode of one preset is.

    Attributes:
        raw_u: (1, P) float64, before snapping.
        moved: (1, P) float64, what the last step moved.
        open: (1, P) bool.
        best_loss: (1,) the lowest training loss so far.
        step, horizon: made, and in all.
        bound: the largest |Δu| of a step.
    """

    raw_u: torch.Tensor
    moved: torch.Tensor
    open: torch.Tensor
    best_loss: torch.Tensor
    step: int
    horizon: int
    bound: float


class Ear:
    """Hears targets and candidates.

    Args:
        renderer: whose sounds are heard; on the CPU.

    Example:
        >>> # ear = Ear(renderer)
        >>> # aim = ear.aim(audio, probe)
        >>> # ear.hear(renderer.render(u, probe)[:, 0], aim).loss  → (n,)
    """

    def __init__(self, renderer: Renderer) -> None:
        """See the class."""
        self.table, self.sample_rate, self.threads = renderer.table, renderer.sample_rate, renderer.threads
        self._loss, self._statistics = PerceptualLoss(TRAINING_LOSS), load_statistics()

    @one_core()
    def aim(self, audio: np.ndarray, probe: Probe) -> Aim:
        """A target (C, T), any length, and how it was played."""
        features = analyse(self._fitted(audio[None], fade=True), self.sample_rate, TRAINING).lean()
        played = [probe.note_midi / 127.0, probe.velocity / 127.0, min(probe.gate_s, LENGTH_S) / LENGTH_S]
        return Aim(Heard(features).derived(), self._summary(features), torch.tensor([played], dtype=torch.float64))

    @one_core()
    def hear(self, audio: np.ndarray, aim: Aim) -> Impression:
        """Candidates (n, C, T), any length, against an aim; one that is not finite costs `loss.BROKEN`."""
        said, features = score(self._fitted(audio), self.sample_rate, aim.goal, self._loss, self.threads)
        parts = {**said.terms, **said.penalties}
        terms = torch.stack([parts[name] for name in loss_terms()], -1)
        return Impression(self._summary(features), said.total, terms)

    def rows(self, aim: Aim, heard: Impression, where: Situation) -> Rows:
        """What a `RowView` of one probe observes: a state, its goal, whose preset nobody knows, and what it says."""
        state = {
            "raw_u": where.raw_u,
            "summary": heard.summary[:, None],
            "played": aim.played[:, None],
            "moved": where.moved,
            "open": where.open,
            "bound": torch.tensor([where.bound]),
            "step": torch.tensor([where.step]),
            "horizon": torch.tensor([where.horizon]),
        }
        goal = {"raw_u": torch.full_like(where.raw_u, torch.nan), "summary": aim.summary[:, None]}
        return Rows(state, goal, {"loss": heard.loss, "best": where.best_loss, "terms": heard.terms})

    def _fitted(self, audio: np.ndarray, fade: bool = False) -> torch.Tensor:
        """(n, C, samples of a second): cut, or followed by silence."""
        samples, length = Probe(total_s=LENGTH_S).samples(self.sample_rate), audio.shape[-1]
        fitted = np.zeros((*audio.shape[:-1], samples), np.float32)
        fitted[..., :length] = audio[..., :samples]
        if fade and length > samples:
            count = round(_FADE_S * self.sample_rate)
            fitted[..., -count:] *= np.linspace(1.0, 0.0, count, dtype=np.float32)
        return torch.from_numpy(fitted)

    def _summary(self, features: Features) -> torch.Tensor:
        return self._statistics.standardise(summarise(features))


def loss_terms(config: LossConfig = TRAINING_LOSS) -> tuple[str, ...]:
    """Names of what adds up to the loss, in the order of an observation's `terms`."""
    return (*config.weights, *config.penalties, "broken")


def row_view(
    table: ParameterTable, mode: str = "all", device: torch.device | str = "cpu", absolute: bool = False
) -> RowView:
    """Observations and edits of single sounds: what a `Core` with one probe and those actions observes."""
    return RowView(ObservationLayout(table, loss_terms()), ActionDecoder(table, ActionConfig(mode, absolute), device))
