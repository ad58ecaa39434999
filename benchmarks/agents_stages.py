"""How often a policy reaches the target, stage by stage of the curriculum, on the tasks that judge a stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from myna.agents.heads import Live
from myna.agents.policy import EditingAgent
from myna.envs.action import ActionConfig
from myna.envs.core import Core, CoreConfig, EndConfig
from myna.envs.curriculum import Curriculum
from myna.evaluation.cells import Contender, weights_digest
from myna.files import make_folder, write_atomic
from myna.synth.renderer import Renderer
from myna.training.judging import play_out

__all__ = ["measure_stages"]


def measure_stages(contender: Contender, path: Path, limit: int | None = None) -> None:
    """Play each stage's held-out tasks, greedily, from the starts that the stage gives; write the figures as JSON.

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
        renderer, CoreConfig(ActionConfig(agent.card["mode"]), ends=EndConfig(patience=None)), curriculum.config.notes
    )

    @torch.no_grad()
    def greedy(observation: torch.Tensor, live: Live) -> Any:
        return agent.actor.best(agent.actor(observation, live))

    found = {}
    for stage in curriculum.stages:
        played = play_out(core, curriculum.held_out(stage.number)[:limit], greedy)
        found[f"stage_{stage.number}"] = {
            "name": stage.name,
            "success": round(float(played.reached.double().mean()), 4),
            "start": round(float(played.start.double().quantile(0.5)), 4),
            "best": round(float(played.best.double().quantile(0.5)), 4),
            "tasks": len(played.best),
        }
    return found
