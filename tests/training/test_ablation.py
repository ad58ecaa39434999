"""Ablations differ from the base in what they say, train at one budget, and end as rows of one table."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

import myna.training.ablation
import myna.training.run
from myna.envs.stages import load_stages
from myna.errors import MynaError, UsageError
from myna.synth.serum_lite.parameters import TABLE
from myna.training.ablation import BASE, Table, ablations, load_ablation, needed, train
from myna.training.sac import SACTraining

DIFFERS = {
    "conv_encoder": {"init", "learner.networks.encoder"},
    "discount_099": {"learner.discount"},
    "module_actions": {"init", "world.mode"},
    "no_cloning_floor": {"learner.clone_floor"},
    "no_curriculum": {"world.stage", "world.promote"},
    "no_delta_actions": {"init", "world.absolute"},
    "no_relabelling": {"relabelled"},
    "no_warm_start": {"init"},
    "only_envelope": {"world.reward.term"},
    "only_log_mel": {"world.reward.term"},
    "only_mfcc": {"world.reward.term"},
    "only_transport": {"world.reward.term"},
}


def flat(table: dict, here: str = "") -> dict:
    parts = [flat(v, f"{here}{k}.") if isinstance(v, dict) else {f"{here}{k}": v} for k, v in table.items()]
    return {key: value for part in parts for key, value in part.items()}


def settings(name: str) -> dict:
    return flat(asdict(load_ablation(name).config.settings(SACTraining)))


def test_each_differs_from_the_base_in_what_it_is_named_for() -> None:
    base = settings(BASE)
    assert {name: {k for k, v in settings(name).items() if v != base[k]} for name in ablations()[1:]} == DIFFERS


def test_the_curriculum_of_the_base_can_be_read_and_all_episodes_are_equally_long() -> None:
    world = load_ablation(BASE).config.settings(SACTraining).world
    stages = load_stages(TABLE, overrides=world.curriculum).stages
    assert {tuple(stage.horizon.items()) for stage in stages} == {(("all", 16), ("module", 16))}
    assert [stage.promotion["after"] for stage in stages[:-1]] == [1] * 5


def test_all_have_the_budget_and_seed_that_are_asked_for() -> None:
    one = load_ablation("no_curriculum", seed=4, steps=99)
    assert (one.config.seed, one.config.run.steps, one.config.run.minutes, one.budget) == (4, 99, 0.0, "99 steps")
    other = load_ablation("no_curriculum", minutes=2.5)
    assert other.config.run.minutes == 2.5 and other.config.run.steps > 10**8 and other.budget == "2.5 minutes"
    with pytest.raises(UsageError, match="give one of them"):
        load_ablation(BASE, steps=1, minutes=1.0)
    with pytest.raises(UsageError, match="There is no ablation"):
        load_ablation("../base")


def test_what_an_ablation_is_measured_by_comes_before_it_once() -> None:
    assert needed(["module_actions", "no_delta_actions"]) == [
        BASE,
        "no_warm_start",
        "module_actions",
        "no_delta_actions",
    ]
    assert needed([BASE, BASE]) == [BASE]


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(myna.training.run.MAKERS, "sac", "tests.training.counting:make")


def made(name: str, table: Table, steps: int = 20, stop=lambda: False, **more) -> bool:
    return train(load_ablation(name, steps=steps, **more), table, lambda status: None, stop)


def test_a_training_becomes_a_row_and_its_checkpoints_go(counting, tmp_path: Path) -> None:
    assert made(BASE, Table(tmp_path)) and made("no_curriculum", Table(tmp_path))
    base, other = Table(tmp_path).rows.values()
    assert (base["name"], base["steps"], base["against"], other["against"]) == (BASE, 20, None, BASE)
    assert Table(tmp_path).compared(other)["ratio"] == other["score"] / base["score"]
    assert Table(tmp_path).compared(base)["ratio"] is None
    assert (tmp_path / "ablations.md").read_text().splitlines()[3].startswith("| no_curriculum | 20 steps | 0 | 20 |")
    assert not [*tmp_path.glob("*/checkpoints")] and len([*tmp_path.glob("*/run.json")]) == 2


def test_one_that_was_stopped_goes_on(counting, tmp_path: Path) -> None:
    calls = iter(range(99))
    assert not made(BASE, Table(tmp_path), stop=lambda: next(calls) == 7) and not Table(tmp_path).rows
    assert made(BASE, Table(tmp_path)) and made(BASE, Table(tmp_path / "whole"))
    (torn,), (whole,) = Table(tmp_path).rows.values(), Table(tmp_path / "whole").rows.values()
    assert torn["score"] == whole["score"] and torn["key"] == whole["key"]


def test_the_key_hangs_on_configuration_and_code(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {load_ablation(BASE).key, load_ablation(BASE, seed=1).key, load_ablation(BASE, steps=3).key}
    keys.add(load_ablation("no_curriculum").key)
    monkeypatch.setattr(myna.training.ablation, "commit", lambda: ("0" * 40, False))
    assert len({*keys, load_ablation(BASE).key}) == 5


def test_rows_of_other_code_are_not_compared(counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(BASE, Table(tmp_path))
    monkeypatch.setattr(myna.training.ablation, "commit", lambda: ("0" * 40, False))
    made("no_curriculum", Table(tmp_path))
    assert Table(tmp_path).compared([*Table(tmp_path).rows.values()][1])["ratio"] is None


@pytest.mark.parametrize("line", ["no", "[]", "{}", '{"key": "a", "name": "b", "score": null}', "[" * 99_999])
def test_a_table_that_is_none_is_told(line: str, tmp_path: Path) -> None:
    (tmp_path / "ablations.jsonl").write_text(line + "\n")
    with pytest.raises(MynaError, match="is no table of ablations"):
        Table(tmp_path)


def test_rows_stay_whole_lines_of_json(counting, tmp_path: Path) -> None:
    made(BASE, Table(tmp_path))
    (line,) = (tmp_path / "ablations.jsonl").read_text().splitlines()
    assert {"name", "about", "budget", "seed", "score", "best", "best_at_step", "myna", "commit", "key"} <= json.loads(
        line
    ).keys()
