"""The verb `play`: one episode of the environment, by a policy that needs no training, ready to be shown.

Shapes: S steps, P parameters, A entries of a flat action.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from myna.envs.core import Core
from myna.envs.curriculum import Curriculum
from myna.envs.oracle import oracle
from myna.envs.single import MynaEnv
from myna.envs.state import State
from myna.errors import UsageError
from myna.evaluation.report.episode import PlayedEpisode
from myna.params import ParameterTable
from myna.presets import Preset
from myna.seeding import generator
from myna.synth.renderer import Renderer

__all__ = ["POLICIES", "PlaySettings", "best_preset", "play_episode"]

Policy = Callable[[Core, State, np.random.Generator], torch.Tensor]
"""From a state of one environment to its flat action (1, A)."""


def _towards_target(core: Core, state: State, _: np.random.Generator) -> torch.Tensor:
    return core.decoder.to_flat(oracle(core.decoder, core.journey(state)))


def _anything(core: Core, state: State, rng: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(rng.uniform(-1.0, 1.0, (1, core.decoder.layout.size)).astype(np.float32))


def _nothing(core: Core, state: State, _: np.random.Generator) -> torch.Tensor:
    return core.decoder.to_flat(core.decoder.hold(state.raw_u))


POLICIES: dict[str, Policy] = {"oracle": _towards_target, "random": _anything, "noop": _nothing}
"""`oracle` knows the target's preset and goes there, `random` draws actions evenly, `noop` moves nothing."""


@dataclass(frozen=True)
class PlaySettings:
    """Which episode: stage of the curriculum, policy, action mode, and the seed that everything random hangs on."""

    stage: int = 1
    policy: str = "oracle"
    mode: str = "all"
    seed: int = 0


def play_episode(settings: PlaySettings, renderer: Renderer | None = None) -> PlayedEpisode:
    """Play one episode to its end and hear all of it.

    Args:
        settings: which.
        renderer: one to use again; else a new one.

    Raises:
        UsageError: no such stage, policy or mode.
    """
    if settings.policy not in POLICIES:
        raise UsageError(f"There is no policy '{settings.policy}': choose one of {', '.join(POLICIES)}.")
    curriculum = Curriculum.from_file(renderer=renderer, mode=settings.mode, keep_audio=True)
    env = MynaEnv(curriculum=curriculum, stage=settings.stage, mode=settings.mode, output="torch")
    policy, rng = POLICIES[settings.policy], generator(settings.seed, "play", settings.policy)
    _, info = env.reset(seed=settings.seed)
    infos, over = [info], False
    while not over:
        _, _, terminated, truncated, info = env.step(policy(env.core, env.state, rng)[0])
        infos.append(info)
        over = terminated or truncated
    return _told(settings, env, infos)


def _told(settings: PlaySettings, env: MynaEnv, infos: list[dict[str, Any]]) -> PlayedEpisode:
    """The episode of an environment that has reached its end, and the infos on the way."""
    state, renderer = env.state, env.core.renderer
    tasks, (u, losses) = state.tasks, state.history(0)
    assert tasks.target_audio is not None  # noqa: S101 - the curriculum was told to keep it
    return PlayedEpisode(
        stage=settings.stage,
        stage_name=env.curriculum.stages[settings.stage - 1].name,
        policy=settings.policy,
        mode=settings.mode,
        seed=settings.seed,
        horizon=int(tasks.horizon[0]),
        bound=float(tasks.bound[0]),
        open_count=int(tasks.open[0].sum()),
        probes=tasks.probes[0],
        outcome=_outcome(infos[-1]),
        success_loss=env.core.config.ends.success_loss,
        u=u.cpu().numpy(),
        target_u=tasks.target_u[0].cpu().numpy() if bool(tasks.known[0]) else None,
        losses=losses.tolist(),
        terms=[info["terms"] for info in infos],
        rewards=[info["reward_parts"] for info in infos[1:]],
        target_audio=_in_a_row(tasks.target_audio[0]),
        sounds=np.stack([_in_a_row(audio) for audio in renderer.render(u, tasks.probes[0])]),
        sample_rate=renderer.sample_rate,
    )


def _outcome(info: dict[str, Any]) -> str:
    flags = {"is_success": "reached", "broken": "broken", "stagnated": "stagnated"}
    return next((outcome for flag, outcome in flags.items() if info[flag]), "horizon")


def _in_a_row(audio: torch.Tensor) -> np.ndarray:
    """Probes (N, C, T) one after the other, (C, N T)."""
    return np.concatenate(list(audio.cpu().numpy()), -1)


def best_preset(episode: PlayedEpisode, table: ParameterTable) -> Preset:
    """The best preset of an episode."""
    best = episode.best_step
    return Preset.from_u(
        table,
        episode.u[best],
        name=f"Stage {episode.stage}, {episode.policy}, seed {episode.seed}",
        tags=("play", episode.policy),
        description=f"Step {best} of {episode.steps}; loss {episode.losses[best]:.3f}.",
    )
