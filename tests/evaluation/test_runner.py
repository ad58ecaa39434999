"""Evaluations: the runs that they take, what they leave on disk, and that a stopped one goes on to the same end."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from myna.envs.noise_floor import success_loss
from myna.errors import MynaError, UsageError
from myna.evaluation import comparison
from myna.evaluation.cells import Contender
from myna.evaluation.report.evaluation_board import board_of, read_board
from myna.evaluation.report.evaluation_markdown import markdown
from myna.evaluation.report.evaluation_tables import suite_table
from myna.evaluation.results import Line, results, write_csv
from myna.evaluation.runner import Evaluation, cells_of, evaluate, read_summary, write_results
from myna.evaluation.statistics import holm, paired_ratio
from myna.evaluation.suites import load_suite
from myna.evaluation.summary import ratio_of, renders_to_success, standings, summarise

SMALL = Evaluation(("stage-2",), ("random", "cma-es", "regression+cma-es"), (1, 4), seeds=2, measured_seeds=1, limit=2)
ABOUT = {"commit": "abc"}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluation")
    evaluate(SMALL, out, about=ABOUT)
    return out


def table(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def untimed(out: Path) -> list[dict[str, str]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in table(out)]


# What is run


def test_an_agent_that_plans_by_its_budget_is_run_at_each_and_others_once_with_marks() -> None:
    cells = cells_of(Evaluation(("stage-1",), ("cma-es", "regression+cma-es", "sac"), (1, 16, 256), seeds=1))
    runs = [(cell.contender.label, cell.budget, cell.measures.marks if cell.measures else None) for cell in cells]
    assert runs == [
        ("cma-es", 256, (1, 16, 256)),
        ("regression+cma-es", 1, (1,)),
        ("regression+cma-es", 16, (16,)),
        ("regression+cma-es", 256, (256,)),
        ("sac", 64, (1, 16, 64)),  # it has nothing more to say
    ]


def test_budgets_that_a_polish_plans_alike_are_told_by_one_run() -> None:
    cells = cells_of(Evaluation(("real",), ("policy+cma-es", "auto"), (64, 256, 1000, 2000), seeds=1))
    runs = [(cell.contender.label, cell.budget, cell.measures.marks if cell.measures else None) for cell in cells]
    assert runs == [
        *[("policy+cma-es", 64, (64,)), ("policy+cma-es", 256, (256,)), ("policy+cma-es", 2000, (1000, 2000))],
        *[("auto", 64, (64,)), ("auto", 256, (256,)), ("auto", 2000, (1000, 2000))],
    ]


def test_all_runs_of_a_seed_come_before_those_of_the_next_and_only_the_first_is_measured_closely() -> None:
    cells = cells_of(replace(SMALL, agents=("random",), seeds=3))
    assert [cell.seed for cell in cells] == [0, 1, 2]
    assert [bool(cell.measures and cell.measures.families) for cell in cells] == [True, False, False]
    assert cells_of(replace(SMALL, agents=("random",), seeds=3, first_seed=1)) == cells[1:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"suites": ("stage-9",)}, "stage-9"),
        ({"agents": ("cma-es", "cma-es")}, "same label"),
        ({"agents": ()}, "at least one"),
        ({"budgets": (0,)}, "1 or more"),
        ({"seeds": 0}, "1 or more"),
        ({"measured_seeds": 3}, "no more seeds"),
        ({"limit": 0}, "1 or more"),
        ({"first_seed": 2}, "first seed must be one of the 2, from 0; got 2"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_run(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        replace(SMALL, **change)


@pytest.mark.parametrize("text", ["a b", "x=cma-es:sigma", "", "<b>=random"])
def test_contenders_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Contender.parse(text)


# What it leaves


def test_the_table_has_a_line_for_every_target_agent_seed_and_number_of_renders(done: Path) -> None:
    rows = table(done)
    agents = {row["agent"] for row in rows}
    assert agents == {"random", "cma-es", "regression+cma-es", "true-preset", "noise-floor"}
    own = [row for row in rows if row["agent"] in SMALL.agents]
    assert len(own) == 3 * 2 * 2 * 2
    keys = {(row["agent"], row["seed"], row["renders"], row["target"]) for row in own}
    assert len(keys) == len(own)
    assert all(row["mss"] for row in own if row["seed"] == "0") and not any(
        row["mss"] for row in own if row["seed"] == "1"
    )
    assert all(row["other_notes"] and row["parameters"] for row in own)


def test_more_renders_never_make_it_worse_and_losses_are_those_of_the_curves(done: Path) -> None:
    by_run: dict[tuple[str, ...], dict[int, float]] = {}
    for row in table(done):
        if row["agent"] in ("random", "cma-es"):
            by_run.setdefault((row["agent"], row["seed"], row["target"]), {})[int(row["renders"])] = float(row["loss"])
    assert all(run[4] <= run[1] for run in by_run.values())


def test_the_true_preset_is_perfect_and_the_noise_floor_close_to_it(done: Path) -> None:
    found = {
        name: [float(row["loss"]) for row in table(done) if row["agent"] == name]
        for name in ("true-preset", "noise-floor")
    }
    assert max(found["true-preset"]) < 1e-3 and max(found["noise-floor"]) < 0.3


def test_the_summary_is_of_the_table(done: Path) -> None:
    summary = json.loads((done / "summary.json").read_text())
    (one,) = (s for s in summary["standings"] if (s["agent"], s["renders"]) == ("random", 4))
    rows = [row for row in table(done) if row["agent"] == "random" and row["renders"] == "4"]
    means = [
        np.mean([float(row["loss"]) for row in rows if row["target"] == t]) for t in {row["target"] for row in rows}
    ]
    assert one["median"] == pytest.approx(np.median(means), rel=1e-5)
    assert one["ratio"] is not None and (one["targets"], one["seeds"]) == (2, 2)


def test_what_was_asked_for_is_kept_once(done: Path) -> None:
    runs = json.loads((done / "evaluation.json").read_text())["runs"]
    evaluate(SMALL, done, about=ABOUT)
    assert json.loads((done / "evaluation.json").read_text())["runs"] == runs
    assert runs[0]["asked"]["suites"] == ["stage-2"] and runs[0]["commit"] == "abc"


def test_a_stopped_evaluation_goes_on_to_the_same_table(done: Path, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(step: comparison.Step) -> None:
        if step.share > 0.4:
            raise StoppedError

    with pytest.raises(StoppedError):
        evaluate(SMALL, tmp_path, about=ABOUT, progress=stop)
    assert not (tmp_path / "results.csv").exists()
    shares: list[float] = []
    evaluate(SMALL, tmp_path, about=ABOUT, progress=lambda step: shares.append(step.share))
    assert shares and shares == sorted(shares) and shares[-1] == 1.0
    assert untimed(tmp_path) == untimed(done)


def test_rows_are_there_to_be_summed_up_before_all_is_run(done: Path, tmp_path: Path) -> None:
    part = replace(SMALL, agents=("random",), limit=1)
    evaluate(part, tmp_path, about=ABOUT)
    write_results(tmp_path)
    assert {row["target"] for row in table(tmp_path)} == {load_suite("stage-2").target(0, comparison._renderer()).name}


def test_a_folder_without_an_evaluation_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MynaError, match="holds no evaluation"):
        write_results(tmp_path)


def test_lines_of_an_evaluation_carry_their_presets(done: Path) -> None:
    lines = [line for line in results(done / "cells") if line.budget]
    assert all(len(line.u) > 100 and 0.0 <= min(line.u) and max(line.u) <= 1.0 for line in lines)


# Statistics on scripted lines


def line(agent: str, index: int, renders: int, loss: float, *, seed: int = 0, group: str = "", **more: Any) -> Line:
    name = f"t{index}"
    return Line(
        "stage-1", name, index, group or name, agent, seed, renders, loss, loss <= success_loss(), renders, **more
    )


def test_a_standing_is_the_median_over_targets_of_means_over_seeds() -> None:
    lines = [
        line("random", i, 4, loss, seed=seed)
        for seed, losses in enumerate([(0.1, 0.5, 0.9), (0.3, 0.7, 0.9)])
        for i, loss in enumerate(losses)
    ]
    (one,) = standings(lines)
    assert (one.median, one.targets, one.seeds) == (pytest.approx(0.6), 3, 2)
    assert one.seed_medians == [0.5, 0.7] and one.ratio is None
    assert one.low <= one.median <= one.high


def test_trainings_of_an_agent_are_one_row_and_count_on_targets_that_all_met() -> None:
    """The mean over trainings of means over seeds, however many seeds a training was run with."""
    lines = [line("cma-es", i, 4, 1.0) for i in range(3)]
    lines += [line("sac", i, 4, loss) for i, loss in enumerate((0.2, 0.4, 0.6))]
    lines += [line("sac", i, 4, loss, seed=1) for i, loss in enumerate((0.4, 0.6, 0.6))]
    lines += [line("sac", i, 4, loss, training=2) for i, loss in enumerate((0.5, 0.9))]
    one = {one.agent: one for one in standings(lines)}["sac"]
    assert (one.targets, one.median) == (2, pytest.approx((0.4 + 0.7) / 2))
    assert one.training_medians == pytest.approx([0.4, 0.7])
    assert one.ratio == pytest.approx(np.sqrt(0.4 * 0.7))
    assert ratio_of(lines[:3], [line("sac", 7, 4, 0.5)], np.random.Generator(np.random.PCG64(0))) is None


def test_trainings_without_a_target_in_common_have_no_standing() -> None:
    lines = [line("cma-es", i, 4, 1.0) for i in range(2)]
    lines += [line("sac", i, 4, 0.5, training=i + 1) for i in range(2)]
    assert [one.agent for one in standings(lines)] == ["cma-es"]
    told = board_of(lines, summarise(lines), {})
    assert "sac" not in markdown(told) and suite_table(told.suites[0], told).rows[0][0] == "cma-es"


def test_rows_of_further_trainings_are_read_as_of_the_same_agent(tmp_path: Path) -> None:
    asked = replace(SMALL, agents=("random", "random@2=random"), budgets=(1,), seeds=1, limit=1)
    evaluate(asked, tmp_path, about=ABOUT)
    found = read_summary(tmp_path)["standings"]
    assert [len(one["training_medians"]) for one in found if one["agent"] == "random"] == [2]
    assert [row["training"] for row in table(tmp_path) if row["agent"] == "random"] == ["1", "2"]
    assert "1 seed, up to 2 trainings" in markdown(read_board(tmp_path))


def test_agents_are_tested_against_the_baseline_of_as_many_renders_and_adjusted_together() -> None:
    losses = np.exp(np.random.Generator(np.random.PCG64(0)).normal(-1, 0.4, (3, 20)))
    lines = [
        line(agent, i, 8, losses[a, i] * (0.5 if a == 1 else 1))
        for a, agent in enumerate(("cma-es", "good", "level"))
        for i in range(20)
    ]
    found = {one.agent: one for one in standings(lines)}
    alone = [
        paired_ratio(losses[a] * (0.5 if a == 1 else 1), losses[0], np.random.Generator(np.random.PCG64(0))).p
        for a in (1, 2)
    ]
    assert [found["good"].p, found["level"].p] == pytest.approx(holm(alone))
    assert found["good"].ratio == pytest.approx(np.median(losses[1] * 0.5 / losses[0]))
    assert found["good"].p < 0.05 and found["cma-es"].p is None


def test_notes_of_one_instrument_do_not_pass_for_many() -> None:
    """Twenty notes of two instruments leave more doubt than twenty instruments."""
    rng = np.random.Generator(np.random.PCG64(1))
    shift = {"piano": -0.5, "flute": 0.3}
    many, few = [], []
    for i in range(20):
        name = ("piano", "flute")[i % 2]
        loss = float(np.exp(shift[name] + rng.normal(0, 0.02)))
        few += [line("cma-es", i, 8, 1.0, group=name), line("x", i, 8, loss, group=name)]
        many += [line("cma-es", i, 8, 1.0), line("x", i, 8, loss)]
    ours, theirs = ({one.agent: one for one in standings(lines)}["x"] for lines in (few, many))
    assert (ours.ratio_high or 0) - (ours.ratio_low or 0) >= (theirs.ratio_high or 0) - (theirs.ratio_low or 0)
    assert (ours.p or 0) > (theirs.p or 0)


def test_renders_to_success_are_those_of_the_median_run() -> None:
    reached = [3, 5, None]
    lines = [line("x", i, 16, 0.0 if at else 0.9, reached=at) for i, at in enumerate(reached)]
    lines += [line("x", i, 4, 0.9, reached=at) for i, at in enumerate(reached)]
    (found,) = renders_to_success(lines)
    assert (found["budget"], found["renders"], found["ever"]) == (16, 5.0, pytest.approx(2 / 3))
    (never,) = renders_to_success([line("x", i, 16, 0.9) for i in range(3)])
    assert (never["renders"], never["ever"]) == (None, 0.0)


def test_what_is_not_known_is_left_empty(tmp_path: Path) -> None:
    write_csv([line("x", 0, 1, 0.5), line("y", 0, 1, 0.5, metrics={"mss": 3.0}, other_notes=0.2)], tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["mss"], first["other_notes"], first["success"]) == ("", "", "0")
    assert (second["mss"], second["other_notes"]) == ("3.0", "0.2")
