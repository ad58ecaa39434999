"""The harness on a learner that costs nothing: what it logs, keeps, resumes and says."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from tests.training.counting import Counting, counted
from tests.training.episodes_shown import shown_episode, undrawn

import myna.training.checkpoint
import myna.training.run
from myna.errors import MynaError, UsageError
from myna.training.checkpoint import checkpoints
from myna.training.learner import BrokenError
from myna.training.run import Status, Training
from myna.training.signals import Stop


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(myna.training.run.MAKERS, "sac", "tests.training.counting:make")


def logged(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def last(out: Path) -> tuple[bytes, dict]:
    path = checkpoints(out / "checkpoints")[0]
    state = json.loads((path / "state.json").read_text())
    del state["seconds"]
    return (path / "state.safetensors").read_bytes(), state


def stops_after(steps: int):
    calls = iter(range(10**9))
    return lambda: next(calls) + 1 >= steps


def test_a_training_logs_evaluates_and_keeps_checkpoints(tmp_path: Path) -> None:
    training = Training(counted(40), tmp_path)
    assert training.run()
    lines = logged(tmp_path)
    figures = [line["step"] for line in lines if "train/loss" in line["scalars"]]
    evaluations = [line["step"] for line in lines if "eval/score" in line["scalars"]]
    assert figures == [5, 10, 15, 20, 25, 30, 35, 40] and evaluations == [20, 40]
    assert all(line["scalars"]["time/steps_per_s"] > 0 for line in lines if "train/loss" in line["scalars"])
    assert [path.name for path in checkpoints(tmp_path / "checkpoints")] == ["step-000000000040", "step-000000000030"]
    assert json.loads((tmp_path / "config.json").read_text())["run"]["steps"] == 40


def test_figures_are_in_tensorboards_files_too(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Training(counted(20), tmp_path).run()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    seen = {event.step: event.value for event in events.Scalars("train/loss")}
    told = {line["step"]: line["scalars"]["train/loss"] for line in logged(tmp_path) if "train/loss" in line["scalars"]}
    assert seen == pytest.approx(told, rel=1e-6)


class Showing(Counting):
    """Shows the same every time."""

    def evaluate(self) -> dict[str, float]:
        self.shown = {"best": shown_episode(), "worst": shown_episode(), "fixed_1": shown_episode()}
        return super().evaluate()


def showing(monkeypatch: pytest.MonkeyPatch, out: Path, steps: int, **run: Any) -> list[tuple[int, str]]:
    """What a training that shows episodes tells of them."""
    undrawn(monkeypatch)
    monkeypatch.setattr(myna.training.run, "make_learner", lambda config: Showing(config.run.steps, config.seed))
    config = counted(steps)
    Training(replace(config, run=replace(config.run, **run)), out).run()
    return [(line["step"], line["name"]) for line in logged(out) if "name" in line]


def test_an_evaluation_is_shown_in_as_many_slots_as_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = showing(monkeypatch, tmp_path / "two", 20, media=2)
    kinds = ("target", "match", "spectrogram", "knobs", "edits")
    assert told == [(20, f"match/{slot}/{kind}") for slot in ("best", "worst") for kind in kinds]
    assert showing(monkeypatch, tmp_path / "none", 20, media=0) == [] and not (tmp_path / "none" / "media").exists()


def test_of_many_evaluations_some_are_shown_evenly_spread_and_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(myna.training.run, "_MOST_SHOWN", 3)
    told = showing(monkeypatch, tmp_path, 7, media=1, evaluate_every=1)
    assert list(dict.fromkeys(step for step, _ in told)) == [3, 6, 7]


def test_pictures_that_cannot_be_written_do_not_end_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "media").write_text("in the way")
    assert showing(monkeypatch, tmp_path, 20) == [] and "cannot make the folder" in caplog.text


def test_time_goes_on_over_resumptions_and_its_mean_is_the_speed(tmp_path: Path) -> None:
    Training(counted(20), tmp_path).run()
    Training(counted(40), tmp_path, resume=True).run()
    lines = [line["scalars"] for line in logged(tmp_path)]
    assert [line["time/total_timesteps"] for line in lines if "train/loss" in line] == [*range(5, 45, 5)]
    elapsed = [line["time/time_elapsed"] for line in lines]
    assert elapsed == sorted(elapsed)
    for line in lines:
        assert line["time/fps"] * line["time/time_elapsed"] == pytest.approx(line["time/total_timesteps"])


def test_json_lines_are_written_whatever_the_trackers(tmp_path: Path) -> None:
    config = counted(5)
    Training(replace(config, run=replace(config.run, trackers=())), tmp_path).run()
    assert [line["step"] for line in logged(tmp_path)] == [5, 5] and not (tmp_path / "tensorboard").exists()


def test_the_best_is_what_scored_lowest(tmp_path: Path) -> None:
    training = Training(counted(200), tmp_path)
    training.run()
    scores = {
        line["step"]: line["scalars"]["eval/score"] for line in logged(tmp_path) if "eval/score" in line["scalars"]
    }
    kept = json.loads((tmp_path / "best" / "evaluation.json").read_text())
    assert training.best == min(scores.values()) == kept["eval/score"] == scores[kept["steps"]]
    assert float((tmp_path / "best" / "place.txt").read_text()[1:].split(",")[0]) == kept["eval/score"]


@pytest.mark.parametrize("stopped", [1, 9, 10, 13, 20, 39])
def test_a_resumed_training_is_bit_equal_to_one_never_stopped(stopped: int, tmp_path: Path) -> None:
    Training(counted(40), tmp_path / "whole").run()
    assert not Training(counted(40), tmp_path / "torn", stop=stops_after(stopped)).run()
    again = Training(counted(40), tmp_path / "torn", resume=True)
    assert again.learner.steps_done == stopped and again.run()
    assert last(tmp_path / "whole") == last(tmp_path / "torn")
    for name in ("best", "final"):
        assert (tmp_path / "whole" / name / "place.txt").read_text() == (
            tmp_path / "torn" / name / "place.txt"
        ).read_text()


def test_lines_that_were_logged_after_the_checkpoint_are_not_told_twice(tmp_path: Path) -> None:
    Training(counted(40), tmp_path, stop=stops_after(33)).run()
    for path in checkpoints(tmp_path / "checkpoints")[:1]:  # as if the machine had gone down at step 33
        path.rename(tmp_path / "lost")
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 3')
    again = Training(counted(40), tmp_path, resume=True)
    assert again.learner.steps_done == 30
    again.run()
    steps = [line["step"] for line in logged(tmp_path) if "train/loss" in line["scalars"]]
    assert steps == [5, 10, 15, 20, 25, 30, 35, 40]


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Training(counted(40), tmp_path, stop=stops_after(33)).run()
    (checkpoints(tmp_path / "checkpoints")[0] / "state.json").write_text("{")
    assert Training(counted(40), tmp_path, resume=True).learner.steps_done == 30
    assert "is damaged" in caplog.text


def test_nothing_to_resume_is_a_training_from_the_beginning(tmp_path: Path) -> None:
    assert Training(counted(10), tmp_path, resume=True).run()
    assert logged(tmp_path)[0]["step"] == 5


def test_a_finished_training_may_go_on_for_longer(tmp_path: Path) -> None:
    Training(counted(20), tmp_path).run()
    more = Training(counted(40), tmp_path, resume=True)
    assert more.learner.steps_done == 20 and more.run() and more.learner.steps_done == 40


def test_a_folder_with_a_training_is_not_begun_anew(tmp_path: Path) -> None:
    Training(counted(10), tmp_path).run()
    with pytest.raises(UsageError, match="holds a training: go on with --resume"):
        Training(counted(10), tmp_path)


def test_another_configuration_does_not_resume(tmp_path: Path) -> None:
    Training(counted(10), tmp_path).run()
    with pytest.raises(UsageError, match="begun with another seed"):
        Training(counted(10, seed=1), tmp_path, resume=True)


def test_time_is_up_after_the_minutes_of_all_resumptions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**9))
    monkeypatch.setattr(myna.training.run.time, "perf_counter", lambda: float(next(clock)))
    config = counted(10**6)
    limited = myna.training.run.dataclasses.replace(
        config, run=myna.training.run.dataclasses.replace(config.run, minutes=2.0)
    )
    training = Training(limited, tmp_path)
    assert training.run() and 0 < training.learner.steps_done < 120
    again = Training(limited, tmp_path, resume=True)
    again.run()
    assert again.learner.steps_done == training.learner.steps_done


def test_a_full_disk_is_told_once_and_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, calls = myna.training.checkpoint.write_tensors, iter(range(100))

    def sometimes(path: Path, tensors) -> None:
        if next(calls) in (1, 2):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, tensors)

    monkeypatch.setattr(myna.training.checkpoint, "write_tensors", sometimes)
    seen = []
    found = lambda: [path.name[-2:] for path in checkpoints(tmp_path / "checkpoints")]  # noqa: E731
    Training(counted(40), tmp_path, watch=lambda status: seen.append((status.steps_done, found()))).run()
    assert dict(seen)[35] == ["10"] and found() == ["40", "10"]
    assert caplog.text.count("No space left on device") == 1 and "the last good one is kept" in caplog.text.lower()


def test_a_full_disk_at_the_end_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(counted(5), tmp_path)

    def full(path: Path, tensors) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(myna.training.checkpoint, "write_tensors", full)
    with pytest.raises(MynaError, match="No space left on device"):
        training.run()


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_learnt(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MynaError, match="cannot make the folder"):
        Training(counted(5), tmp_path / "file")


def test_a_number_that_is_none_stops_with_the_cause_and_the_batch(tmp_path: Path) -> None:
    training = Training(counted(40, breaks_at=23), tmp_path)
    with pytest.raises(BrokenError, match=r"The loss ceased to be a number: the batch is in .*broken"):
        training.run()
    row = load_file(tmp_path / "broken" / "batch.safetensors")["row"]
    assert row[0] == 1.0 and math.isnan(row[1])
    assert [path.name[-2:] for path in checkpoints(tmp_path / "checkpoints")] == ["20", "10"]


def test_the_watcher_hears_of_every_step_and_of_the_time_left(tmp_path: Path) -> None:
    seen: list[Status] = []
    Training(counted(12), tmp_path, watch=seen.append).run()
    assert [status.steps_done for status in seen] == list(range(1, 13))
    assert math.isinf(seen[0].left_s) and 0.0 <= seen[-1].left_s < 60.0 and "train/loss" in seen[-1].figures


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_heeded_between_steps_and_a_second_one_at_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Stop() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop() and stop.signal is number
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before
