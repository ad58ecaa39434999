"""Runs are read whatever state their files are in, and nothing outside of their folder is."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.envs.tags import is_tag
from myna.errors import MynaError, UsageError
from myna.runs import find_runs, get_run
from myna.runs.episodes import saved_episodes
from myna.runs.evaluations import figure_of, report_of, rows_so_far, standings_of
from myna.runs.log import Curve, read_log, thinned
from myna.runs.names import current_name
from myna.runs.reading import read_file


def line(step: int, **scalars: float) -> str:
    return json.dumps({"step": step, "scalars": scalars}) + "\n"


def training(root: Path, name: str, log: str = "", kind: str = "sac") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "log.jsonl").write_text(log)
    (folder / "config.json").write_text(json.dumps({"kind": kind}))
    return folder


def evaluation(root: Path, name: str = "evaluation", standings: object = None) -> Path:
    folder = root / name
    (folder / "cells").mkdir(parents=True)
    (folder / "evaluation.json").write_text("{}")
    if standings is not None:
        (folder / "summary.json").write_text(json.dumps({"standings": standings, "baseline": "cma-es"}))
    return folder


def standing(**changes: object) -> dict[str, object]:
    row = {"suite": "real", "agent": "auto", "renders": 64, "targets": 9, "seeds": 2, "median": 0.3, "low": 0.2}
    return {**row, "high": 0.4, "success": 0.5, "p": 0.01, "ratio": 0.5, "seconds": 1.5, "other_notes": None, **changes}


def test_runs_are_found_at_any_depth_with_what_they_are(tmp_path: Path) -> None:
    training(tmp_path, "train/a", line(1, loss=1.0))
    training(tmp_path, "b", line(1, loss=1.0), "proxy")
    evaluation(tmp_path, "deep/er/c")
    (tmp_path / "nothing").mkdir()
    found = {run.name: (run.kind, run.learner) for run in find_runs(tmp_path)}
    assert found == {"train/a": ("training", "sac"), "b": ("training", "proxy"), "deep/er/c": ("evaluation", "")}
    assert find_runs(tmp_path / "no such folder") == [] and len(find_runs(tmp_path, most=2)) == 2
    assert [run.name for run in find_runs(tmp_path / "b")] == ["b"], "the folder may be a run itself"


def test_a_run_is_running_while_it_writes_finished_at_its_end_and_else_stopped(tmp_path: Path) -> None:
    folder = training(tmp_path, "a", line(1, loss=1.0))
    assert get_run(tmp_path, "a").status == "running"
    long_ago_s = time.time() - 4000.0
    os.utime(folder / "log.jsonl", (long_ago_s, long_ago_s))
    assert get_run(tmp_path, "a").status == "stopped"
    (folder / "final").mkdir()
    assert get_run(tmp_path, "a").status == "finished"
    assert get_run(evaluation(tmp_path, "e", []).parent, "e").status == "finished"


@pytest.mark.parametrize(
    "name",
    ["..", "../out", "/etc", "a/../../x", "a/", "./a", "A", "", "a\0", "%2e%2e", "~", "c:\\x", "link", "a" * 9999],
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    root = tmp_path / "in"
    training(root, "a")
    training(tmp_path, "x")
    (root / "link").symlink_to(tmp_path / "x")
    (root / "folder").mkdir()
    (root / "folder" / "log.jsonl").symlink_to(tmp_path / "x" / "log.jsonl")
    assert [run.name for run in find_runs(root)] == ["a"]
    with pytest.raises(UsageError, match="There is no run"):
        get_run(root, name)


def test_links_pipes_and_large_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "big").write_bytes(b"x" * 101)
    for name in ("link", "pipe", "big", "gone", "a\0b", "."):
        with pytest.raises(MynaError):
            read_file(tmp_path / name, 100)
    assert read_file(tmp_path / "big", 100, tail=True) == b"x" * 100


def test_a_torn_log_is_read_up_to_and_around_the_tear(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    text = line(1, **{"match/loss": 3.0}) + line(2, **{"match/loss": 2.0})[:20] + "\n" + line(3, **{"match/loss": 1.0})
    path.write_text(text + line(4, **{"match/loss": 0.5})[:-9])
    log = read_log(path)
    assert log.curves["match/loss"].steps.tolist() == [1, 3] and log.torn == 2 and log.step == 3


@pytest.mark.parametrize(
    "bad",
    ["null", "[]", "7", '"x"', "{}", '{"step": "1"}', '{"step": -1}', '{"step": true}', '{"step": 1e999}', "[" * 5000,
     '{"step": ' + "9" * 5000 + "}", '{"step": 99999999999999999999, "scalars": {"a": 1}}', "\x00\xff", "NaN"],
)  # fmt: skip
def test_a_line_of_nonsense_is_left_out(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(f"{bad}\n" + line(5, a=1.0), encoding="latin-1")
    log = read_log(path)
    assert list(log.curves) == ["a"] and log.torn == 1


def test_figures_that_are_none_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(
        '{"step": 1, "scalars": {"a": NaN, "b": 1e999, "c": null, "d": "1", "e": true, "f": [1], "g": 2}}\n'
        '{"step": 2, "scalars": [1]}\n{"step": 3, "name": "match/best/edits", "text": "raised it"}\n'
        '{"step": 4, "name": 3, "text": {}}\n'
    )
    log = read_log(path)
    assert {name: curve.last for name, curve in log.curves.items()} == {"g": 2.0} and log.torn == 0
    assert log.words == {(3, "match/best/edits"): "raised it"}


@given(st.binary(max_size=300))
def test_any_bytes_can_be_a_log(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    path.write_bytes(data)
    assert read_log(path).step >= 0


def test_of_a_large_log_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(line(step, a=float(step)) for step in range(1000)))
    log = read_log(path, most=2000)
    assert log.cut and log.torn == 0 and log.step == 999 and 20 < len(log.curves["a"].steps) < 100


def test_many_names_and_resumed_steps_stay_bounded_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(
        line(1, **{f"n{i}": 1.0 for i in range(5000)}) + line(9, n0=9.0) + line(4, n0=4.0) + line(9, n0=8.0)
    )
    log = read_log(path)
    assert len(log.curves) == 512
    assert log.curves["n0"].steps.tolist() == [1, 4, 9] and log.curves["n0"].last == 8.0


def test_older_logs_are_read_under_todays_names(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    old = {
        "steps_per_s": 9.0,
        "loss": 0.2,
        "stage": 6.0,
        "env/loss/total": 0.3,
        "sac/temperature_delta": 0.1,
        "episode/best": 7.0,
    }
    path.write_text(
        line(1, **old) + line(2, **{"score": 0.5, "eval/in/success": 0.1, "minutes": 2.0}) + line(3, loss=4.0)
    )
    curves = read_log(path).curves
    assert {name: curve.values.tolist() for name, curve in curves.items() if name != "minutes"} == {
        "time/steps_per_s": [9.0], "match/best_loss": [0.2], "curriculum/stage": [6.0], "match/loss": [0.3],
        "train/ent_coef_delta": [0.1], "eval/score": [0.5], "eval/in/success_rate": [0.1],
        "time/time_elapsed": [120.0], "train/loss": [4.0],
    }  # fmt: skip
    assert all(is_tag(current_name(name, played=True)) for name in old)


@given(st.integers(1, 2000), st.integers(1, 400))
def test_a_thinned_curve_keeps_its_mean_and_its_end(points: int, most: int) -> None:
    curve = Curve(np.arange(points), np.linspace(0.0, 1.0, points))
    thin = thinned(curve, most)
    assert len(thin.steps) <= most and thin.steps[-1] == points - 1
    assert np.all(np.diff(thin.steps) > 0) and 0.0 <= thin.values.min() <= thin.values.max() <= 1.0


def test_saved_episodes_are_found_by_their_names_alone(tmp_path: Path) -> None:
    folder = training(tmp_path, "a")
    for step in (7, 12):
        media = folder / "media" / f"step-{step:012d}"
        media.mkdir(parents=True)
        for name in ("best-target.flac", "best-match.flac", "best-knobs.png", "x.py", "-target.flac", "B-match.flac"):
            (media / name).write_bytes(b"data")
    (folder / "media" / "step-1").mkdir()
    (folder / "media" / "step-000000000012" / "worst-target.flac").symlink_to("/etc/hostname")
    found = saved_episodes(get_run(tmp_path, "a"))
    assert [(one.step, one.slot) for one in found] == [(12, "best"), (12, "worst"), (7, "best")]
    assert found[0].read("match.flac") == b"data" and found[0].read("spectrogram.png") is None
    with pytest.raises(MynaError):
        found[1].read("target.flac")


def test_the_table_of_an_evaluation_is_read_and_nonsense_in_it_left_out(tmp_path: Path) -> None:
    bad = [
        None,
        3,
        {},
        standing(median="x"),
        standing(median=float("nan")),
        standing(renders=1e400),
        standing(low=None),
    ]
    folder = evaluation(tmp_path, standings=[standing(), *bad, standing(agent="b\x1b[2J", p=None)])
    (folder / "cells" / "a.real.64.jsonl").write_text("{}\n{}\n{}\n{torn")
    run = get_run(tmp_path, "evaluation")
    table = standings_of(run)
    assert [row.agent for row in table.rows] == ["auto", "b\\x1b[2J"] and table.suites == ["real"]
    assert rows_so_far(run) == (1, 2)
    assert figure_of(run) is None and report_of(run) is None
    (folder / "figure.svg").write_text("<svg/>")
    (folder / "report.html").symlink_to("/etc/hostname")
    assert figure_of(run) == (b"<svg/>", "image/svg+xml") and report_of(run) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"standings": 3}', '{"standings": {"a": 1}}', "[" * 9000])
def test_a_summary_of_nonsense_is_an_empty_table(tmp_path: Path, text: str) -> None:
    folder = evaluation(tmp_path)
    (folder / "summary.json").write_text(text)
    assert standings_of(get_run(tmp_path, "evaluation")).rows == []
