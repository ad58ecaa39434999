"""The world of a training: probes, recordings, starts and stages as its configuration says."""

from __future__ import annotations

import csv
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from myna.agents.networks import torch_generator
from myna.agents.regression import READS, RegressionConfig, RegressionNet, load_regression
from myna.agents.weights import fits, save_weights
from myna.errors import MynaError, UsageError
from myna.seeding import generator
from myna.synth.serum_lite.parameters import TABLE
from myna.training.config import build
from myna.training.worlds import ProbeConfig, World, WorldConfig, make_world

RECORDINGS = Path(__file__).parents[2] / "recordings" / "train"
SHORT: dict[str, Any] = {"total_s": 0.15, "defaults": {"held_out": 3}}
PROBES: dict[str, Any] = {"count": 3, "gates_s": [0.1]}


def world(**settings: Any) -> World:
    given = {"probes": PROBES, "curriculum": SHORT, **settings}
    return make_world(build(WorldConfig, given, ""), "cpu", seed=0, threads=1)


@pytest.fixture
def weights(tmp_path: Path) -> str:
    """An untrained regression's."""
    config = RegressionConfig(hidden=8, layers=1)
    net = RegressionNet(TABLE, config, torch_generator(0, "net"))
    card = {**fits("regression", TABLE, READS), "networks": asdict(config)}
    save_weights(tmp_path / "regression", net.state_dict(), card)
    return str(tmp_path / "regression")


def test_probes_are_drawn_from_spans_and_lists_by_their_own_seed() -> None:
    config = ProbeConfig(
        count=200, notes=[40, 50], velocities={"low": 60, "high": 90}, gates_s={"low": 0.2, "high": 0.3}
    )
    sets = config.sets()
    assert {one["notes"][0] for one in sets} == {40.0, 50.0}
    velocities = [one["velocity"] for one in sets]
    assert min(velocities) >= 60 and max(velocities) <= 90 and all(v == round(v) for v in velocities)
    gates_s = np.array([one["gate_s"] for one in sets])
    assert gates_s.min() >= 0.2 and gates_s.max() <= 0.3 and len(np.unique(gates_s)) > 150
    assert config.sets() == sets != ProbeConfig(count=200, seed=1).sets()


@pytest.mark.parametrize("span", [[], {"low": 3}, {"low": 3, "high": 2}, "loud", ["a"], [True]])
def test_a_span_that_is_none_is_told_in_a_sentence(span: Any) -> None:
    with pytest.raises(UsageError, match=r"probes\.notes must be a list of numbers, or a table"):
        ProbeConfig(count=2, notes=span).sets()


def test_every_stage_plays_the_probes_and_keeps_what_is_laid_over_it() -> None:
    made = world(curriculum={**SHORT, "stages": {"filter": {"bound": 0.07}}})
    assert [len(stage.probe_sets) for stage in made.curriculum.stages] == [3] * 6
    assert [stage.bound for stage in made.curriculum.stages[:3]] == [0.2, 0.07, 0.2]


def test_a_table_of_stages_that_is_none_is_told_in_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"curriculum\.stages must be a table"):
        world(curriculum={"stages": 3})


@pytest.fixture
def few(tmp_path: Path) -> str:
    """A folder with one recording of each of eleven instruments."""
    with (RECORDINGS / "index.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    first = {row["instrument"]: row for row in reversed(rows)}
    picked = sorted(first.values(), key=lambda row: int(row["gm_program"]))[:11]
    with (tmp_path / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(picked)
    for row in picked:
        shutil.copy(RECORDINGS / row["file"], tmp_path / row["file"])
    return str(tmp_path)


def test_recordings_are_among_the_targets_and_others_are_kept_to_judge_by(few: str) -> None:
    made = world(stage=6, recordings={"folder": few, "share": 0.5, "variants": 4})
    tasks = made.curriculum.sample(40, generator(0, "sample"), stage=6)
    assert 8 <= int((~tasks.known).sum()) <= 32
    assert made.recordings is not None and len(made.recordings) == 1 and not made.recordings.known.any()
    heard = {name.split(",")[0] for name, known in zip(tasks.names, tasks.known, strict=True) if not known}
    assert heard.isdisjoint(made.recordings.names)


def test_a_folder_without_recordings_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MynaError, match=r"index\.csv"):
        world(recordings={"folder": str(tmp_path)})


def test_retrieved_starts_are_what_the_regression_guesses(weights: str) -> None:
    starts = {"default": 0.0, "near": 0.0, "retrieved": 1.0}
    over = {"total_s": 0.15, "defaults": {"held_out": 3, "starts": starts}}
    made = world(stage=6, regression=weights, curriculum=over)
    tasks = made.curriculum.held_out(6)
    for row in range(len(tasks)):
        guess = made.guess(tasks.target[row : row + 1, 0], tasks.probes[row][0], 8)
        assert guess.shape == (1, len(TABLE))
        assert np.allclose(
            tasks.start_u[row].numpy(), made.curriculum._sampler._draws.inside(guess, [made.curriculum.stages[5]])
        )


def test_the_guess_hears_what_the_environment_shows(weights: str) -> None:
    made = world(stage=6, regression=weights)
    tasks = made.curriculum.held_out(6)
    state = made.core.reset(tasks)
    net, _ = load_regression(TABLE, weights)
    with torch.no_grad():
        wanted = net.likeliest(net(state.target_summary[:, 0], state.played[:, 0]))
    found = [made.guess(tasks.target[row : row + 1, 0], tasks.probes[row][0], 1)[0] for row in range(len(tasks))]
    assert np.allclose(wanted.numpy(), np.stack(found), atol=1e-5)


def test_honest_starts_do_not_hang_on_the_preset_behind_the_target(weights: str) -> None:
    for regression in ("", weights):
        made = world(stage=2, regression=regression)
        tasks = made.curriculum.held_out(2)
        honest = made.honest(tasks)
        other = made.honest(made.honest(tasks))
        assert torch.equal(honest.start_u, other.start_u)
        closed = ~tasks.open
        assert torch.equal(honest.start_u[closed], tasks.target_u[closed])
        defaults = torch.from_numpy(TABLE.encode(TABLE.defaults)).expand_as(honest.start_u)
        assert torch.allclose(honest.start_u, defaults) == (regression == "")
        made.core.reset(honest)
