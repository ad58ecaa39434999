"""Tests of the scoring process; a stopped process (SIGSTOP) stands for one that is slow beyond all measure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from myna.envs.callbacks import Episode, Sounds
from myna.envs.embedding import make_scorer, similarity
from myna.envs.embedding_log import EmbeddingLog
from myna.envs.embedding_process import pack, unpack
from myna.envs.embedding_worker import Counts, EmbeddingWorker
from myna.envs.vggish import Vggish
from myna.errors import BackendError, UsageError
from myna.seeding import generator

RATE_HZ = 16_000
PATIENCE_S = 60.0


def sound(i: int, samples: int = 16_000) -> np.ndarray:
    return (0.1 * generator(0, "sound", i).standard_normal((2, samples))).astype(np.float32)


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def is_gone(pid: int) -> bool:
    """Neither running nor a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vggish")
    shapes = Vggish((4, 4, 8, 8, 8, 8), (16, 16), 8).state_dict()
    draw = generator(0, "weights")
    save_file(
        {k: torch.from_numpy(0.3 * draw.standard_normal(v.shape)).float() for k, v in shapes.items()},
        path / "vggish.safetensors",
    )
    return path


@pytest.fixture
def worker(folder: Path) -> Iterator[EmbeddingWorker]:
    with EmbeddingWorker("vggish", folder, capacity=4, restarts=1) as worker:
        yield worker


def stopped_in_the_middle(worker: EmbeddingWorker) -> int:
    """Have the process load its weights, stop it, and give it a pair that it has taken but cannot finish."""
    assert worker.submit(-1, sound(0), sound(1), RATE_HZ)
    assert worker.wait(PATIENCE_S)
    worker.poll()
    pid = worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    assert worker.submit(0, sound(0), sound(1), RATE_HZ)
    eventually(lambda: not worker._waiting)
    return pid


def test_sounds_survive_the_way_through_the_pipe() -> None:
    a, b = sound(0, 7), sound(1, 5)[:1]
    target, render, rate = unpack(pack(a, b, 44_100))
    np.testing.assert_array_equal(target, a)
    np.testing.assert_array_equal(render, b)
    assert rate == 44_100


def test_scores_are_those_of_scoring_in_process_and_a_bad_sound_costs_only_itself(
    worker: EmbeddingWorker, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert worker.submit(0, sound(0), sound(1), RATE_HZ)
    assert worker.submit(1, sound(0), np.full((1, 100), np.nan), RATE_HZ)
    assert worker.submit(2, sound(2), sound(3), RATE_HZ)
    assert worker.wait(PATIENCE_S)
    scores = {score.key: score.similarity for score in worker.poll()}
    scorer = make_scorer("vggish", folder)
    expected = {i: similarity(scorer, sound(i), sound(i + 1), RATE_HZ) for i in (0, 2)}
    assert scores == pytest.approx(expected, abs=1e-6)
    assert len({round(value, 4) for value in scores.values()}) == 2
    assert worker.poll() == []
    assert worker.counts == Counts(submitted=3, scored=2, failed=1)
    assert [r.message for r in caplog.records] == [
        "A sound was not scored (A sound that is empty or not finite has no embedding: render again); training goes on."
    ]


def test_submit_returns_while_the_process_is_stuck_and_what_does_not_fit_is_counted(worker: EmbeddingWorker) -> None:
    """The process cannot move at all, so that a submit which waited for it would never return."""
    pid = stopped_in_the_middle(worker)
    taken = [worker.submit(i, sound(0), sound(1), RATE_HZ) for i in range(1, 11)]
    assert taken == [True] * 4 + [False] * 6
    assert not worker.has_room
    assert worker.poll() == []
    assert worker.counts == Counts(submitted=6, scored=1, pending=5, dropped=6)
    os.kill(pid, signal.SIGCONT)
    assert worker.wait(PATIENCE_S)
    assert sorted(score.key for score in worker.poll()) == [0, 1, 2, 3, 4]
    assert worker.counts == Counts(submitted=6, scored=6, dropped=6)


def test_a_process_killed_in_the_middle_costs_its_pair_and_is_replaced_so_many_times(
    worker: EmbeddingWorker, caplog: pytest.LogCaptureFixture
) -> None:
    first = stopped_in_the_middle(worker)
    assert worker.submit(1, sound(0), sound(1), RATE_HZ)
    os.kill(first, signal.SIGKILL)
    assert worker.wait(PATIENCE_S)
    assert [score.key for score in worker.poll()] == [1]  # by the second process
    assert worker.counts == Counts(submitted=3, scored=2, lost=1, deaths=1)
    assert is_gone(first)
    second = stopped_in_the_middle(worker)
    assert second != first
    assert worker.submit(2, sound(0), sound(1), RATE_HZ)
    assert caplog.records == []
    os.kill(second, signal.SIGKILL)
    assert worker.wait(PATIENCE_S)
    assert not worker.submit(3, sound(0), sound(1), RATE_HZ)
    assert worker.counts == Counts(submitted=6, scored=3, lost=3, deaths=2, dropped=1)
    assert worker.fault == "Scoring by embeddings is off (its process died or hung 2 times); training goes on."
    assert [record.message for record in caplog.records] == [worker.fault]
    assert is_gone(second)


def test_a_process_that_hangs_past_its_time_counts_as_dead(folder: Path) -> None:
    with EmbeddingWorker("vggish", folder, restarts=0, timeout_s=PATIENCE_S) as worker:
        assert worker.submit(0, sound(0), sound(1), RATE_HZ)
        assert worker.wait(PATIENCE_S)
        worker._timeout_s = 0.05
        pid = stopped_after_loading(worker)
        assert worker.submit(1, sound(0, 100), sound(1, 100), RATE_HZ)
        assert worker.wait(PATIENCE_S)
        assert worker.counts == Counts(submitted=2, scored=1, lost=1, deaths=1)
        assert is_gone(pid)


def stopped_after_loading(worker: EmbeddingWorker) -> int:
    pid = worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_closing_in_the_middle_leaves_no_process_and_accounts_for_every_pair(worker: EmbeddingWorker) -> None:
    pid = stopped_in_the_middle(worker)
    assert worker.submit(1, sound(0), sound(1), RATE_HZ)
    worker.close()
    worker.close()
    assert is_gone(pid)
    assert worker.pid is None
    assert not worker.submit(2, sound(0), sound(1), RATE_HZ)
    assert worker.counts == Counts(submitted=3, scored=1, lost=2, dropped=1)


def test_weights_that_cannot_be_loaded_turn_scoring_off_at_the_first_try(folder: Path, tmp_path: Path) -> None:
    tensors = load_file(folder / "vggish.safetensors")
    del tensors["features.0.bias"]
    save_file(tensors, tmp_path / "vggish.safetensors")
    with EmbeddingWorker("vggish", tmp_path) as worker:
        eventually(lambda: worker.fault is not None)
        assert "convert the weights again" in (worker.fault or "")
        assert not worker.submit(0, sound(0), sound(1), RATE_HZ)
        assert worker.counts.deaths == 0
        assert worker.pid is None


def test_what_is_known_to_be_missing_is_said_before_a_process_starts(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"put vggish\.safetensors there"):
        EmbeddingWorker("vggish", tmp_path)
    with pytest.raises(UsageError):
        EmbeddingWorker("ear", tmp_path)


SCRIPT = """
import os, sys, time, signal
from myna.envs.embedding_worker import EmbeddingWorker

if __name__ == "__main__":
    worker = EmbeddingWorker("vggish", sys.argv[1])
    while worker.pid is None:
        time.sleep(0.005)
    print(worker.pid, flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[2] == "raises":
        raise SystemExit(7)
"""


@pytest.mark.parametrize(("end", "code"), [("returns", 0), ("raises", 7), ("killed", -signal.SIGKILL)])
def test_no_process_outlives_a_run_that_never_closed_it(folder: Path, tmp_path: Path, end: str, code: int) -> None:
    script = tmp_path / "run.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script, folder, end], capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stderr) == (code, "")
    eventually(lambda: is_gone(int(done.stdout)))


@dataclass
class Notes:
    lines: list[tuple[int, dict[str, float]]] = field(default_factory=list)

    def scalars(self, step, values):
        self.lines.append((step, dict(values)))

    def text(self, step, name, text): ...
    def audio(self, step, name, path): ...
    def close(self): ...


def test_the_callback_logs_the_mean_similarity_and_renders_nothing_that_would_be_dropped(folder: Path) -> None:
    rendered = []

    def episode(i: int) -> Episode:
        def sounds() -> Sounds:
            rendered.append(i)
            return Sounds(sound(i), sound(i), sound(i), RATE_HZ)

        return Episode(i, 1, 8, 1.0, 0.5, False, sounds, lambda: [])

    notes = Notes()
    worker = EmbeddingWorker("vggish", folder, capacity=2)
    callback = EmbeddingLog(worker, "vggish", notes, every=2, patience_s=PATIENCE_S)
    eventually(lambda: worker.pid is not None)
    pid = stopped_after_loading(worker)
    callback.on_episode_end(64, [episode(i) for i in range(9)])  # 0, 2, 4, 6 and 8 are due, two fit
    callback.on_step(64, None, {})
    assert rendered == [0, 2]
    counts = {"match/embedding/failed": 0, "match/embedding/lost": 0, "match/embedding/deaths": 0}
    assert notes.lines == [(64, {"match/embedding/dropped": 3} | counts)]
    os.kill(pid, signal.SIGCONT)
    assert worker.wait(PATIENCE_S)
    callback.on_step(128, None, {})
    callback.on_step(192, None, {})
    callback.close()
    callback.close()
    same = {"match/embedding/vggish": 1.0, "match/embedding/dropped": 3}
    assert [step for step, _ in notes.lines] == [64, 128]
    assert notes.lines[1][1] == pytest.approx(same | counts)
    assert is_gone(pid)
