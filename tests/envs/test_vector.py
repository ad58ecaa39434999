"""`MynaVectorEnv` is B single environments side by side, and Gymnasium's wrappers can count on it."""

from __future__ import annotations

import re
from collections.abc import Callable

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from tests.envs.vector_checker import check_vector_env
from tests.envs.worlds import Breaking, same, short

from myna.envs import ENV_ID
from myna.envs.callbacks import Callback
from myna.envs.curriculum import Outcomes
from myna.envs.single import MynaEnv
from myna.envs.vector import MynaVectorEnv
from myna.errors import UsageError
from myna.seeding import generator
from myna.synth.renderer import Renderer

MODES = [mode.name for mode in AutoresetMode]
FLEETING = {"max_episode_steps": 3, "ends": {"patience": None}}


@pytest.fixture(scope="module")
def make(renderer: Renderer) -> Callable[..., MynaVectorEnv]:
    def build(count: int = 4, overrides: dict | None = None, **settings) -> MynaVectorEnv:
        return MynaVectorEnv(count, overrides=overrides or short(), **({"renderer": renderer} | settings))

    return build


def actions_of(envs: MynaVectorEnv, steps: int, seed: int = 0) -> np.ndarray:
    return generator(seed, "actions").uniform(-1, 1, (steps, *envs.action_space.shape)).astype(np.float32)


@pytest.mark.parametrize("autoreset", MODES)
@pytest.mark.parametrize("form", ["flat", "dict"])
@pytest.mark.parametrize("mode", ["all", "module"])
def test_the_checker_finds_nothing(make, autoreset: str, form: str, mode: str) -> None:
    settings = {"mode": mode, "action_form": form, "observation_form": form, **FLEETING}
    check_vector_env(make(autoreset_mode=autoreset, **settings), steps=5)


def test_the_checker_does_find_buffers_that_are_reused(make) -> None:
    class Reusing(MynaVectorEnv):
        def step(self, actions):
            observations, *rest = super().step(actions)
            self.kept = observations if not hasattr(self, "kept") else self.kept
            self.kept[:] = observations
            return (self.kept, *rest)

    envs = Reusing(2, overrides=short(), renderer=Renderer(threads=1), **FLEETING)
    with pytest.raises(AssertionError, match="observations share memory"):
        check_vector_env(envs, steps=5)


# Equal to single environments


@pytest.mark.parametrize("autoreset", MODES)
@pytest.mark.parametrize("mode", ["all", "module"])
@pytest.mark.parametrize("notes", [(60,), (48, 72)])
def test_each_environment_equals_a_single_one_step_for_step_and_bit_for_bit(
    make, renderer: Renderer, autoreset: str, mode: str, notes: tuple[int, ...]
) -> None:
    settings = {"mode": mode, "overrides": short(notes), "max_episode_steps": 4}
    envs = make(5, autoreset_mode=autoreset, **settings)
    observations, info = envs.reset(seed=11)
    singles = [MynaEnv(renderer=renderer, **settings) for _ in range(5)]
    for i, single in enumerate(singles):
        assert same(single.reset(seed=envs.seeds[i]), (observations[i], row_of(info, i)))
    over = [False] * 5
    for actions in actions_of(envs, 9):
        observations, rewards, terminated, truncated, info = envs.step(actions)
        for i, single in enumerate(singles):
            if over[i] and autoreset == "DISABLED":
                continue  # it waits, see below
            if over[i] and autoreset == "NEXT_STEP":
                assert same(single.reset(), (observations[i], row_of(info, i)))
                assert (rewards[i], terminated[i], truncated[i]) == (0.0, False, False)
                over[i] = False
                continue
            own = single.step(actions[i])
            over[i] = own[2] or own[3]
            assert own[1:4] == (rewards[i], terminated[i], truncated[i])
            if over[i] and autoreset == "SAME_STEP":
                assert same((own[0], own[4]), (info["final_obs"][i], row_of(info["final_info"], i)))
                assert same(single.reset(), (observations[i], row_of(info, i)))
            else:
                assert same((own[0], own[4]), (observations[i], row_of(info, i)))


def row_of(info: dict, row: int) -> dict:
    """What one environment is told, as a single one tells it."""
    told = {}
    for key, value in info.items():
        if key.startswith("_") or key in ("final_obs", "final_info") or not info[f"_{key}"][row]:
            continue
        told[key] = row_of(value, row) if isinstance(value, dict) else value[row]
    return told


def test_gymnasiums_own_vector_of_single_ones_gives_the_same(make) -> None:
    overrides, seeds = short(horizon={"all": 3, "module": 3}), list(range(20, 23))
    own = make(3, overrides, autoreset_mode="NEXT_STEP")
    theirs = gymnasium.make_vec(ENV_ID, 3, vectorization_mode="sync", overrides=overrides, threads=1)
    assert same(own.reset(seed=seeds)[0], theirs.reset(seed=seeds)[0])
    for actions in actions_of(own, 6):
        assert same(own.step(actions)[:4], theirs.step(actions)[:4])
    theirs.close()


def test_an_environment_does_not_notice_how_many_stand_beside_it(make) -> None:
    few, many = make(2), make(9)
    many.reset(seed=0)
    few.reset(seed=[many.seeds[7], many.seeds[3]])
    for actions in actions_of(many, 4):
        big, small = many.step(actions), few.step(actions[[7, 3]])
        assert same(big[0][[7, 3]], small[0])
        assert same(big[1][[7, 3]], small[1])


# Seeds


def test_other_environments_and_other_seeds_have_other_targets(make) -> None:
    envs = make(6)
    envs.reset(seed=0)
    targets = [tuple(u.tolist()) for u in envs.state.tasks.target_u]
    envs.reset(seed=1)
    targets += [tuple(u.tolist()) for u in envs.state.tasks.target_u]
    assert len(set(targets)) == 12


def test_without_a_seed_the_episodes_go_on(make) -> None:
    one, other = make(3), make(3)
    one.reset(seed=4)
    other.reset(seed=4)
    again = one.reset()
    assert same(again, other.reset())
    assert not same(again[0], one.reset()[0])


def test_environments_that_were_never_seeded_differ(make) -> None:
    one = make(2).reset()[0]
    assert not same(one, make(2).reset()[0])
    assert not same(one[0], one[1])


def test_a_seed_of_none_in_a_list_goes_on_with_that_environments_episodes(make) -> None:
    one, other = make(2), make(2)
    one.reset(seed=4)
    other.reset(seed=4)
    mixed, _ = one.reset(seed=[None, 9])
    assert same(mixed[0], other.reset()[0][0])


# Ends


def test_a_waiting_episode_stays_as_it_is_until_it_is_reset(make) -> None:
    envs = make(3, autoreset_mode="DISABLED", **FLEETING)
    envs.reset(seed=0)
    actions = actions_of(envs, 6)
    for action in actions[:3]:
        observations, _, terminated, truncated, _ = envs.step(action)
    over = terminated | truncated
    assert over.all()
    edits = envs.edits(0)
    later = envs.step(actions[3])
    assert same(later[0], observations) and not later[1].any()
    assert same(later[2:4], (terminated, truncated))
    assert envs.edits(0) == edits
    mask = np.array([True, False, False])
    envs.reset(options={"reset_mask": mask})
    moved = envs.step(actions[4])
    assert moved[1][0] != 0.0 and not moved[1][1:].any()
    assert same(moved[0][1:], observations[1:])


def test_the_observation_of_the_last_step_serves_those_that_go_on_too(make) -> None:
    envs = make(8, overrides=short(horizon={"all": 5, "module": 5}), ends={"patience": 0.6}, autoreset_mode="SAME_STEP")
    envs.reset(seed=0)
    mixed = 0
    for actions in actions_of(envs, 12):
        observations, _, terminated, truncated, info = envs.step(actions)
        over = terminated | truncated
        if over.any() and not over.all():
            mixed += 1
            assert same(info["final_obs"][~over], observations[~over])
            assert not same(info["final_obs"][over], observations[over])
    assert mixed


def test_draws_for_all_that_ended_are_made_in_one_go(make) -> None:
    envs = make(6, **FLEETING)
    calls = []
    sample = envs.curriculum.sample_each
    envs.curriculum.sample_each = lambda generators, stage=None: (
        calls.append(len(generators)) or sample(generators, stage)
    )
    envs.reset(seed=0)
    for actions in actions_of(envs, 6):
        envs.step(actions)
    assert calls == [6, 6, 6]


# Gymnasium's tools


@pytest.mark.parametrize("autoreset", MODES)
def test_episode_statistics_can_be_recorded(autoreset: str) -> None:
    envs = gymnasium.make_vec(ENV_ID, 3, overrides=short(), threads=1, autoreset_mode=autoreset, **FLEETING)
    envs = RecordEpisodeStatistics(envs)
    envs.reset(seed=0)
    returns = np.zeros(3)
    for actions in actions_of(envs.unwrapped, 3):
        *_, rewards, terminated, truncated, info = envs.step(actions)[:5]
        returns += rewards
    assert (terminated | truncated).all()
    assert info["episode"]["l"].tolist() == [3, 3, 3]
    assert info["episode"]["r"] == pytest.approx(returns)
    if autoreset == "DISABLED":
        envs.reset(options={"reset_mask": np.array([True, False, False])})
        assert envs.step(actions)[1][1:].tolist() == [0.0, 0.0]


def test_make_vec_makes_the_batched_one_and_passes_the_cut(make) -> None:
    envs = gymnasium.make_vec(ENV_ID, 2, overrides=short(), threads=1, max_episode_steps=7)
    assert isinstance(envs, MynaVectorEnv)
    envs.reset(seed=0)
    assert envs.state.tasks.horizon.tolist() == [7, 7]
    assert envs.spec.id == ENV_ID


def test_frames_come_one_per_environment(make) -> None:
    envs = make(3, render_mode="ansi")
    envs.reset(seed=0)
    assert [frame.endswith("nothing moved yet") for frame in envs.render()] == [True] * 3
    assert make(1).render() is None


def test_torch_comes_out_on_request(make) -> None:
    envs, plain = make(3, output="torch"), make(3)
    one, other = envs.reset(seed=0), plain.reset(seed=0)
    assert isinstance(one[0], torch.Tensor)
    assert same(one, other)
    for actions in actions_of(plain, 3):
        tensors, arrays = envs.step(torch.from_numpy(actions)), plain.step(actions)
        assert all(isinstance(part, torch.Tensor) for part in tensors[:4])
        assert same(tensors[:4], arrays[:4])


def test_what_came_out_can_be_overwritten(make) -> None:
    envs, plain = make(2, **FLEETING), make(2, **FLEETING)
    spoil(envs.reset(seed=0))
    plain.reset(seed=0)
    for actions in actions_of(plain, 5):
        spoilt, kept = envs.step(actions), plain.step(actions)
        assert same(spoilt, kept)
        spoil(spoilt)


def spoil(values) -> None:
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, np.ndarray):
            value[...] = 0
        else:
            spoil(value)


# Callbacks and the curriculum


class Heard(Callback):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.steps, self.episodes, self.stages, self.closed = [], [], [], 0

    def on_step(self, step, state, info) -> None:
        self.steps.append((step, float(state.loss.mean()), sorted(info["reward_parts"])))

    def on_episode_end(self, step, episodes) -> None:
        self.episodes += episodes

    def on_curriculum(self, step, state) -> None:
        self.stages.append(state["episodes"])

    def close(self) -> None:
        self.closed += 1


def test_callbacks_hear_of_steps_episodes_and_the_curriculum(make) -> None:
    heard = Heard()
    envs = make(3, callbacks=heard, stage=None, **FLEETING)
    envs.reset(seed=0)
    losses = [envs.step(actions)[4].get("final_info", {}).get("best_loss") for actions in actions_of(envs, 3)]
    assert [step for step, *_ in heard.steps] == [3, 6, 9]
    assert heard.steps[0][2] == ["broken", "effort", "improvement", "new_best", "success"]
    assert [(e.env, e.steps, e.stage) for e in heard.episodes] == [(0, 3, 1), (1, 3, 1), (2, 3, 1)]
    assert [e.best_loss for e in heard.episodes] == losses[-1].tolist()
    assert all(e.first_loss >= e.best_loss for e in heard.episodes)
    assert heard.stages == [3] and envs.curriculum.progress.episodes == 3
    envs.close()
    envs.close()
    assert heard.closed == 1


def test_an_episode_gives_its_sounds_and_edits_when_asked(make, renderer: Renderer) -> None:
    heard = Heard()
    envs = make(2, callbacks=[heard], **FLEETING)
    envs.reset(seed=0)
    first = envs.state
    for actions in actions_of(envs, 4):
        envs.step(actions)
    episode = heard.episodes[1]
    sounds = episode.sounds()
    target = renderer.render(first.tasks.target_u[1:2], first.tasks.probes[1])[0, 0].numpy()
    assert np.array_equal(sounds.target, target)
    assert np.array_equal(sounds.start, renderer.render(first.u[1:2], first.tasks.probes[1])[0, 0].numpy())
    assert sounds.best.shape == target.shape
    assert episode.sounds() is sounds
    assert len(episode.edits()) == 3 and "loss" in episode.edits()[0]


def test_the_sounds_of_several_notes_come_one_after_the_other(make) -> None:
    heard = Heard()
    envs = make(1, overrides=short((48, 60)), callbacks=heard, max_episode_steps=1)
    envs.reset(seed=0)
    envs.step(actions_of(envs, 1)[0])
    assert heard.episodes[0].sounds().best.shape == (2, 2 * 6615)


def test_with_a_fixed_stage_the_curriculum_learns_nothing(make) -> None:
    envs = make(2, stage=1, **FLEETING)
    envs.reset(seed=0)
    for actions in actions_of(envs, 3):
        envs.step(actions)
    assert envs.curriculum.progress.episodes == 0


def test_held_out_outcomes_reach_curriculum_and_callbacks(make) -> None:
    heard = Heard()
    envs = make(2, callbacks=heard, stage=None)
    for _ in range(3):
        envs.update_curriculum(Outcomes([1, 1], [0.1, 0.1], held_out=True))
    assert envs.curriculum.stage == 2 and len(heard.stages) == 3


def test_one_broken_sound_ends_one_episode_alone(make) -> None:
    envs = make(2, renderer=Breaking(threads=1), stage=1, autoreset_mode="DISABLED", ends={"patience": None})
    tasks = make(1).curriculum.sample(2, generator(0, "quiet"), 1)
    envs.reset(options={"tasks": tasks})
    louder = np.zeros(envs.action_space.shape, np.float32)
    louder[0, envs.core.decoder.layout.labels.index("delta: master.volume_db")] = 1.0
    broken = np.zeros(2, bool)
    while not broken.any():
        _, rewards, terminated, _, info = envs.step(louder)
        broken = info["broken"]
    assert broken.tolist() == terminated.tolist() == [True, False]
    assert rewards[0] == pytest.approx(-5.0, abs=0.01) and abs(rewards[1]) < 1.0
    later = envs.step(louder)
    assert later[1][0] == 0.0 and later[2].tolist() == [True, False]


# Bad arguments


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"count": 0}, "num_envs must be 1 or more"),
        ({"autoreset_mode": "later"}, "The autoreset mode must be one of NEXT_STEP, SAME_STEP, DISABLED"),
        ({"render_mode": "human"}, "render_mode must be one of ansi, rgb_array"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(make, settings: dict, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        make(**settings)


@pytest.mark.parametrize(
    "mask",
    [np.zeros(2, bool), np.ones(3, bool), np.ones(2, int), [True, False, True]],
    ids=["none", "long", "int", "list"],
)
def test_a_mask_that_is_none_is_told(make, mask) -> None:
    envs = make(2)
    envs.reset(seed=0)
    with pytest.raises(UsageError, match="reset_mask must be 2 booleans"):
        envs.reset(options={"reset_mask": mask})


def test_the_first_reset_is_of_all(make) -> None:
    with pytest.raises(UsageError, match="The first reset must be of all"):
        make(2).reset(options={"reset_mask": np.array([True, False])})


def test_before_the_first_reset_there_is_no_step(make) -> None:
    with pytest.raises(UsageError, match=r"call reset\(\) first"):
        make(1).step(np.zeros((1, 523), np.float32))


@pytest.mark.parametrize(
    ("seed", "told"), [([1], "need as many seeds"), (-1, "A seed is 0 or more"), ([1, -2], "A seed is 0 or more")]
)
def test_seeds_that_do_not_fit_are_told(make, seed, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        make(2).reset(seed=seed)


def test_tasks_that_do_not_fit_are_told(make) -> None:
    envs = make(2)
    with pytest.raises(UsageError, match="2 environments need as many tasks; got 3"):
        envs.reset(options={"tasks": envs.curriculum.sample(3, generator(0, "many"), 1)})
    two_notes = make(1, overrides=short((48, 60))).curriculum.sample(2, generator(0, "notes"), 1)
    with pytest.raises(UsageError, match="The tasks have 2 probes; this core plays 1"):
        envs.reset(options={"tasks": two_notes})
