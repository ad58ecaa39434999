"""Jobs run in their own process, tell where they are, stop when asked, and belong to whoever knows their id."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from myna.app import jobs as jobs_module
from myna.app.jobs import Job, Jobs
from myna.errors import MynaError, UsageError

LONG = {"steps": 600, "wait_s": 0.1}


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setattr(jobs_module, "KINDS", {"toy": "toy_job"})
    made = Jobs(running=1, unfinished=3, kept=4)
    yield made
    made.close()


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def finish(job: Job) -> Job:
    until(lambda: job.finished)
    return job


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_job_tells_where_it_is_and_gives_its_result_and_its_files(jobs: Jobs) -> None:
    job = finish(jobs.start("toy", {"files": True}, {"given.txt": b"abc"}))
    assert (job.state, job.done, job.total, job.says) == ("done", 2, 3, "counting")
    assert job.points == [[0, 1.0], [1, 0.5], [2, 1 / 3]]
    assert job.result["stopped"] is False and job.result["pid"] != os.getpid()
    assert job.read("found.txt") == b"cba"


def test_a_job_is_found_by_its_id_alone_and_ids_cannot_be_guessed(jobs: Jobs) -> None:
    first, second = finish(jobs.start("toy", {})), finish(jobs.start("toy", {}))
    assert jobs.find(first.id) is first and jobs.find(second.id) is second
    assert len(first.id) >= 22 and first.id != second.id
    assert jobs.find(None) is jobs.find("") is jobs.find(first.id[:-1]) is jobs.find("../" + first.id) is None


@pytest.mark.parametrize("name", ["../x/found.txt", "/etc/passwd", "a/b/c.txt", "", "..", "found.txt\0", "Found.txt"])
def test_a_job_gives_no_file_but_its_own(jobs: Jobs, name: str) -> None:
    assert finish(jobs.start("toy", {})).read(name) is None


def test_the_files_of_a_job_are_readable_by_this_user_alone(jobs: Jobs) -> None:
    job = finish(jobs.start("toy", {}))
    for folder in (job.folder, job.folder.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_job_that_is_stopped_keeps_what_it_has(jobs: Jobs) -> None:
    job = jobs.start("toy", LONG)
    until(lambda: job.done >= 1)
    jobs.stop(job)
    assert finish(job).state == "done" and job.result["stopped"] is True


@pytest.mark.parametrize(
    ("fail", "says"),
    [
        ("known", "This is why."),
        ("unknown", "Something went wrong (ValueError: <b>oops</b>): try again."),
        ("die", "The worker ended before its work was done: try again."),
    ],
)
def test_a_job_that_fails_says_why_in_one_sentence(jobs: Jobs, fail: str, says: str) -> None:
    job = finish(jobs.start("toy", {"fail": fail}))
    assert (job.state, job.says) == ("failed", says)
    assert finish(jobs.start("toy", {})).state == "done"


def test_one_works_while_the_others_wait_and_too_many_are_refused(jobs: Jobs) -> None:
    first, second, third = (jobs.start("toy", LONG) for _ in range(3))
    until(lambda: first.state == "running")
    assert second.state == third.state == "waiting"
    with pytest.raises(MynaError, match="busy"):
        jobs.start("toy", {})
    jobs.stop(second)
    assert (second.state, second.says) == ("failed", "Stopped before it began.")
    jobs.stop(first)
    until(lambda: third.state == "running")
    assert first.state == "done"


def test_a_dropped_job_is_gone_with_its_process_and_its_files(jobs: Jobs) -> None:
    job = jobs.start("toy", LONG)
    until(lambda: job.done >= 1)
    assert job.process is not None
    jobs.drop(job)
    assert jobs.find(job.id) is None and not job.folder.exists() and not alive(job.process.pid)


def test_the_oldest_finished_jobs_are_forgotten_and_unfinished_ones_are_not(jobs: Jobs) -> None:
    first = jobs.start("toy", LONG)
    until(lambda: first.state == "running")
    jobs.stop(first)
    done = [finish(jobs.start("toy", {})) for _ in range(5)]
    assert jobs.find(first.id) is None and not first.folder.exists()
    assert jobs.find(done[0].id) is None and all(jobs.find(job.id) for job in done[2:])


def test_a_warm_worker_takes_the_next_job(jobs: Jobs) -> None:
    jobs.warm("toy")
    jobs.warm("toy")
    assert jobs._spare is not None
    pid = jobs._spare[1].pid
    assert finish(jobs.start("toy", {})).result["pid"] == pid
    assert finish(jobs.start("toy", {})).result["pid"] != pid


def test_nothing_is_left_when_the_app_ends(jobs: Jobs) -> None:
    job = jobs.start("toy", LONG)
    jobs.warm("toy")
    until(lambda: job.done >= 1)
    assert job.process is not None
    jobs.close()
    assert not alive(job.process.pid) and not job.folder.parent.exists()


def test_what_serves_all_sessions_runs_once(jobs: Jobs) -> None:
    job = jobs.once("toy")
    assert job is not None and jobs.once("toy") is finish(job)


def test_unknown_work_is_refused(jobs: Jobs) -> None:
    with pytest.raises(UsageError, match="no work of the kind 'tea'"):
        jobs.start("tea", {})
