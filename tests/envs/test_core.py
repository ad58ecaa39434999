"""The core plays episodes as it says: pure, batched, with honest books, and every task can be solved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
import torch
from tests.envs.worlds import STAGES, VOLUME, Breaking, short

from myna.envs.action import ActionConfig
from myna.envs.core import Core, CoreConfig, EndConfig, Transition
from myna.envs.curriculum import Curriculum
from myna.envs.oracle import oracle
from myna.envs.reward import RewardConfig
from myna.envs.state import State
from myna.envs.task import TaskBatch
from myna.errors import UsageError
from myna.features import TRAINING, analyse
from myna.loss import BROKEN, TRAINING_LOSS, PerceptualLoss, flutter
from myna.seeding import generator
from myna.synth.renderer import Renderer

ENDLESS = EndConfig(success_loss=0.0, patience=None)
each_stage = pytest.mark.parametrize("number", range(1, 7), ids=[stage.name for stage in STAGES])


@pytest.fixture(scope="module")
def draw(renderer: Renderer) -> Callable[..., TaskBatch]:
    def tasks(count: int, stage: int = 6, mode: str = "all", overrides: dict | None = None) -> TaskBatch:
        curriculum = Curriculum.from_file(overrides=overrides or short(), renderer=renderer, mode=mode)
        return curriculum.sample(count, generator(0, "core", stage), stage)

    return tasks


def play(core: Core, state: State, steps: int, seed: int = 0) -> list[Transition]:
    """Random actions."""
    random = generator(seed, "play")
    done: list[Transition] = []
    for _ in range(steps):
        action = random.uniform(-1.0, 1.0, (len(state), core.decoder.layout.size)).astype(np.float32)
        done.append(core.step(state, action))
        state = done[-1].state
    return done


def hold(core: Core, state: State) -> torch.Tensor:
    return torch.zeros(len(state), core.decoder.layout.size)


# What a step does


def test_a_step_renders_and_compares_once_for_all(renderer: Renderer, draw) -> None:
    calls = []

    class Counting(Renderer):
        def render(self, u, probes, seeds=None, reuse=False):
            calls.append(len(u))
            return super().render(u, probes, seeds)

    core = Core(Counting(threads=1))
    state = core.reset(draw(5))
    core.step(state, hold(core, state))
    assert calls == [5, 5]


def test_what_the_loss_derives_of_a_target_is_derived_once_per_episode(renderer: Renderer, draw, monkeypatch) -> None:
    derived = []
    roughness = flutter.roughness
    monkeypatch.setattr(flutter, "roughness", lambda *a: derived.append(len(a[0])) or roughness(*a))
    core = Core(renderer, CoreConfig(ends=ENDLESS))
    state = core.reset(draw(4))
    assert derived == [4, 4]  # the targets and the starts
    state = state.put(torch.tensor([2, 0]), core.reset(draw(6)[[4, 5]]))
    after = play(core, state, 1)[0].state
    assert derived == [4, 4, 2, 2, 4]
    again = core.reset(state.tasks)
    assert torch.equal(play(core, again, 1)[0].state.loss, after.loss)


def test_a_step_leaves_the_state_before_as_it_was(renderer: Renderer, draw) -> None:
    core = Core(renderer)
    state = core.reset(draw(4))
    kept = {field.name: getattr(state, field.name) for field in fields(State)}
    copies = {name: value.clone() for name, value in kept.items() if isinstance(value, torch.Tensor)}
    trail = [u.clone() for u in state.trail_u]
    play(core, state, 3)
    assert all(getattr(state, name) is value for name, value in kept.items())
    assert all(torch.equal(kept[name], copy) for name, copy in copies.items())
    assert all(map(torch.equal, state.trail_u, trail))


def test_the_graph_behind_an_action_does_not_live_on(renderer: Renderer, draw) -> None:
    core = Core(renderer)
    state = core.reset(draw(2))
    done = core.step(state, (0.1 * torch.ones(2, 523, requires_grad=True)))
    assert not done.reward.requires_grad
    assert not any(getattr(done.state, name).requires_grad for name in ("u", "raw_u", "moved", "best_u"))


def test_the_same_state_and_action_give_the_same_step(renderer: Renderer, draw) -> None:
    core = Core(renderer)
    state = core.reset(draw(4))
    one, other = play(core, state, 2)[-1], play(core, state, 2)[-1]
    assert torch.equal(one.reward, other.reward)
    assert torch.equal(core.observe(one.state), core.observe(other.state))


def test_the_loss_is_that_of_the_presets_sounds_averaged_over_the_notes(renderer: Renderer, draw) -> None:
    tasks = draw(3, overrides=short((48, 60, 72)))
    core = Core(renderer, probes=3)
    state = play(core, core.reset(tasks), 1)[0].state
    audio = renderer.render(state.u, tasks.probes)
    loss = PerceptualLoss(TRAINING_LOSS)(analyse(audio, renderer.sample_rate, TRAINING), tasks.target)
    assert torch.allclose(state.loss, loss.total.mean(1), atol=1e-6)
    assert torch.allclose(sum(state.terms.values(), torch.zeros(3)), state.loss, atol=1e-5)


def test_an_environment_beside_others_has_the_same_bits_as_alone(renderer: Renderer, draw) -> None:
    tasks, core = draw(6), Core(renderer, CoreConfig(ends=ENDLESS))
    random = generator(0, "beside").uniform(-1.0, 1.0, (3, 6, 523)).astype(np.float32)
    together, alone = core.reset(tasks), core.reset(tasks[4])
    for action in random:
        together, alone = core.step(together, action).state, core.step(alone, action[4:5]).state
        assert torch.equal(together.loss[4:5], alone.loss)
        assert torch.equal(core.observe(together)[4:5], core.observe(alone))


def test_threads_change_no_bit(draw) -> None:
    tasks = draw(6)
    cores = [Core(Renderer(threads=threads), CoreConfig(ends=ENDLESS)) for threads in (1, 2)]
    one, two = (play(core, core.reset(tasks), 3) for core in cores)
    assert all(torch.equal(a.reward, b.reward) for a, b in zip(one, two, strict=True))
    assert torch.equal(cores[0].observe(one[-1].state), cores[1].observe(two[-1].state))


@pytest.mark.parametrize("mode", ["all", "module"])
@pytest.mark.parametrize("number", [1, 2, 5])
def test_what_is_closed_stays_untouched_in_1000_random_steps(renderer: Renderer, draw, mode: str, number: int) -> None:
    core = Core(renderer, CoreConfig(ActionConfig(mode), ends=ENDLESS))
    tasks = draw(50, number, overrides=short(horizon={"all": 20, "module": 20}))
    done = play(core, core.reset(tasks), 20)
    closed = ~tasks.open
    assert closed.any()
    for transition in done:
        assert torch.equal(transition.state.u[closed], tasks.start_u[closed])
        assert torch.equal(transition.state.raw_u[closed], tasks.start_u[closed])
        assert not transition.state.moved[closed].any()
    assert (done[-1].state.u != tasks.start_u)[tasks.open].float().mean() > 0.5


# Books


def test_the_best_preset_is_the_first_of_the_lowest_loss(renderer: Renderer, draw) -> None:
    core = Core(renderer, CoreConfig(ends=ENDLESS))
    state = play(core, core.reset(draw(6)), 9)[-1].state
    for row in range(6):
        u, loss = state.history(row)
        first = int(loss.argmin())
        assert u.shape == (10, 145)
        assert (state.best_loss[row], state.best_step[row]) == (loss[first], first)
        assert torch.equal(state.best_u[row], u[first])
    assert 0 < int(state.best_step.max())


def test_no_more_of_the_trail_is_kept_than_an_episode_can_need(renderer: Renderer, draw) -> None:
    core = Core(renderer, CoreConfig(ends=ENDLESS))
    state = core.reset(draw(2, overrides=short(horizon={"all": 4, "module": 4})))
    for _ in range(12):
        state = core.step(state, hold(core, state)).state
        if bool(state.ended[0]):
            state = state.put(torch.tensor([0]), core.reset(state.tasks[0]))
    assert len(state.trail_u) == 5


def test_rows_are_replaced_and_the_others_go_on(renderer: Renderer, draw) -> None:
    core, tasks = Core(renderer, CoreConfig(ends=ENDLESS)), draw(4)
    state = play(core, core.reset(tasks), 3)[-1].state
    fresh = core.reset(draw(6)[[4, 5]])
    mixed = state.put(torch.tensor([2, 0]), fresh)
    assert mixed.step.tolist() == [0, 3, 0, 3]
    assert mixed.tasks.names[2] == fresh.tasks.names[0]
    assert torch.equal(mixed.u[[2, 0]], fresh.u) and torch.equal(mixed.u[[1, 3]], state.u[[1, 3]])
    assert torch.equal(mixed.summary[2], fresh.summary[0])
    assert torch.equal(mixed.target_summary[0], fresh.target_summary[1])
    assert torch.equal(mixed.history(2)[0], fresh.u[:1]) and torch.equal(mixed.history(1)[0], state.history(1)[0])


# Ends


def test_reaching_the_target_is_success_and_pays(renderer: Renderer, draw) -> None:
    core = Core(renderer, CoreConfig(reward=RewardConfig(success_bonus=2.5)))
    state, done = core.reset(draw(8)), None
    while not state.ended.all():
        done = core.step(state, oracle(core.decoder, core.journey(state)))
        new = done.terminated & ~state.terminated
        assert torch.equal(done.info["is_success"], new)
        assert torch.equal(done.info["reward_parts"]["success"], 2.5 * new)
        state = done.state
    assert state.terminated.all() and not state.truncated.any()
    assert (state.loss <= core.config.ends.success_loss).all()


def test_without_a_new_best_for_long_it_is_cut_off(renderer: Renderer, draw) -> None:
    core = Core(renderer, CoreConfig(ends=EndConfig(0.0, patience=0.25)))
    state = core.reset(draw(3))  # a horizon of 16
    ends = []
    for _ in range(4):
        done = core.step(state, hold(core, state))
        state = done.state
        ends.append((bool(done.truncated.all()), bool(done.info["stagnated"].all())))
    assert ends == [(False, False)] * 3 + [(True, True)]


def test_at_the_horizon_it_is_cut_off_which_is_no_stagnation(renderer: Renderer, draw) -> None:
    core = Core(renderer, CoreConfig(ends=ENDLESS))
    done = play(core, core.reset(draw(3)), 16)
    assert [bool(d.truncated.any()) for d in done] == [False] * 15 + [True]
    assert done[-1].truncated.all() and not done[-1].terminated.any() and not done[-1].info["stagnated"].any()


def test_success_at_the_horizon_is_an_end_and_no_cut(renderer: Renderer, draw) -> None:
    tasks = draw(2, 1, overrides=short(horizon={"all": 1, "module": 1}, bound=1.0))
    core = Core(renderer)
    state = core.reset(tasks)
    done = core.step(state, oracle(core.decoder, core.journey(state)))
    assert done.terminated.tolist() == [True, True] and done.truncated.tolist() == [False, False]


def test_an_episode_that_has_ended_waits_and_is_not_rendered(draw) -> None:
    rendered = []

    class Counting(Renderer):
        def render(self, u, probes, seeds=None, reuse=False):
            rendered.append(len(u))
            return super().render(u, probes, seeds)

    core = Core(Counting(threads=1), CoreConfig(ends=ENDLESS))
    near, far = (draw(2, overrides=short(horizon={"all": h, "module": h})) for h in (2, 5))
    state = core.reset(TaskBatch.cat([near, far]))
    done = play(core, state, 6)
    assert rendered == [4, 4, 4, 2, 2, 2]
    ended, later = done[1].state, done[5].state
    assert torch.equal(later.u[:2], ended.u[:2]) and torch.equal(later.loss[:2], ended.loss[:2])
    assert not done[3].reward[:2].any() and done[3].reward[2:].all()
    assert torch.equal(later.history(0)[0], ended.history(0)[0])
    assert later.step.tolist() == [2, 2, 5, 5]


def test_a_broken_sound_costs_the_penalty_and_no_more_and_is_never_the_best(draw) -> None:
    core = Core(Breaking(threads=1), CoreConfig(reward=RewardConfig(lambda_=0.0), ends=ENDLESS))
    state = core.reset(draw(3, 1))
    before = state.best_loss.clone()
    louder = hold(core, state)
    louder[1, core.decoder.layout.labels.index("delta: master.volume_db")] = 1.0
    while not state.ended.any():
        done = core.step(state, louder)
        state = done.state
    assert done.info["broken"].tolist() == done.terminated.tolist() == [False, True, False]
    assert state.u[1, VOLUME] > 0.5
    assert done.reward[1] == -5.0
    assert state.loss[1] == BROKEN and state.best_loss[1] <= before[1]
    assert torch.isfinite(core.observe(state)).all()


def test_a_start_that_is_broken_is_worth_nothing_to_leave(renderer: Renderer, draw) -> None:
    core = Core(Breaking(threads=1), CoreConfig(reward=RewardConfig(lambda_=0.0), ends=ENDLESS))
    tasks = draw(1, 1)
    tasks.start_u[:, VOLUME] = 0.55
    state = core.reset(tasks)
    assert state.broken.all() and state.loss == BROKEN
    quieter = hold(core, state)
    quieter[:, core.decoder.layout.labels.index("delta: master.volume_db")] = -1.0
    done = core.step(state, quieter)
    assert not done.state.broken.any() and done.reward.item() == 0.0


# Taking back what made it worse


def test_a_step_that_made_it_worse_is_taken_back_where_that_is_asked_for(renderer: Renderer, draw) -> None:
    tasks = draw(12)
    free, undoing = (Core(renderer, CoreConfig(ends=ENDLESS, undo_worse=undo)) for undo in (False, True))
    start = undoing.reset(tasks)
    tried, kept = (play(core, core.reset(tasks), 1)[0] for core in (free, undoing))
    worse = tried.state.loss > start.loss
    assert 0 < int(worse.sum()) < 12
    for name in ("raw_u", "u", "summary", "loss"):
        was, would, became = (getattr(state, name) for state in (start, tried.state, kept.state))
        assert torch.equal(became[worse], was[worse]) and torch.equal(became[~worse], would[~worse])
    assert all(torch.equal(kept.state.terms[name][worse], term[worse]) for name, term in start.terms.items())
    improved = kept.info["reward_parts"]["improvement"]
    assert (improved[worse] == 0.0).all() and (improved[~worse] > 0.0).all()
    # What was tried is still told: to the agent what it moved, to people what that did.
    assert torch.equal(kept.state.moved, tried.state.moved)
    assert torch.equal(kept.state.trail_loss[1], tried.state.loss)


def test_an_episode_that_takes_back_never_leaves_its_best_preset(renderer: Renderer, draw) -> None:
    core = Core(renderer, CoreConfig(ends=ENDLESS, undo_worse=True, keep_features=True))
    state = play(core, core.reset(draw(6)), 6)[-1].state
    assert torch.equal(state.loss, state.best_loss) and torch.equal(state.u, state.best_u)
    assert state.features is not None
    again = PerceptualLoss(TRAINING_LOSS)(state.features[:, 0], state.goal.map(lambda tensor: tensor[:, 0]))
    assert torch.equal(again.total, state.loss)


# Solvable


def solved(renderer: Renderer, number: int, mode: str, count: int, overrides: dict | None) -> float:
    """Share of tasks in which the oracle reaches success within the horizon."""
    curriculum = Curriculum.from_file(overrides=overrides, renderer=renderer, mode=mode)
    core = Core(renderer, CoreConfig(ActionConfig(mode)), curriculum.config.notes)
    state = core.reset(curriculum.sample(count, generator(1, "oracle", number), number))
    while not state.ended.all():
        state = core.step(state, oracle(core.decoder, core.journey(state))).state
    return float((state.terminated & ~state.broken).float().mean())


@each_stage
@pytest.mark.parametrize(("mode", "count"), [("all", 100), ("module", 40)])
def test_the_oracle_solves_the_tasks(renderer: Renderer, number: int, mode: str, count: int) -> None:
    assert solved(renderer, number, mode, count, short()) >= 0.95


def test_an_oracle_that_is_too_slow_does_not(renderer: Renderer) -> None:
    assert solved(renderer, 6, "all", 40, short(bound=0.02)) < 0.5


@pytest.mark.soak
@each_stage
@pytest.mark.parametrize("mode", ["all", "module"])
def test_the_oracle_solves_500_tasks_of_every_stage_as_they_are_posed(number: int, mode: str) -> None:
    assert solved(Renderer(), number, mode, 500, None) >= 0.95


# Mistakes


def test_tasks_with_other_notes_are_told(renderer: Renderer, draw) -> None:
    with pytest.raises(UsageError, match="The tasks have 2 probes; this core plays 1"):
        Core(renderer).reset(draw(1, overrides=short((48, 60))))


def test_targets_of_another_length_are_told(renderer: Renderer, draw) -> None:
    tasks, longer = draw(1), draw(1, overrides=short(total_s=0.3))
    mixed = TaskBatch(**{f.name: getattr(tasks, f.name) for f in fields(tasks)} | {"probes": longer.probes})
    with pytest.raises(UsageError, match="equal length"):
        Core(renderer).reset(mixed)
