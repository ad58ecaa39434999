from __future__ import annotations

import json
import logging
import math
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from myna.envs.callbacks import Callback, Callbacks, Episode, Sounds
from myna.envs.loggers import JsonlLogger
from myna.envs.run_logs import MOST_FIGURES, CurriculumLog, EditLog, EpisodeStats, LossTerms
from myna.errors import MynaError


@dataclass
class State:
    loss: torch.Tensor
    terms: dict[str, torch.Tensor]
    best_loss: torch.Tensor


@dataclass
class Notes:
    """A logger that remembers."""

    lines: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    texts: list[tuple[int, str, str]] = field(default_factory=list)

    def scalars(self, step, values):
        self.lines.append((step, dict(values)))

    def text(self, step, name, text):
        self.texts.append((step, name, text))

    def audio(self, step, name, path):
        raise AssertionError("no callback here logs sound")

    def image(self, step, name, path):
        raise AssertionError("no callback here logs pictures")

    def close(self):
        pass


def state(*losses: float) -> State:
    loss = torch.tensor(losses, dtype=torch.float64)
    return State(loss, {"log_mel": 0.75 * loss, "mfcc": 0.25 * loss}, 0.5 * loss)


def no_sounds() -> Sounds:
    raise AssertionError("the sounds were rendered though nobody needed them")


def episode(best: float, stage: int = 1, edits: tuple[str, ...] = (), steps: int = 8) -> Episode:
    return Episode(0, stage, steps, 1.0, best, best < 0.1, no_sounds, lambda: edits)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_step_logs_the_means_over_environments_under_stable_names() -> None:
    notes = Notes()
    LossTerms(notes).on_step(2, state(1.0, 3.0), {"reward_parts": {"gain": torch.tensor([0.5, -0.1])}})
    [(step, values)] = notes.lines
    assert step == 2
    assert values == pytest.approx(
        {
            "match/loss": 2.0,
            "match/best_loss": 1.0,
            "match/loss_log_mel": 1.5,
            "match/loss_mfcc": 0.5,
            "rollout/reward_gain": 0.2,
            "match/broken": 0.0,
        }
    )


def test_a_broken_environment_is_counted_and_left_out_of_the_means() -> None:
    notes = Notes()
    LossTerms(notes).on_step(3, state(1.0, math.nan, 2.0), {})
    assert notes.lines[0][1]["match/loss"] == pytest.approx(1.5)
    assert notes.lines[0][1]["match/broken"] == pytest.approx(1 / 3)


def test_several_steps_share_a_line_and_the_last_unfilled_one_is_written_at_close() -> None:
    notes = Notes()
    callback = LossTerms(notes, every=2)
    for step, loss in enumerate((1.0, 3.0, 7.0), 1):
        callback.on_step(step, state(loss), {})
    callback.close()
    callback.close()
    assert [(step, values["match/loss"]) for step, values in notes.lines] == [(2, 2.0), (3, 7.0)]


def test_episodes_are_summed_up_by_stage() -> None:
    notes = Notes()
    EpisodeStats(notes).on_episode_end(64, [episode(0.05, 1), episode(0.25, 1), episode(math.nan, 3)])
    [(_, values)] = notes.lines
    assert values["rollout/stage_1/best_loss"] == pytest.approx(0.15)
    assert values["rollout/stage_1/success"] == 0.5
    assert values["rollout/stage_1/count"] == 2
    assert math.isnan(values["rollout/stage_3/best_loss"])


def test_a_step_without_ended_episodes_logs_no_episode_line() -> None:
    notes = Notes()
    EpisodeStats(notes).on_episode_end(64, [])
    assert notes.lines == []


def test_edits_of_every_nth_episode_are_logged_whatever_the_batches() -> None:
    notes = Notes()
    log = EditLog(notes, every=3)
    for step, count in enumerate((1, 2, 1, 3, 2)):  # episodes 0, 1-2, 3, 4-6, 7-8: 0, 3 and 6 are due
        log.on_episode_end(step, [episode(0.5, edits=(f"edit {step}.{i}",)) for i in range(count)])
    assert [(step, text.splitlines()[1]) for step, _, text in notes.texts] == [
        (0, "edit 0.0"),
        (2, "edit 2.0"),
        (3, "edit 3.2"),
    ]


def test_logged_edits_are_bounded_in_number_and_length_and_printable() -> None:
    notes = Notes()
    EditLog(notes, most_edits=2).on_episode_end(0, [episode(0.5, edits=("a\x1b[2J", "b" * 10_000, "c", "d"))])
    head, first, second, rest = notes.texts[0][2].splitlines()
    assert head == "stage 1, 8 steps, loss 1.000 → 0.500"
    assert first == "a\\x1b[2J"
    assert len(second) == 200
    assert rest == "… and 2 more"


def test_the_curriculum_is_logged_when_a_number_in_it_changes() -> None:
    notes = Notes()
    log = CurriculumLog(notes)
    for step, stage in enumerate((1, 1, 2)):
        log.on_curriculum(step, {"stage": stage, "median": {"best": 0.5}, "recent": [1, 2], "name": "x"})
    assert notes.lines == [
        (0, {"curriculum/stage": 1.0, "curriculum/median/best": 0.5}),
        (2, {"curriculum/stage": 2.0, "curriculum/median/best": 0.5}),
    ]


def test_a_huge_curriculum_state_is_cut() -> None:
    notes = Notes()
    CurriculumLog(notes).on_curriculum(0, {str(i): i for i in range(1000)})
    assert len(notes.lines[0][1]) == MOST_FIGURES


def test_several_callbacks_are_called_in_order_for_every_hook() -> None:
    calls = []

    class Spy(Callback):
        def __init__(self, name):
            self.name = name

        def on_step(self, step, state, info):
            calls.append((self.name, "step", step))

        def on_episode_end(self, step, episodes):
            calls.append((self.name, "end", len(episodes)))

        def on_curriculum(self, step, state):
            calls.append((self.name, "curriculum", state["stage"]))

        def close(self):
            calls.append((self.name, "close", 0))

    both = Callbacks([Spy("a"), Spy("b")])
    both.on_step(4, state(1.0), {})
    both.on_episode_end(4, [episode(0.1)])
    both.on_curriculum(4, {"stage": 2})
    both.close()
    hooks = [("step", 4), ("end", 1), ("curriculum", 2), ("close", 0)]
    assert calls == [(name, *hook) for hook in hooks for name in "ab"]


def test_json_lines_hold_scalars_text_and_relative_sound_paths(tmp_path: Path) -> None:
    logger = JsonlLogger(tmp_path / "run" / "log.jsonl")
    logger.scalars(1, {"match/loss": 0.5, "bad": math.nan})
    logger.text(2, "match/edits", "opened\nclosed")
    logger.audio(3, "match/snapshot/best", tmp_path / "run" / "sounds" / "000000000-best.flac")
    logger.image(3, "match/best/knobs", tmp_path / "elsewhere.png")
    logger.close()
    logger.close()
    assert lines(tmp_path / "run" / "log.jsonl") == [
        {"step": 1, "scalars": {"match/loss": 0.5, "bad": None}},
        {"step": 2, "name": "match/edits", "text": "opened\nclosed"},
        {"step": 3, "name": "match/snapshot/best", "audio": "sounds/000000000-best.flac"},
        {"step": 3, "name": "match/best/knobs", "image": str(tmp_path / "elsewhere.png")},
    ]


def test_a_log_is_continued_after_a_restart_even_from_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"step": 1, "scalars": {}}\n{"step": 2, "sca')
    logger = JsonlLogger(path)
    logger.scalars(3, {})
    logger.close()
    kept = path.read_text().splitlines()
    assert kept[1:] == ['{"step": 2, "sca', '{"step": 3, "scalars": {}}']


def test_a_log_that_cannot_be_opened_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MynaError, match=r"^cannot open .* to log to: .*\.$"):
        JsonlLogger(tmp_path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_costs_lines_is_said_once_and_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    logger = JsonlLogger("/dev/full")
    with caplog.at_level(logging.WARNING):
        logger.scalars(1, {"a": 1.0})
        logger.scalars(2, {"a": 1.0})
    logger.close()
    assert [record.message for record in caplog.records] == [
        "cannot write /dev/full: No space left on device; this line is lost."
    ]


def test_a_line_that_does_not_fit_is_taken_back_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = JsonlLogger(tmp_path / "log.jsonl")
    logger.scalars(1, {})
    whole = logger._file

    class Half:
        """Writes half of what it is given, as a disk does that fills up."""

        closed = False

        def write(self, data):
            return whole.write(data[: len(data) // 2])

        def __getattr__(self, name):
            return getattr(whole, name)

    monkeypatch.setattr(logger, "_file", Half())
    logger.scalars(2, {"a": 1.0})
    monkeypatch.undo()
    logger.scalars(3, {})
    logger.close()
    assert [line["step"] for line in lines(tmp_path / "log.jsonl")] == [1, 3]
