"""`MynaEnv` is what Gymnasium and its users expect of an environment."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import re
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import RecordEpisodeStatistics
from tests.envs.worlds import STAGES, Breaking, same, short

from myna.envs import ENV_ID
from myna.envs.curriculum import Curriculum
from myna.envs.page import observation_rows, page
from myna.envs.single import MynaEnv
from myna.errors import UsageError
from myna.seeding import generator
from myna.synth.renderer import Renderer

each_stage = pytest.mark.parametrize("number", range(1, 7), ids=[stage.name for stage in STAGES])


@pytest.fixture(scope="module")
def make() -> Callable[..., MynaEnv]:
    renderer = Renderer(threads=1)

    def build(overrides: dict | None = None, **settings) -> MynaEnv:
        return MynaEnv(overrides=overrides or short(), **({"renderer": renderer} | settings))

    return build


@each_stage
@pytest.mark.parametrize("mode", ["all", "module"])
@pytest.mark.parametrize("form", ["flat", "dict"])
def test_gymnasium_finds_nothing_to_warn_of(number: int, mode: str, form: str) -> None:
    env = gymnasium.make(
        ENV_ID, stage=number, mode=mode, action_form=form, observation_form=form, overrides=short(), threads=1
    )
    # A render needs no stage; once is enough.
    check_env(env.unwrapped, skip_render_check=number > 1)


def test_gymnasium_finds_nothing_to_warn_of_in_the_ablation_either() -> None:
    check_env(gymnasium.make(ENV_ID, stage=6, absolute=True, overrides=short((48, 60)), threads=1).unwrapped)


# Episodes


def test_the_same_seed_gives_the_same_episode_and_another_one_another(make) -> None:
    one, other = make(), make()
    first = one.reset(seed=5)
    action = generator(0, "action").uniform(-1, 1, one.action_space.shape).astype(np.float32)
    assert same(first, other.reset(seed=5))
    assert same(one.step(action), other.step(action))
    assert not same(first[0], one.reset(seed=6)[0])


def test_without_a_seed_the_episodes_of_the_last_one_go_on(make) -> None:
    one, other = make(), make()
    one.reset(seed=5)
    other.reset(seed=5)
    second = one.reset()
    assert same(second, other.reset())
    assert not same(second[0], one.reset()[0])
    assert same(one.reset(seed=5)[0], other.reset(seed=5)[0])


def test_two_environments_that_were_never_seeded_differ(make) -> None:
    assert not same(make().reset()[0], make().reset()[0])


def test_the_global_generators_are_left_alone(make) -> None:
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002 - the one that nobody may touch
    env = make()
    env.reset(seed=1)
    env.step(np.zeros(env.action_space.shape, np.float32))
    env.reset()
    assert np.array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())


def test_a_given_task_is_played(make) -> None:
    env = make()
    task = env.curriculum.sample(1, generator(0, "given"), 2)
    env.reset(options={"tasks": task})
    assert env.state.tasks.names == task.names
    assert torch.equal(env.state.u, task.start_u)


def test_the_horizon_can_be_cut(make) -> None:
    env = make(max_episode_steps=2, ends={"success_loss": 0.0, "patience": None})
    env.reset(seed=0)
    hold = np.zeros(env.action_space.shape, np.float32)
    assert env.step(hold)[2:4] == (False, False)
    assert env.step(hold)[2:4] == (False, True)


def test_an_episode_that_is_over_must_be_reset(make) -> None:
    env = make(max_episode_steps=1)
    env.reset(seed=0)
    env.step(np.zeros(env.action_space.shape, np.float32))
    with pytest.raises(UsageError, match="The episode is over: call reset"):
        env.step(np.zeros(env.action_space.shape, np.float32))


def test_before_the_first_reset_there_is_no_step(make) -> None:
    env = make()
    with pytest.raises(UsageError, match=r"call reset\(\) first"):
        env.step(np.zeros(env.action_space.shape, np.float32))


def test_info_holds_the_best_preset_and_every_part_of_the_reward(make) -> None:
    env = make()
    env.reset(seed=0)
    _, reward, _, _, info = env.step(env.action_space.sample())
    assert info["best_u"].shape == (145,)
    assert info["best_loss"] <= info["loss"]
    assert sum(info["reward_parts"].values()) == pytest.approx(reward, abs=1e-12)
    assert sum(info["terms"].values()) == pytest.approx(info["loss"], abs=1e-5)


def test_a_broken_sound_ends_the_episode_with_a_penalty_and_is_logged(make, caplog) -> None:
    env = make(renderer=Breaking(threads=1))
    task = make().curriculum.sample(1, generator(0, "quiet"), 1)
    env.reset(options={"tasks": task})
    louder = np.zeros(env.action_space.shape, np.float32)
    louder[env.core.decoder.layout.labels.index("delta: master.volume_db")] = 1.0
    with caplog.at_level(logging.WARNING, "myna.envs"):
        steps = [env.step(louder)]
        while not steps[-1][2]:
            steps.append(env.step(louder))
    observation, reward, _, truncated, info = steps[-1]
    assert (info["broken"], truncated) == (True, False)
    assert info["reward_parts"]["improvement"] == 0.0
    assert reward == pytest.approx(-5.0, abs=0.01)
    assert observation in env.observation_space
    assert "the render holds NaN or infinity after step" in caplog.text
    assert "'master.volume_db'" in caplog.text


def test_recordings_can_be_played(make) -> None:
    from myna.audio.target import Target

    audio = 0.25 * np.sin(np.arange(6615) * 0.05).astype(np.float32)
    target = Target(np.stack([audio, audio]), 44_100, "hum", 57.0, 90, 0.1, 0.15, 0.0, True)
    overrides = short(recordings=1.0)
    curriculum = Curriculum.from_file(overrides=overrides, renderer=Renderer(threads=1), recordings=[target])
    env = MynaEnv(curriculum=curriculum)
    env.reset(seed=0)
    assert env.state.tasks.names[0].startswith("hum")
    assert env.step(env.action_space.sample())[0] in env.observation_space


# Wrappers, renders and words


def test_gymnasiums_wrappers_work(make) -> None:
    env = RecordEpisodeStatistics(gymnasium.wrappers.TimeLimit(make(ends={"success_loss": 0.0, "patience": None}), 3))
    env.reset(seed=0)
    hold = np.zeros(env.action_space.shape, np.float32)
    for _ in range(3):
        *_, truncated, info = env.step(hold)
    assert truncated
    assert info["episode"]["l"] == 3


def test_a_dict_action_moves_what_it_says(make) -> None:
    env = make(action_form="dict", observation_form="dict", mode="module")
    env.reset(seed=0)
    action = env.action_space.sample()
    modules = env.core.renderer.table.modules
    action["module"], action["delta"][:] = modules.index("filter"), 1.0
    before = env.state.u.clone()
    observation, *_ = env.step(action)
    moved = env.core.renderer.table.mask(["filter"])
    assert (env.state.u != before)[0].numpy()[moved].any()
    assert not (env.state.u != before)[0].numpy()[~moved].any()
    assert observation["target_mel"].shape == (1, 12, 32)


def test_torch_comes_out_on_request(make) -> None:
    env = make(output="torch")
    observation, info = env.reset(seed=0)
    assert isinstance(observation, torch.Tensor) and observation.dtype == torch.float32
    assert isinstance(info["best_u"], torch.Tensor)
    plain = make()
    assert np.array_equal(observation.numpy(), plain.reset(seed=0)[0])
    action = torch.full(env.action_space.shape, 0.5)
    assert np.array_equal(env.step(action)[0].numpy(), plain.step(action.numpy())[0])


def test_edits_are_told_in_words_and_as_a_picture(make) -> None:
    env = make(render_mode="ansi", stage=1)
    env.reset(seed=0)
    assert env.render().endswith("nothing moved yet")
    up = np.zeros(env.action_space.shape, np.float32)
    up[env.core.decoder.layout.labels.index("delta: master.volume_db")] = -1.0
    env.step(up)
    assert [edit.parameter for edit in env.edits()] == ["master.volume_db"]
    assert "lowered master.volume_db by" in env.render()
    picture = make(render_mode="rgb_array")
    picture.reset(seed=0)
    assert picture.render().dtype == np.uint8 and picture.render().ndim == 3
    assert make().render() is None


# Bad arguments


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"stage": 7}, "There is no stage 7: choose from 1 to 6, or None"),
        ({"mode": "some"}, "The action mode must be one of all, module"),
        ({"output": "jax"}, "output must be one of numpy, torch"),
        ({"action_form": "tree"}, "action_form must be one of flat, dict"),
        ({"observation_form": "tree"}, "observation_form must be one of flat, dict"),
        ({"render_mode": "human"}, "render_mode must be one of ansi, rgb_array"),
        ({"max_episode_steps": 0}, "max_episode_steps must be 1 or more"),
        ({"reward": {"scale": -1.0}}, "The reward's scale must be a number of 0 or more"),
        ({"reward": {"speed": 1.0}}, "RewardConfig does not take that"),
        ({"ends": {"patience": 0.0}}, "patience must be a share of the horizon above 0"),
        ({"ends": {"success_loss": float("nan")}}, "success_loss must be a number of 0 or more"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(make, settings: dict, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)) as error:
        make(**settings)
    assert "\n" not in str(error.value)


def test_a_curriculum_brings_its_own_stages_and_renderer(make) -> None:
    with pytest.raises(UsageError, match="leave out overrides and renderer"):
        make(curriculum=make().curriculum)


@pytest.mark.parametrize(
    ("action", "told"),
    [(np.full(523, np.nan, np.float32), "must be finite"), (np.zeros(3, np.float32), "must have the shape")],
)
def test_an_action_that_is_none_is_told_and_changes_nothing(make, action: np.ndarray, told: str) -> None:
    env = make()
    env.reset(seed=0)
    before = env.state
    with pytest.raises(UsageError, match=told):
        env.step(action)
    assert env.state is before


def test_seeds_are_not_negative(make) -> None:
    with pytest.raises(UsageError, match="A seed is 0 or more"):
        make().reset(seed=-1)


# The page


def test_the_page_is_up_to_date() -> None:
    written = Path(__file__).parents[2] / "docs" / "environment.md"
    assert written.read_text(encoding="utf-8") == page(), "run: python -m myna.envs.page docs/environment.md"


def test_the_page_tells_the_observation_as_it_is() -> None:
    lines = inspect.cleandoc(MynaEnv.__doc__ or "").splitlines()
    rows = observation_rows()
    first = lines.index(rows[0])
    assert lines[first : first + len(rows)] == rows
    assert lines[first + len(rows)] == ""


def test_the_page_tells_the_spaces_and_figures_as_they_are(make) -> None:
    text = page()
    for mode in ("all", "module"):
        env = make(mode=mode)
        assert f"({env.action_space.shape[0]},)" in text
        assert f"{env.observation_space.shape[0]:,}" in text
    assert f"({env.core.config.ends.success_loss:g}, `python" in text
    assert f"bound ({STAGES[5].bound:g})" in text


def test_the_example_of_the_page_runs() -> None:
    code = re.search(r"```python\n(.*?)```", page(), re.DOTALL).group(1)
    spoken = io.StringIO()
    with contextlib.redirect_stdout(spoken):
        exec(compile(code, "docs/environment.md", "exec"), {})
    assert re.match(r"from \d\.\d\d to \d\.\d\d at best", spoken.getvalue())
