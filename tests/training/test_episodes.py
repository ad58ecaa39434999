"""Batches of episodes: what is stored of them, the second goals, and going on in the middle of one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.envs.worlds import VOLUME, short

from myna.agents.heads import ActionHeads
from myna.agents.networks import torch_generator
from myna.envs.action import ActionConfig
from myna.envs.core import Core, CoreConfig, EndConfig
from myna.envs.curriculum import Curriculum
from myna.envs.reward import RewardConfig
from myna.features import one_core
from myna.synth.renderer import Renderer
from myna.training.episodes import EpisodeBatches, RandomGoals, ramped

COUNT, STEPS = 4, 4
REWARD = RewardConfig(lambda_=0.05, new_best_bonus=0.3)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


def batches(
    renderer: Renderer, seed: int = 0, stage: int = 1, success_loss: float = 0.0, reward: RewardConfig = REWARD
) -> EpisodeBatches:
    overrides = short(horizon={"all": STEPS, "module": STEPS})
    curriculum = Curriculum.from_file(overrides=overrides, renderer=renderer, stage=stage)
    ends = EndConfig(success_loss=success_loss, patience=None)
    core = Core(renderer, CoreConfig(ActionConfig(), reward, ends, keep_features=True))
    return EpisodeBatches(core, curriculum, COUNT, seed)


def actions(of: EpisodeBatches, seed: int = 0):
    """Draws of all heads, one after the other."""
    heads, rng = ActionHeads.of(of.core.decoder.layout), torch_generator(seed, "actions")
    while True:
        choice = [torch.randint(options, (COUNT,), generator=rng) for options in heads.options]
        delta = 2.0 * torch.rand(COUNT, heads.deltas, generator=rng) - 1.0
        yield {"delta": delta, "choice": torch.stack(choice, -1)}


def played(of: EpisodeBatches, seed: int = 0) -> list[torch.Tensor]:
    """Rewards of a whole batch, as the environment gives them."""
    of.begin(of.draw())
    rewards, drawn = [], actions(of, seed)
    while not of.over:
        rewards.append(of.play(next(drawn)).reward)
    return rewards


def test_rewards_of_the_goal_that_was_played_for_are_the_environments(renderer: Renderer) -> None:
    of = batches(renderer)
    with one_core():
        rewards = played(of)
        stored = of.finished(of.random_goals(), REWARD)
    assert torch.equal(stored.reward[:, 0], torch.stack(rewards, 1))
    assert stored.length.tolist() == [STEPS] * COUNT
    assert torch.equal(stored.truncated.nonzero()[:, 1], torch.full((COUNT,), STEPS - 1))
    assert not stored.terminated[:, 0].any()


def test_a_reward_of_one_term_is_that_of_both_goals_and_of_no_other_term(renderer: Renderer) -> None:
    reward = RewardConfig(scale=2.0, lambda_=0.0, success_bonus=0.0, term="mfcc")
    of = batches(renderer, reward=reward)
    with one_core():
        rewards = played(of)
        stored = of.finished(of.random_goals(), reward)
    assert torch.equal(stored.reward[:, 0], torch.stack(rewards, 1))
    column = of.core.layout.terms.index("mfcc")
    mfcc = stored.judged["terms"][..., column].double() / of.core.config.loss.weights["mfcc"]
    assert torch.allclose(stored.reward, 2.0 * (mfcc[..., :-1] - mfcc[..., 1:]), atol=1e-5)
    assert not torch.allclose(stored.reward, 2.0 * -stored.judged["loss"].double().diff(), atol=1e-3)


def test_the_second_goal_is_judged_as_if_it_had_been_the_target(renderer: Renderer) -> None:
    of = batches(renderer)
    with one_core():
        played(of)
        goals = of.random_goals()
        stored = of.finished(goals, REWARD)
        tasks = replace(of.states[0].tasks, target=goals.features, target_u=goals.u)
        state = of.core.reset(tasks)
        for step, action in enumerate(of.actions):
            done = of.core.step(state, action)
            state = done.state
            assert torch.equal(stored.judged["loss"][:, 1, step + 1], state.loss)
            assert torch.allclose(stored.reward[:, 1, step], done.reward)
    assert torch.equal(stored.goals["raw_u"][:, 1], goals.u)
    assert torch.equal(stored.goals["summary"][:, 1], state.target_summary)


def test_reaching_a_goal_terminates(renderer: Renderer) -> None:
    of = batches(renderer)
    with one_core():
        played(of)
        features = of.states[2].features
        assert features is not None
        goals = RandomGoals(of.states[2].raw_u, features, of.states[2].summary)
        stored = of.finished(goals, REWARD)
    assert stored.terminated[:, 1, 1].all() and torch.equal(stored.judged["loss"][:, 1, 2], torch.zeros(COUNT))


def test_an_episode_that_ends_early_waits_and_is_stored_as_long_as_it_was(renderer: Renderer) -> None:
    of = batches(renderer)
    of.begin(of.draw())
    threshold = float(of.state.loss.sort().values[1]) + 1e-6  # two of the starts are good enough
    of = batches(renderer, success_loss=threshold)
    with one_core():
        played(of)
        stored = of.finished(of.random_goals(), REWARD)
    assert stored.length.min() == 1 or stored.length.max() == STEPS
    for row, length in enumerate(stored.length.tolist()):
        ended = bool(stored.terminated[row, 0, length - 1]) or bool(stored.truncated[row, length - 1])
        assert ended and not stored.truncated[row, : length - 1].any()


def test_silent_goals_give_way_to_the_own_target(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    of = batches(renderer)
    played(of)
    loud = of.random_goals()
    draw = of._draws.targets

    def one_silent(stages, rngs):
        u = draw(stages, rngs)
        u[1, [renderer.table.index[f"{name}.on"] for name in ("osc_a", "osc_b", "sub", "noise")]] = 0.0
        u[1, VOLUME] = 0.0
        return u

    monkeypatch.setattr(of._draws, "targets", one_silent)
    goals, tasks = of.random_goals(), of.state.tasks
    assert torch.equal(goals.u[1], tasks.target_u[1])
    assert torch.equal(goals.features.mels[0][1], tasks.target.mels[0][1])
    assert torch.equal(goals.u[[0, 2, 3]], loud.u[[0, 2, 3]]) and not torch.equal(goals.u[0], tasks.target_u[0])


def test_goals_lie_in_the_open_modules_and_differ_from_batch_to_batch(renderer: Renderer) -> None:
    of = batches(renderer, stage=2)
    played(of)
    first = of.random_goals()
    defaults = torch.from_numpy(renderer.table.encode(renderer.table.defaults)).expand_as(first.u)
    closed = ~of.state.tasks.open
    assert torch.allclose(first.u[closed], defaults[closed])
    tasks = of.state.tasks
    played(of)
    assert not torch.equal(of.random_goals().u, first.u)
    assert not torch.equal(of.state.tasks.target_u, tasks.target_u)


@pytest.mark.parametrize("made", [0, 2, STEPS])
def test_a_batch_goes_on_where_it_was_to_the_bit(made: int, renderer: Renderer) -> None:
    one, drawn = batches(renderer), actions(batches(renderer))
    played(one)  # so that it is not the first
    one.curriculum.update(one.outcomes())
    one.begin(one.draw())
    for _ in range(made):
        one.play(next(drawn))
    other = batches(renderer)
    one.curriculum.progress.episodes += 1_000  # as an evaluation in the middle may change it
    other.curriculum.load_state_dict(one.curriculum.state_dict())
    other.load_state_dict(one.state_dict())
    assert (other.number, len(other.states)) == (one.number, made + 1)
    assert torch.equal(other.state.summary, one.state.summary) and torch.equal(other.state.raw_u, one.state.raw_u)
    assert other.curriculum.state_dict() == one.curriculum.state_dict()
    if not one.over:
        action = next(drawn)
        assert torch.equal(one.play(action).reward, other.play(action).reward)


def test_before_the_first_batch_there_is_nothing_to_go_on_with(renderer: Renderer) -> None:
    one, other = batches(renderer), batches(renderer)
    other.load_state_dict(one.state_dict())
    assert other.over and other.number == 0


def test_the_price_of_effort_rises_to_its_value() -> None:
    assert [ramped(REWARD, steps, 100).lambda_ for steps in (0, 50, 100, 900)] == pytest.approx([0, 0.025, 0.05, 0.05])
    assert ramped(REWARD, 0, 0) == REWARD
