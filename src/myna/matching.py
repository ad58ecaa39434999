"""The main verb: a target in, presets out. Both faces, command line and app, call this."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from myna.agents import Match, Objective, make_agent
from myna.audio.target import Target
from myna.errors import UsageError
from myna.evaluation.metrics import metrics
from myna.features import analyse
from myna.presets import Preset
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["Alternative", "MatchResult", "MatchSettings", "match_target", "similarity_percent"]

# Two presets whose pooled log-mels differ by less than this on average are the same to the ear.
AUDIBLE_DB = 1.5


@dataclass(frozen=True)
class MatchSettings:
    """How to match: synth, agent, budget in renders, seed, presets to return, modules to keep as in `start`."""

    synth: str = "serum-lite"
    agent: str = "auto"
    budget: int = 1000
    seed: int = 0
    top: int = 4
    lock: tuple[str, ...] = ()
    start: Preset | None = None


@dataclass(frozen=True)
class Alternative:
    """Another preset that was found, its loss and its sound (2, T)."""

    preset: Preset
    loss: float
    audio: np.ndarray


@dataclass(frozen=True)
class MatchResult:
    """Everything that a report tells."""

    target: Target
    settings: MatchSettings
    preset: Preset
    preset_u: np.ndarray
    audio: np.ndarray
    loss: float
    similarity_percent: float
    terms: dict[str, float]
    metrics: dict[str, float]
    renders: int
    seconds: float
    curve: list[tuple[int, float]]
    alternatives: list[Alternative]
    note_midi: float
    gate_s: float
    warnings: tuple[str, ...] = field(default=())


def similarity_percent(loss: float) -> float:
    """A loss as a person reads it: 0 → 100 %, a random pair (1) → 5 %, falling exponentially."""
    return float(100.0 * np.exp(-3.0 * max(loss, 0.0)))


def match_target(
    target: Target,
    settings: MatchSettings,
    progress: Callable[[int, int, float], None] | None = None,
    stop: Callable[[], bool] | None = None,
    renderer: Renderer | None = None,
) -> MatchResult:
    """Search for a preset that sounds like the target.

    Args:
        target: from `myna.audio.target`.
        settings: what to do.
        progress: called with (renders, budget, best loss).
        stop: polled; true ends the search and keeps the best so far.
        renderer: to share one between targets.

    Raises:
        UsageError: unknown agent or synth, a lock without a start, a budget or `top` under 1.
    """
    if settings.budget < 1 or settings.top < 1:
        raise UsageError("The budget and the number of presets to return must be at least 1.")
    if settings.lock and settings.start is None:
        raise UsageError("Locked modules are kept as they are in a start preset: give one with --start.")
    agent = make_agent(settings.agent)
    renderer = renderer or Renderer(settings.synth, sample_rate=target.sample_rate)
    began = time.perf_counter()
    objective = _objective(target, settings, renderer, progress, stop)
    rng = generator(settings.seed, "match", settings.agent)
    match = agent.match(objective, rng)
    return _result(target, settings, objective, match, time.perf_counter() - began)


def _objective(target: Target, settings: MatchSettings, renderer: Renderer, progress: Any, stop: Any) -> Objective:
    table = renderer.table
    probe = Probe(target.note_midi, target.velocity, target.gate_s, target.total_s)
    audio = np.zeros((2, probe.samples(renderer.sample_rate)), np.float32)
    length = min(audio.shape[1], target.audio.shape[-1])
    audio[:, :length] = target.audio[:, :length]
    start = None if settings.start is None else settings.start.u(table)
    return Objective(
        renderer=renderer,
        probe=probe,
        audio=audio,
        budget=settings.budget,
        frozen=table.mask(settings.lock) if settings.lock else None,
        start=start,
        progress=progress,
        stop=stop,
    )


def _result(target: Target, settings: MatchSettings, objective: Objective, match: Match, seconds: float) -> MatchResult:
    table, renderer = objective.table, objective.renderer
    chosen = _diverse(objective, match, settings.top)
    audio = renderer.render(match.archive_u[chosen], [objective.probe])[:, 0]
    breakdown = objective.loss(analyse(audio[:1], renderer.sample_rate), objective.target)
    presets = [
        Preset.from_u(
            table,
            match.archive_u[i],
            name=f"{target.name[:80]} (match {rank})" if rank > 1 else f"{target.name[:80]} (match)",
            tags=("match", settings.agent),
            description=f"Found by myna in {match.renders} renders; loss {match.archive_loss[i]:.3f}.",
        )
        for rank, i in enumerate(chosen, 1)
    ]
    return MatchResult(
        target=target,
        settings=settings,
        preset=presets[0],
        preset_u=match.archive_u[chosen[0]],
        audio=audio[0],
        loss=match.loss,
        similarity_percent=similarity_percent(match.loss),
        terms={name: float(value[0]) for name, value in breakdown.terms.items()},
        metrics=metrics(audio[0], objective.audio, renderer.sample_rate),
        renders=match.renders,
        seconds=seconds,
        curve=match.curve,
        alternatives=[
            Alternative(preset, float(match.archive_loss[i]), sound)
            for preset, i, sound in zip(presets[1:], chosen[1:], audio[1:], strict=True)
        ],
        note_midi=target.note_midi,
        gate_s=target.gate_s,
        warnings=tuple(target.warnings),
    )


def _diverse(objective: Objective, match: Match, top: int) -> list[int]:
    """Indices into the archive: the best, then the next best that sound different from all before."""
    if top == 1 or len(match.archive_u) == 1:
        return [0]
    audio = objective.renderer.render(match.archive_u, [objective.probe])[:, 0]
    mels = analyse(audio, objective.renderer.sample_rate).mels[1]
    chosen = [0]
    for i in range(1, len(mels)):
        if len(chosen) == top:
            break
        if all(np.mean(np.abs(mels[i] - mels[j])) > AUDIBLE_DB for j in chosen):
            chosen.append(i)
    return chosen
