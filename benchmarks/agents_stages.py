"""How often a policy reaches the target, stage by stage of the curriculum, on the tasks that judge a stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from myna.agents.foresight import most_promising
from myna.agents.heads import Live
from myna.agents.networks import torch_generator
from myna.agents.policy import EditingAgent
from myna.envs.action import ActionConfig
from myna.envs.core import Core, CoreConfig, EndConfig
from myna.envs.curriculum import Curriculum
from myna.evaluation.cells import Contender, weights_digest
from myna.files import make_folder, write_atomic
from myna.synth.renderer import Renderer
from myna.training.judging import play_out
from myna.training.worlds import guesses, honest

__all__ = ["measure_stages"]


def measure_stages(contender: Contender, path: Path, limit: int | None = None) -> None:
    """Play each stage's held-out tasks; write the figures as JSON.

    From where the policy learned to begin: the regression's guess in what the stage opens, or else the default preset.
    A policy that takes back what made it worse plays draws, always the same, and takes back (with foresight the most
    promising of several); others play greedily.

    Nothing is done where the file tells of these weights already.
    """
    renderer = Renderer()
    agent = Contender(contender.label, contender.agent, {**contender.settings, "start": "default"}).make(renderer)
    assert isinstance(agent, EditingAgent)
    about = {"label": contender.label, "weights": weights_digest(agent), "tasks": limit}
    if path.exists() and {key: json.loads(path.read_text()).get(key) for key in about} == about:
        return
    make_folder(path.parent)
    write_atomic(path, json.dumps({**about, **_figures(agent, renderer, limit)}, indent=1) + "\n")


def _figures(agent: EditingAgent, renderer: Renderer, limit: int | None) -> dict[str, Any]:
    curriculum = Curriculum.from_file(renderer=renderer, mode=agent.card["mode"])
    core = Core(
        renderer,
        CoreConfig(ActionConfig(agent.card["mode"]), ends=EndConfig(patience=None), undo_worse=agent.undo),
        curriculum.config.notes,
    )
    rng = torch_generator(0, "benchmark", "stages")

    @torch.no_grad()
    def act(observation: torch.Tensor, live: Live) -> Any:
        if not agent.undo:
            return agent.actor.best(agent.actor(observation, live))
        if agent.foresight is None:
            return agent.actor.draw(
                agent.actor(observation, live), agent.actor.noise(len(observation), rng), live
            ).heads
        count = agent.draws * len(observation)
        noise, uniform = agent.actor.noise(count, rng), torch.rand((count, agent.foresight.numbers), generator=rng)
        return most_promising(agent.actor, agent.foresight, observation, live, noise, uniform)

    # What a policy learned to begin with was the package's regression, whatever path the card names.
    guess = None if agent.card.get("start", "default") == "default" else guesses("regression", renderer)
    found = {}
    for stage in curriculum.stages:
        tasks = curriculum.held_out(stage.number)[:limit]
        played = play_out(core, honest(tasks, core, guess), act)
        found[f"stage_{stage.number}"] = {
            "name": stage.name,
            "success": round(float(played.reached.double().mean()), 4),
            "start": round(float(played.start.double().quantile(0.5)), 4),
            "best": round(float(played.best.double().quantile(0.5)), 4),
            "tasks": len(played.best),
        }
    return found
