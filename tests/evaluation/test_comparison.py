"""Comparisons: rows that depend on their cell and target alone, that survive kills, and that are paired rightly."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from myna.agents import Agent, Goal, Objective, Search
from myna.errors import UsageError
from myna.evaluation import cells, comparison
from myna.evaluation.cells import Cell, Contender, best_losses, paired_losses, read, settings_of, weights_digest
from myna.evaluation.comparison import run, yardstick
from myna.evaluation.suites import load_recordings
from myna.evaluation.suites.sets import PresetSet, RecordingSet, TargetSet
from myna.presets.generator import audible
from myna.synth.renderer import Renderer

TINY = PresetSet("tiny", 4)
REAL = RecordingSet("rec", load_recordings())
RANDOM = Contender("random", "random")
TABLE = Path(__file__).parents[2] / "benchmarks" / "agents_table.py"


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


def rows(folder: Path, cell: Cell) -> list[dict[str, Any]]:
    kept = read(cell.path(folder))
    assert kept is not None
    return kept[1]


def ran(folder: Path, cell: Cell, **settings: Any) -> list[dict[str, Any]]:
    """Rows after a run, without the seconds that they took."""
    for _ in run([cell], folder, **settings):
        pass
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows(folder, cell)]


# Running


def test_rows_do_not_depend_on_the_groups_that_targets_are_shared_out_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = Cell(RANDOM, TINY, 3)
    together = ran(tmp_path / "together", cell)
    monkeypatch.setattr(comparison, "GROUP", 1)
    assert ran(tmp_path / "apart", cell) == together
    assert [row["target"] for row in together] == [f"tiny_{i:03d}" for i in range(4)]
    assert all(row["renders"] == 3 and row["curve"][0][0] == 1 for row in together)
    assert len({row["loss"] for row in together}) == 4


def test_rows_do_not_depend_on_the_number_of_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "GROUP", 2)
    cell = Cell(RANDOM, TINY, 2)
    assert ran(tmp_path / "two", cell, processes=2) == ran(tmp_path / "one", cell)


def test_another_seed_draws_other_presets_into_another_file(tmp_path: Path) -> None:
    first, second = Cell(RANDOM, TINY, 2), Cell(RANDOM, TINY, 2, seed=1)
    assert first.path(tmp_path) != second.path(tmp_path)
    one, other = ran(tmp_path, first, limit=2), ran(tmp_path, second, limit=2)
    assert [row["target"] for row in one] == [row["target"] for row in other]
    assert [row["curve"] for row in one] != [row["curve"] for row in other]


def test_targets_that_are_done_are_not_run_again(tmp_path: Path) -> None:
    cell = Cell(RANDOM, TINY, 2)
    ran(tmp_path, cell, limit=2)
    before = cell.path(tmp_path).read_text()
    ran(tmp_path, cell)
    after = cell.path(tmp_path).read_text()
    assert after.startswith(before)  # the seconds that they took, too
    assert [row["index"] for row in rows(tmp_path, cell)] == [0, 1, 2, 3]
    assert list(run([cell], tmp_path)) == []
    assert cell.path(tmp_path).read_text() == after


def test_progress_tells_what_is_done_of_what_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "GROUP", 2)
    cell = Cell(RANDOM, TINY, 1)
    assert list(run([cell], tmp_path, limit=3)) == [(cell, 2, 3, 2 / 3), (cell, 3, 3, 1.0)]
    assert list(run([cell], tmp_path)) == [(cell, 4, 4, 1.0)]


def test_a_row_that_a_kill_cut_off_is_run_again_and_the_others_are_kept(tmp_path: Path) -> None:
    cell = Cell(RANDOM, TINY, 2)
    whole = ran(tmp_path, cell, limit=3)
    path = cell.path(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    assert [row["index"] for row in rows(tmp_path, cell)] == [0, 1]
    kept = path.read_text().splitlines()[:3]
    assert ran(tmp_path, cell, limit=3) == whole
    assert path.read_text().splitlines()[:3] == kept


def test_what_is_said_about_a_run_is_in_each_row(tmp_path: Path) -> None:
    found = ran(tmp_path, Cell(RANDOM, TINY, 1), limit=2, about={"commit": "abc"})
    assert [row["commit"] for row in found] == ["abc", "abc"]


@pytest.mark.parametrize("change", ["settings", "all_settings", "weights", "yardstick"])
def test_a_cell_of_other_settings_weights_or_ears_is_begun_anew_and_the_old_one_kept(
    tmp_path: Path, change: str
) -> None:
    cell = Cell(RANDOM, TINY, 1)
    ran(tmp_path, cell, limit=2)
    path = cell.path(tmp_path)
    header, *lines = path.read_text().splitlines()
    changed = json.loads(header)
    other = {"settings": {"a": 1}, "yardstick": [changed["yardstick"][0] + 0.01, *changed["yardstick"][1:]]}
    changed[change] = other.get(change, "other")
    path.write_text("\n".join((json.dumps(changed), *lines)) + "\n")
    old = path.read_text()
    ran(tmp_path, cell, limit=1)
    assert path.with_suffix(".old").read_text() == old
    assert len(rows(tmp_path, cell)) == 1


def test_weights_that_only_lie_elsewhere_by_now_are_not_run_again(tmp_path: Path) -> None:
    cell = Cell(RANDOM, TINY, 1)
    ran(tmp_path, cell, limit=2)
    path = cell.path(tmp_path)
    header, *lines = path.read_text().splitlines()
    moved = {**json.loads(header), "settings": {"weights": "somewhere/else"}}
    path.write_text("\n".join((json.dumps(moved), *lines)) + "\n")
    assert list(run([cell], tmp_path, limit=2)) == []


def test_the_last_digits_of_a_yardstick_do_not_matter(tmp_path: Path) -> None:
    cell = Cell(RANDOM, TINY, 1)
    ran(tmp_path, cell, limit=2)
    path = cell.path(tmp_path)
    header, *lines = path.read_text().splitlines()
    changed = json.loads(header)
    changed["yardstick"] = [value + 1e-4 for value in changed["yardstick"]]
    path.write_text("\n".join((json.dumps(changed), *lines)) + "\n")
    assert list(run([cell], tmp_path, limit=2)) == []


def test_a_setting_that_an_agent_does_not_have_and_an_unknown_agent_are_refused(renderer: Renderer) -> None:
    with pytest.raises(UsageError, match=r"'random' does not take these settings: .*colour"):
        Contender("x", "random", {"colour": "red"}).make(renderer)
    with pytest.raises(UsageError, match="no agent 'nobody'"):
        Contender("x", "nobody").make(renderer)


@pytest.mark.parametrize("label", ["", "a b", "../a", "a.b", "a/b", "@2", "a@", "a@0", "a@b", "a@2@3", "a\n"])
def test_a_label_that_is_no_part_of_a_file_name_is_refused(label: str) -> None:
    with pytest.raises(UsageError, match="letters, digits"):
        Contender(label, "random")


def test_a_label_says_which_training_made_the_agent() -> None:
    first, third = Contender("sac", "sac"), Contender.parse("sac@3=sac:weights=out/sac")
    assert [(one.name, one.training) for one in (first, third)] == [("sac", 1), ("sac", 3)]
    assert third.label == "sac@3" and third.settings == {"weights": "out/sac"}


# What was learnt


class Learned(Agent):
    def __init__(self, renderer: Renderer, value: float, inner: Agent | None = None) -> None:
        super().__init__(renderer)
        self.patience: int | None = None
        self.net, self.inner = torch.nn.Linear(1, 1), inner
        torch.nn.init.constant_(self.net.weight, value)
        torch.nn.init.zeros_(self.net.bias)

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        yield objective.best_u[None]


def test_the_digest_of_weights_tells_them_apart_and_looks_into_agents_within(renderer: Renderer) -> None:
    one, same, other = (weights_digest(Learned(renderer, value)) for value in (1.0, 1.0, 2.0))
    assert one == same != other
    nested = [weights_digest(Learned(renderer, 1.0, Learned(renderer, value))) for value in (1.0, 2.0)]
    assert len({one, *nested}) == 3
    assert weights_digest(RANDOM.make(renderer)) is None


def test_all_settings_of_an_agent_are_told_its_defaults_too(renderer: Renderer) -> None:
    inner = Learned(renderer, 1.0)
    inner.patience = 4
    assert settings_of(Learned(renderer, 1.0, inner)) == {"inner": {"patience": 4}}
    told = Cell(Contender("x", "cma-es", {"population": 8}), TINY, 1).header(renderer, [0.5])
    assert told["all_settings"]["population"] == 8
    assert told["all_settings"]["sigma"] > 0.0


# Targets


@pytest.mark.parametrize("targets", [TINY, REAL], ids=["presets", "recordings"])
def test_a_target_is_the_same_whenever_it_is_made_and_its_goal_is_as_long_as_its_probe(
    targets: TargetSet, renderer: Renderer
) -> None:
    for index in (0, len(targets) - 1):
        first, again = targets.target(index, renderer), targets.target(index, renderer)
        assert np.array_equal(first.audio, again.audio)
        goal = Goal.of(first, renderer)
        assert goal.audio.shape == (2, goal.probe.samples(renderer.sample_rate))
        assert np.array_equal(goal.audio[:, : first.audio.shape[1]], first.audio)
        assert (goal.probe.note_midi, goal.probe.gate_s) == (first.note_midi, first.gate_s)


def test_presets_can_be_heard_and_are_played_within_their_ranges_each_in_its_own_way(renderer: Renderer) -> None:
    found = [PresetSet("in", 256).target(index, renderer) for index in range(8)]
    assert audible(np.stack([target.audio for target in found])).all()
    assert all(36 <= target.note_midi <= 84 and 0.3 <= target.gate_s <= 0.9 for target in found)
    assert {target.total_s for target in found} == {1.0}
    assert len({target.gate_s for target in found}) == 8
    other = PresetSet("in-val", 64).target(0, renderer)
    assert other.gate_s not in {target.gate_s for target in found}


def test_the_yardstick_moves_with_the_targets() -> None:
    assert len(yardstick(TINY)) == 4
    assert yardstick(TINY) == yardstick(PresetSet("tiny", 4))
    assert np.abs(np.subtract(yardstick(TINY), yardstick(PresetSet("tiny", 4, seed=1)))).max() > cells.SAME_EARS


# Reading


def written(
    folder: Path,
    label: str,
    losses: dict[int, list[list[float]]],
    budget: int = 1000,
    anytime: bool = True,
    name: str = "in",
    yardstick: float = 0.5,
) -> None:
    """A cell with curves by index of the target."""
    header = {"label": label, "anytime": anytime, "set": name, "budget": budget, "seed": 0, "yardstick": [yardstick]}
    lines = [header, *({"target": f"t{index}", "index": index, "curve": curve} for index, curve in losses.items())]
    path = folder / f"{label}.{name}.{budget}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_an_anytime_agents_losses_at_smaller_budgets_are_read_off_its_curve(tmp_path: Path) -> None:
    written(tmp_path, "cma-es", {0: [[1, 0.9], [40, 0.5], [41, 0.4], [900, 0.2]]})
    for renders, loss in ((1, 0.9), (39, 0.9), (40, 0.5), (500, 0.4), (1000, 0.2)):
        assert best_losses(tmp_path, "cma-es", "in", renders)[1] == {0: loss}


def test_of_several_runs_the_shortest_that_is_long_enough_is_read(tmp_path: Path) -> None:
    written(tmp_path, "cma-es", {0: [[1, 0.9]]}, budget=50)
    written(tmp_path, "cma-es", {0: [[1, 0.8]]}, budget=1000)
    assert best_losses(tmp_path, "cma-es", "in", 50)[1] == {0: 0.9}
    assert best_losses(tmp_path, "cma-es", "in", 51)[1] == {0: 0.8}


def test_an_agent_that_plans_by_its_budget_is_read_at_that_budget_alone(tmp_path: Path) -> None:
    written(tmp_path, "auto", {0: [[1, 0.9], [150, 0.3]]}, budget=200, anytime=False)
    assert best_losses(tmp_path, "auto", "in", 200)[1] == {0: 0.3}
    with pytest.raises(UsageError, match="'auto' was not run on 'in' with 100 renders"):
        best_losses(tmp_path, "auto", "in", 100)


def test_a_run_tells_the_marks_that_it_kept(tmp_path: Path) -> None:
    written(tmp_path, "policy+cma-es", {0: [[1, 0.9], [90, 0.5], [150, 0.3]]}, budget=200, anytime=False)
    path = tmp_path / "policy+cma-es.in.200.jsonl"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(header) | {"measures": {"marks": [100, 200]}}), *rows]) + "\n")
    assert best_losses(tmp_path, "policy+cma-es", "in", 100)[1] == {0: 0.5}
    with pytest.raises(UsageError, match="was not run on 'in' with 150 renders"):
        best_losses(tmp_path, "policy+cma-es", "in", 150)


def test_a_run_that_is_too_short_or_of_another_label_or_set_says_nothing(tmp_path: Path) -> None:
    written(tmp_path, "cma-es", {0: [[1, 0.9]]}, budget=50)
    for label, name, renders in (("cma-es", "in", 51), ("cma", "in", 50), ("cma-es", "rec", 50)):
        with pytest.raises(UsageError, match=f"'{label}' was not run on '{name}'"):
            best_losses(tmp_path, label, name, renders)


def test_losses_are_paired_by_target_where_both_have_one(tmp_path: Path) -> None:
    written(tmp_path, "a", {3: [[1, 0.3]], 1: [[1, 0.1]], 2: [[1, 0.2]]})
    written(tmp_path, "b", {2: [[1, 2.0]], 0: [[1, 9.0]], 3: [[1, 3.0]]})
    a, b = paired_losses(tmp_path, [("a", 1), ("b", 1)], "in")
    assert (a.tolist(), b.tolist()) == ([0.2, 0.3], [2.0, 3.0])


def test_runs_that_heard_with_different_ears_are_not_compared(tmp_path: Path) -> None:
    written(tmp_path, "a", {0: [[1, 0.3]]})
    written(tmp_path, "b", {0: [[1, 0.3]]}, yardstick=0.51)
    with pytest.raises(UsageError, match="different engines or losses: run both again"):
        paired_losses(tmp_path, [("a", 1), ("b", 1)], "in")


# The table


@pytest.fixture(scope="module")
def table() -> Any:
    spec = importlib.util.spec_from_file_location("agents_table", TABLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_table_judges_each_claim_by_the_ratio_on_its_set(tmp_path: Path, table: Any) -> None:
    targets = range(40)
    written(tmp_path, "cma-es", {i: [[1, 1.0], [500, 0.4 + i / 1000]] for i in targets}, budget=2000)
    written(tmp_path, "sac", {i: [[1, 1.0], [16, 0.3 + i / 1000], [17, 0.01]] for i in targets}, budget=64)
    found = table.claims_found(tmp_path, ["in", "rec"])
    row = found["sac_16_over_cma_es_500_in"]
    assert row["ratio"] == pytest.approx(0.762, abs=0.005)
    assert row["interval"][0] <= row["ratio"] <= row["interval"][1]
    assert (row["reached"], row["targets"], row["wins"], row["against"]) == (True, 40, 1.0, "cma-es")
    assert row["p_holm"] >= row["p"]
    assert "'sac' was not run on 'rec'" in found["sac_16_over_cma_es_500_rec"]["missing"]
    assert "76" in table.text(found, {})


def test_a_claim_is_judged_over_all_trainings_that_were_run_on_as_many_targets_and_for_each(
    tmp_path: Path, table: Any
) -> None:
    written(tmp_path, "cma-es", {i: [[1, 0.4]] for i in range(9)}, budget=2000)
    for label, loss, count in (("sac", 0.3, 9), ("sac@2", 0.1, 8), ("sac@3", 0.2, 9)):
        written(tmp_path, label, {i: [[1, loss]] for i in range(count)}, budget=64)
    found = table.claims_found(tmp_path, ["in"])
    rows = {end: found[f"sac_16_over_cma_es_500_in{end}"] for end in ("", "_seed_1", "_seed_2", "_seed_3")}
    ratios = {end: (row["ratio"], row["trainings"], row["targets"]) for end, row in rows.items()}
    assert ratios == {"": (0.625, 2, 9), "_seed_1": (0.75, 1, 9), "_seed_2": (0.25, 1, 8), "_seed_3": (0.5, 1, 9)}
    # All targets are alike, so what the interval spans is the trainings that were drawn.
    assert rows[""]["interval"] == [0.5, 0.75]


def test_with_recordings_is_compared_with_the_same_training_seeds_without(tmp_path: Path, table: Any) -> None:
    for label, loss in (("sac", 0.2), ("sac@2", 0.4), ("sac-no-recordings", 0.25), ("sac-no-recordings@2", 0.5)):
        written(tmp_path, label, {i: [[1, loss]] for i in range(9)}, budget=16, name="rec")
    row = table.claims_found(tmp_path, ["rec"])["sac_16_over_sac_no_recordings_16_rec"]
    assert (row["ratio"], row["interval"], row["trainings"]) == (0.8, [0.8, 0.8], 2)
    (tmp_path / "sac-no-recordings.rec.16.jsonl").unlink()
    found = table.claims_found(tmp_path, ["rec"])
    assert "'sac-no-recordings' was not run" in found["sac_16_over_sac_no_recordings_16_rec"]["missing"]
    assert found["sac_16_over_sac_no_recordings_16_rec_seed_2"]["ratio"] == 0.8


def test_of_several_starts_the_better_one_is_the_one_to_beat(tmp_path: Path, table: Any) -> None:
    for label, loss in (("policy+cma-es", 0.3), ("regression+cma-es", 0.6), ("cloning+cma-es", 0.4)):
        written(tmp_path, label, {i: [[1, loss + i / 1000]] for i in range(9)}, budget=50, anytime=False)
    row = table.claims_found(tmp_path, ["in"])["policy_cma_es_50_over_better_start_50_in"]
    assert row["against"] == "cloning+cma-es"
    assert row["ratio"] == pytest.approx(0.304 / 0.404, abs=0.002)
    assert row["reached"]


def test_medians_are_told_at_every_mark_of_an_anytime_agent_and_at_the_budget_of_one_that_plans(
    tmp_path: Path, table: Any
) -> None:
    written(tmp_path, "cma-es", {i: [[1, 0.8], [50, 0.4 + i / 10]] for i in range(3)}, budget=64)
    written(tmp_path, "auto", {0: [[1, 0.9], [150, 0.3]]}, budget=200, anytime=False)
    found = table.medians_found(tmp_path, ["in", "rec"])
    assert found == {"in": {"cma-es": {1: 0.8, 16: 0.8, 50: 0.5, 64: 0.5}, "auto": {200: 0.3}}, "rec": {}}
    assert "0.500" in table.medians_text(found)


def test_rows_that_other_benchmarks_measure_are_read_from_their_files(tmp_path: Path, table: Any) -> None:
    assert all("missing" in entry for entry in table.others_found(tmp_path).values())
    for folder in ("bench/agents", "train/laptop"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bench/agents/stages.json").write_text('{"stage_1": {"success": 0.75}, "stage_2": {"success": 0.5}}')
    (tmp_path / "bench/sac.json").write_text('{"equal": {"ratio_to_sb3": 1.4}}')
    log = [
        {"step": i, "scalars": {"time/steps_per_s": rate, "time/share_learn": 0.5}}
        for i, rate in enumerate((100, 200, 210))
    ]
    (tmp_path / "train/laptop/log.jsonl").write_text("\n".join(map(json.dumps, [*log, {"step": 3, "scalars": {}}])))
    found = table.others_found(tmp_path)
    assert found["success_rate_stage_1"] | {"stage_2": None} == {
        "value": 0.75, "at_least": 0.8, "reached": False, "stage_1": {"success": 0.75}, "stage_2": None
    }  # fmt: skip
    assert found["updates_over_sb3"] == {"value": 1.4, "at_least": 1.25, "reached": True}
    assert (found["training_steps_per_s"]["value"], found["training_steps_per_s"]["time/share_learn"]) == (200, 0.5)
