"""Configurations of trainings: what is shipped can be read, and a mistake is told in one sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from myna.errors import UsageError
from myna.training.config import FOLDER, build, load_config
from myna.training.sac import SACTraining

SHIPPED = sorted(path.stem for path in FOLDER.glob("*.toml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_configuration_can_be_read(name: str) -> None:
    config = load_config(name)
    assert config.run.steps >= 1
    if config.kind == "sac":
        assert config.settings(SACTraining).envs >= 1


def test_the_three_that_are_promised_are_shipped() -> None:
    assert {"smoke", "laptop", "gpu"} <= set(SHIPPED)


def test_a_file_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('kind = "cloning"\nseed = 3\n[run]\nsteps = 7\n')
    config = load_config(path)
    assert (config.kind, config.seed, config.run.steps) == ("cloning", 3, 7)


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ("run.steps=1000", lambda config: config.run.steps == 1000),
        ("device=cuda", lambda config: config.device == "cuda"),
        ("sac.init = out/cloning", lambda config: config.sac["init"] == "out/cloning"),
        ("sac.learner.networks.hidden=[8, 4]", lambda config: config.sac["learner"]["networks"]["hidden"] == [8, 4]),
        ("run.minutes=0.5", lambda config: config.run.minutes == 0.5),
        ("sac.world.promote=false", lambda config: config.sac["world"]["promote"] is False),
    ],
)
def test_an_override_is_read_as_toml_or_as_a_word(override: str, found) -> None:
    assert found(load_config("smoke", [override]))


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("run.stepz=1", "did you mean 'steps'?"),
        ("kind=sarsa", "kind must be one of sac, regression, cloning"),
        ("run.steps=0", "steps must be 1 or more"),
        ("run.steps=1.5", "run.steps must be whole"),
        ("run.minutes=-1", "minutes must be 0"),
        ("seed=-1", "seed must be 0 or more"),
        ("device=tpu", "device must be cpu or cuda"),
        ("run=3", "run must be a table"),
        ("sac.known=2020-01-01", "sac.known must be no date or time"),
        ("sac.world.curriculum.total_s=[07:32:00]", "sac.world.curriculum.total_s must be no date or time"),
        ("run.steps.more=3", "which is no table"),
        ("run.steps", "An override is key=value"),
        ("=3", "An override is key=value"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(override: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        load_config("smoke", [override])
    assert told in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("sac.envs=0", "envs must be 1 or more"),
        ("sac.learner.critic=odd", "squared, two-hot or hl-gauss"),
        ("sac.learner.networks.hidden=[]", "hidden must be one width or more"),
        ("sac.learner.value_range=[1]", "must be a list of 2"),
        ("sac.world.reward.lambda_=-1", "lambda_ must be a number of 0 or more"),
        ("sac.world.promote=3", "must be true or false"),
        ("sac.world.wrld=3", "There is no setting 'sac.world.wrld'"),
    ],
)
def test_a_mistake_in_a_learners_own_settings_names_the_place(override: str, told: str) -> None:
    config = load_config("smoke", [override])
    with pytest.raises(UsageError) as error:
        config.settings(SACTraining)
    assert told in str(error.value) and "sac" in str(error.value)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("run.media=5", "media must be 0 (none) to 4; got 5"),
        ("run.trackers=['tensorbord']", "trackers must be of tensorboard, wandb; got 'tensorbord'"),
        ("run.trackers=wandb", "run.trackers must be a list"),
        ("run.wandb.mode=disabled", "mode must be online or offline; got 'disabled'"),
        ("run.wandb.projekt=birds", "did you mean 'project'?"),
    ],
)
def test_a_mistake_in_what_is_tracked_is_told_in_one_sentence(override: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        load_config("smoke", [override])
    assert told in str(error.value) and "\n" not in str(error.value)


def test_trackers_are_tensorboard_alone_unless_others_are_named() -> None:
    assert load_config("smoke").run.trackers == ("tensorboard",)
    both = load_config("smoke", ['run.trackers=["tensorboard", "wandb"]', "run.wandb.mode=offline"]).run
    assert both.trackers == ("tensorboard", "wandb") and both.wandb.mode == "offline"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("kind =", "is not TOML"),
        ('kind = "sac"\n', "'run' is missing"),
        ("[run]\nsteps = 3\n", "'kind' is missing"),
        ("#" * (1 << 20) + "\n", "larger than 1 MiB"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(content)
    with pytest.raises(UsageError) as error:
        load_config(path)
    assert told in str(error.value)


def test_a_name_that_is_none_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"name a TOML file or one of .*smoke"):
        load_config("smokey")


def test_types_are_checked_and_nested_tables_become_dataclasses() -> None:
    @dataclass(frozen=True)
    class Inner:
        word: str = "a"

    @dataclass(frozen=True)
    class Outer:
        inner: Inner = field(default_factory=Inner)
        number: float | None = None
        pair: tuple[int, str] = (1, "b")

    globals().update(Inner=Inner)
    built = build(Outer, {"inner": {"word": "c"}, "number": 2, "pair": [3, "d"]}, "")
    assert built == Outer(Inner("c"), 2.0, (3, "d")) and isinstance(built.number, float)
    with pytest.raises(UsageError, match=r"inner\.word must be text"):
        build(Outer, {"inner": {"word": 3}}, "")
