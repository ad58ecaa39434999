"""The replay and SAC on the environment itself: observations made again, rewards of other goals, both action modes."""

from __future__ import annotations

import pytest
import torch
from tests.envs.worlds import short

from myna.agents.heads import ActionHeads
from myna.agents.networks import NetworkConfig, torch_generator
from myna.agents.replay import Episodes, Replay, ReplayConfig, judged_by
from myna.agents.rows import RowView, layout_of
from myna.agents.sac import SAC, SACConfig
from myna.envs.action import ActionConfig
from myna.envs.core import Core, CoreConfig, EndConfig
from myna.envs.curriculum import Curriculum
from myna.envs.reward import RewardConfig
from myna.envs.state import State
from myna.features import one_core
from myna.loss import TRAINING_LOSS, PerceptualLoss
from myna.seeding import generator
from myna.synth.renderer import Renderer

COUNT, STEPS = 3, 3
REWARD = RewardConfig(lambda_=0.0, success_bonus=0.0)


@pytest.mark.parametrize("mode", ["all", "module"])
def test_what_was_played_can_be_learned_from_as_it_was_and_with_other_goals(mode: str, renderer: Renderer) -> None:
    ends = EndConfig(success_loss=0.0, patience=None)
    core = Core(renderer, CoreConfig(ActionConfig(mode), REWARD, ends, keep_features=True))
    tasks = Curriculum.from_file(overrides=short(), renderer=renderer, mode=mode).sample(COUNT, generator(0, "play"), 1)
    sac = learner(core)
    with one_core():
        states, actions, rewards = play(core, sac, core.reset(tasks))
        said = judged_by(
            [state.features for state in states], [tasks.target, states[-1].features], losses(core), rewarded
        )
    # The goal that was played for pays what the environment paid; the last sound is a goal that was reached.
    assert torch.equal(said["reward"][:, 0], torch.stack(rewards, 1))
    assert torch.equal(said["judged"]["loss"][:, 1, -1], torch.zeros(COUNT))
    assert said["terminated"][:, 1, -1].all()

    stored = episodes(states, actions, tasks, said)
    played, relabelled = (replay(core, share) for share in (0.0, 1.0))
    for store in (played, relabelled):
        store.add(stored)
    seen = torch.cat([core.observe(state) for state in states[:-1]])
    again = played.sample(100).now.observation
    assert torch.cdist(again, seen, p=torch.inf).min(-1).values.max() < 0.02  # of half precision
    batch = relabelled.sample(100)
    assert torch.isin(batch.reward, said["reward"][:, 1].float()).all()
    told = [sac.update(batch) for _ in range(2)][-1]
    assert all(torch.isfinite(value) for value in told.values())
    assert told["cloning_loss"] > 0.0


def learner(core: Core) -> SAC:
    config = SACConfig(NetworkConfig((32, 32), "conv"))
    return SAC(config, layout_of(core.layout), ActionHeads.of(core.decoder.layout, choice_rate=0.3), seed=0)


def play(core: Core, sac: SAC, state: State):
    states, actions, rewards = [state], [], []
    for _ in range(STEPS):
        live = RowView(core.layout, core.decoder).live(state.tasks.open)
        actions.append(sac.act(core.observe(state), live))
        state, reward, *_ = core.step(state, actions[-1])
        states.append(state)
        rewards.append(reward)
    return states, actions, rewards


def losses(core: Core):
    """The environment's loss, of features (B, 1)."""
    loss = PerceptualLoss(TRAINING_LOSS)

    def judge(features, goal):
        said = loss(features.reshape(COUNT), goal.reshape(COUNT))
        parts = {**said.terms, **said.penalties}
        return {"loss": said.total, "terms": torch.stack([parts[name] for name in core.layout.terms], -1)}

    return judge


def rewarded(before, after):
    return REWARD.scale * (before["loss"].double() - after["loss"].double()), after["loss"] == 0.0


def replay(core: Core, relabelled: float) -> Replay:
    view = RowView(core.layout, core.decoder)
    fields = (view.state, view.action, view.judged)
    return Replay(ReplayConfig(50, 2, relabelled), *fields, view, torch_generator(0, "replay"))


def episodes(states: list[State], actions, tasks, said) -> Episodes:
    kept = {
        name: torch.stack([getattr(s, name) for s in states], 1)
        for name in ("raw_u", "summary", "played", "moved", "step")
    }
    kept |= {name: torch.stack([getattr(tasks, name)] * len(states), 1) for name in ("open", "bound", "horizon")}
    goals = {
        "summary": torch.stack([states[0].target_summary, states[-1].summary], 1),
        "raw_u": torch.stack([tasks.target_u, states[-1].raw_u], 1),
    }
    ends = torch.zeros(COUNT, STEPS, dtype=torch.bool)
    ends[:, -1] = True
    done = {name: torch.stack([action[name] for action in actions], 1) for name in actions[0]}
    return Episodes(
        torch.full((COUNT,), STEPS), kept, done, goals, said["judged"], said["reward"], said["terminated"], ends
    )
