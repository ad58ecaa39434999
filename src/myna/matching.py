"""The main verb: a target in, presets out. Both faces, command line and app, call this."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from myna.agents import Goal, Match, Watch, make_agent
from myna.agents.archive import AUDIBLE_DB
from myna.audio.target import Target
from myna.errors import UsageError
from myna.evaluation.metrics import metrics
from myna.evaluation.similarity import similarity_percent
from myna.features import FULL, analyse
from myna.loss import PerceptualLoss
from myna.presets import Preset
from myna.seeding import generator
from myna.synth.renderer import Renderer

__all__ = ["Alternative", "MatchResult", "MatchSettings", "match_target", "similarity_percent"]

Progress = Callable[[int, int, float], None]
Improved = Callable[[int, float, np.ndarray], None]

# At most this part of the budget is kept back for rendering the alternatives.
_KEPT_BACK = 4


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
    """Everything that a report tells; `first_u` is the preset (P,) that was heard first."""

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
    first_u: np.ndarray | None = None


def match_target(
    target: Target,
    settings: MatchSettings,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    renderer: Renderer | None = None,
    preparing: Callable[[int, int], None] | None = None,
    improved: Improved | None = None,
) -> MatchResult:
    """Search for a preset that sounds like the target.

    Every render of a candidate at the target's note counts, and their sum never exceeds the budget. The best preset's
    sound is kept from the search; one render for each alternative is kept back (a quarter of the budget at most).
    A bank of sounds, where the agent looks into one, is rendered once, at its own notes, for all targets to come, and
    not counted. The result depends on the target, the settings, the preset bank and the engine alone, not on the
    threads.

    Args:
        target: from `myna.audio.target`.
        settings: what to do.
        progress: called with (renders, budget, best loss).
        stop: polled; true ends the search and keeps the best so far.
        renderer: to share one between targets.
        preparing: called with (done, total) while the bank is built, the first time.
        improved: called with (renders, loss, audio (2, T)) whenever a better preset has been heard.

    Raises:
        UsageError: unknown agent or synth, a lock without a start, a budget or `top` under 1.
    """
    if settings.budget < 1 or settings.top < 1:
        raise UsageError("The budget and the number of presets to return must be at least 1.")
    if settings.lock and settings.start is None:
        raise UsageError("Locked modules are kept as they are in a start preset: give one with --start.")
    renderer = renderer or Renderer(settings.synth, sample_rate=target.sample_rate)
    agent = make_agent(settings.agent, renderer)
    began = time.perf_counter()
    goal = _goal(target, settings, renderer)
    watch = Watch(_whole_budget(progress, settings.budget), preparing, stop, improved=_of_one(improved))
    budget = settings.budget - min(settings.top - 1, settings.budget // _KEPT_BACK)
    (match,) = agent.match([goal], budget, generator(settings.seed, "match", settings.agent), watch=watch)
    result = _result(target, settings, renderer, goal, match)
    result = replace(result, seconds=time.perf_counter() - began - watch.waited_s)
    if progress is not None:
        progress(result.renders, settings.budget, result.loss)
    return result


def _goal(target: Target, settings: MatchSettings, renderer: Renderer) -> Goal:
    table = renderer.table
    frozen = table.mask(settings.lock) if settings.lock else None
    start = None if settings.start is None else settings.start.u(table)
    return replace(Goal.of(target, renderer), frozen=frozen, start=start)


def _whole_budget(progress: Progress | None, budget: int) -> Progress | None:
    """Progress of the search against the budget with what is kept back."""
    if progress is None:
        return None
    return lambda renders, _, loss: progress(renders, budget, loss)


def _of_one(improved: Improved | None) -> Callable[[int, int, float, np.ndarray], None] | None:
    """The same for a search of many goals, of which there is one."""
    if improved is None:
        return None
    return lambda _, renders, loss, audio: improved(renders, loss, audio)


def _result(target: Target, settings: MatchSettings, renderer: Renderer, goal: Goal, match: Match) -> MatchResult:
    u, losses, sounds = _alternatives(renderer, goal, match, settings)
    renders = match.renders + len(u)
    presets = [
        _preset(renderer.table, settings, target, row, loss, rank, renders)
        for rank, (row, loss) in enumerate([(match.u, match.loss), *zip(u, losses, strict=True)], 1)
    ]
    found, wanted = (analyse(audio[None], renderer.sample_rate, FULL) for audio in (match.audio, goal.audio))
    breakdown = PerceptualLoss()(found, wanted)
    return MatchResult(
        target=target,
        settings=settings,
        preset=presets[0],
        preset_u=match.u,
        audio=match.audio,
        loss=float(breakdown.total[0]),
        similarity_percent=similarity_percent(float(breakdown.total[0])),
        terms={name: float(value[0]) for name, value in {**breakdown.terms, **breakdown.penalties}.items()},
        metrics=metrics(match.audio, goal.audio, renderer.sample_rate),
        renders=renders,
        seconds=0.0,
        curve=match.curve,
        alternatives=[
            Alternative(preset, float(loss), sound)
            for preset, loss, sound in zip(presets[1:], losses, sounds, strict=True)
        ],
        note_midi=target.note_midi,
        gate_s=target.gate_s,
        warnings=tuple(target.warnings),
        first_u=match.trail[0][2] if match.trail else None,
    )


def _alternatives(
    renderer: Renderer, goal: Goal, match: Match, settings: MatchSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The next best presets that differ to the ear from the best and from each other, rendered: u, losses, audio."""
    wanted = min(settings.top, 1 + settings.budget - match.renders)
    u, losses = match.archive.best(wanted, AUDIBLE_DB)
    u, losses = u[1:], losses[1:]
    if not len(u):
        return u, losses, np.empty((0, *match.audio.shape), np.float32)
    return u, losses, renderer.render(u, [goal.probe])[:, 0]


def _preset(
    table: Any, settings: MatchSettings, target: Target, u: np.ndarray, loss: float, rank: int, renders: int
) -> Preset:
    return Preset.from_u(
        table,
        u,
        name=f"{target.name[:80]} (match {rank})" if rank > 1 else f"{target.name[:80]} (match)",
        tags=("match", settings.agent),
        description=f"Found by myna in {renders} renders; loss {loss:.3f}.",
    )
