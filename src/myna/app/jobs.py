"""Long work in the background: one child process per job, its progress, stop and result, kept while the app runs.

A process and not a thread: a search holds the interpreter between its kernels, and on two cores the page would stutter;
a process also gives its memory back, and can be ended for sure. It is a plain child that speaks JSON lines over its
pipes (`worker.py`), so nothing is pickled.

A job belongs to whoever knows its id, which cannot be guessed: sessions keep theirs in the URL, so a reload finds the
job again, and nobody can list what others do. Files of a job lie in a folder of its own that only this user can read.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from myna.errors import MynaError, UsageError

__all__ = ["KINDS", "Job", "Jobs", "the_jobs"]

KINDS: dict[str, str] = {
    "match": "myna.app.match_job",
    "export": "myna.app.export_job",
    "speed": "myna.app.speed_job",
    "import": "myna.app.import_job",
    "pictures": "myna.app.pictures_job",
}
"""Kind of work → the module whose `run(request, desk)` does it; new work is one file and one line here."""

RUNNING = 1
"""At once: a search takes both cores of a small machine; the others wait their turn."""
UNFINISHED = 8
KEPT = 24
KEPT_S = 6 * 3600.0
POINTS = 5000
UNBEGUN = "Stopped before it began."
_FILE = re.compile(r"(?:[a-z]+/)?[a-z0-9_]+\.[a-z]+")


@dataclass
class Job:
    """One piece of work, as it stands.

    Attributes:
        id: unguessable; who knows it owns the job.
        kind: one of KINDS.
        folder: what it was given and what it makes.
        request: what was asked for, as JSON holds it.
        state: `waiting`, `running`, `done` or `failed`.
        done, total: progress in the job's own unit; total is 0 until it is known.
        says: one short line of what it is doing, or of why it failed.
        news: what the worker told last, by name.
        points: a curve that grows: [done, value] each.
        result: what it found, once done.
        stopped: whether it was asked to stop.
        phase_s: when the total became known or changed, on the monotonic clock.
    """

    id: str
    kind: str
    folder: Path
    request: Mapping[str, Any]
    state: str = "waiting"
    done: int = 0
    total: int = 0
    says: str = ""
    news: dict[str, Any] = field(default_factory=dict)
    points: list[list[float]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    stopped: bool = False
    phase_s: float = 0.0
    began_s: float = field(default_factory=time.monotonic)
    process: subprocess.Popen[str] | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("done", "failed")

    def read(self, name: str) -> bytes | None:
        """A file of the job, or None while there is none; only plain names are looked up, at most one folder deep."""
        if not _FILE.fullmatch(name):
            return None
        with contextlib.suppress(OSError):
            return (self.folder / name).read_bytes()
        return None


class Jobs:
    """All jobs of one app.

    Args:
        running: how many work at once.
        unfinished: how many may wait or work; more are refused.
        kept: how many are remembered; the oldest finished ones go first.
    """

    def __init__(self, running: int = RUNNING, unfinished: int = UNFINISHED, kept: int = KEPT) -> None:
        """See the class."""
        self.unfinished, self.kept = unfinished, kept
        self._turns = threading.BoundedSemaphore(running)
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._once: dict[str, Job] = {}
        self._spare: tuple[str, subprocess.Popen[str]] | None = None
        self._root = Path(tempfile.mkdtemp(prefix="myna-app-"))  # readable by this user alone
        atexit.register(self.close)

    def start(self, kind: str, request: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> Job:
        """Begin a job, or queue it.

        Args:
            kind: one of KINDS.
            request: what the worker is told, as JSON holds it.
            files: what it needs, by plain names; put into the job's folder.

        Raises:
            UsageError: unknown kind.
            MynaError: too much is going on.
        """
        if kind not in KINDS:
            raise UsageError(f"There is no work of the kind '{kind}': use one of {', '.join(KINDS)}.")
        with self._lock:
            self._tidy()
            if sum(not job.finished for job in self._jobs.values()) >= self.unfinished:
                raise MynaError("The app is busy with other work: try again when something has finished.")
            name = secrets.token_urlsafe(16)
            job = Job(name, kind, self._root / name, dict(request))
            self._jobs[name] = job
        job.folder.mkdir(mode=0o700)
        for file, data in (files or {}).items():
            (job.folder / file).write_bytes(data)
        threading.Thread(target=self._follow, args=(job,), name=f"myna-{kind}", daemon=True).start()
        return job

    def once(self, kind: str) -> Job | None:
        """The one job of a kind that takes no request and serves all sessions; None while there is no room for it."""
        job = self._once.get(kind)
        if job is None or job.state == "failed":
            try:
                job = self._once[kind] = self.start(kind, {})
            except MynaError:
                return None
        return job

    def find(self, name: str | None) -> Job | None:
        """The job of that id, or None."""
        with self._lock:
            return self._jobs.get(name or "")

    def stop(self, job: Job) -> None:
        """Ask a job to end and to keep what it has; one that still waits is dropped."""
        job.stopped = True
        if job.state == "waiting":
            job.says, job.state = UNBEGUN, "failed"
        with contextlib.suppress(OSError, ValueError):  # it has just ended
            if job.process is not None:
                _send(job.process, "stop")

    def drop(self, job: Job) -> None:
        """End a job now and forget it, files and all."""
        with self._lock:
            self._jobs.pop(job.id, None)
        self._remove(job)

    def warm(self, kind: str) -> None:
        """Start a worker ahead of its job, so that its libraries are loaded when the job comes; harmless twice."""
        with self._lock:
            if self._spare is None and all(job.finished for job in self._jobs.values()):
                self._spare = (kind, _spawn(KINDS[kind]))

    def close(self) -> None:
        """End all work and remove all files."""
        with self._lock:
            jobs, self._jobs, spare, self._spare = list(self._jobs.values()), {}, self._spare, None
        for job in jobs:
            self._remove(job)
        if spare is not None:
            _end(spare[1])
        shutil.rmtree(self._root, ignore_errors=True)

    def _remove(self, job: Job) -> None:
        job.stopped = True
        if job.process is not None:
            _end(job.process)
        shutil.rmtree(job.folder, ignore_errors=True)

    def _tidy(self) -> None:
        """Forget what is too old or too much; the lock is held."""
        finished = [job for job in self._jobs.values() if job.finished]
        late = time.monotonic() - KEPT_S
        excess = len(self._jobs) + 1 - self.kept
        for place, job in enumerate(finished):
            if place < excess or job.began_s < late:
                del self._jobs[job.id]
                self._remove(job)

    def _follow(self, job: Job) -> None:
        """The job's thread: wait for a turn, start the worker, take down what it says."""
        with self._turns:
            if job.stopped:
                job.says, job.state = UNBEGUN, "failed"
                return
            with contextlib.suppress(OSError, ValueError):  # a worker that was killed leaves half a line
                self._run(job)
            if not job.finished:
                job.says, job.state = "The worker ended before its work was done: try again.", "failed"

    def _run(self, job: Job) -> None:
        process = job.process = self._take_spare(job.kind) or _spawn(KINDS[job.kind])
        job.state = "running"
        _send(process, json.dumps({"folder": str(job.folder), "request": job.request}))
        if job.stopped:
            self.stop(job)
        for line in process.stdout or ():
            _take_down(job, json.loads(line))
        process.wait()
        _end(process)

    def _take_spare(self, kind: str) -> subprocess.Popen[str] | None:
        with self._lock:
            spare = self._spare
            if spare is None or spare[0] != kind:
                return None
            self._spare = None
        return spare[1] if spare[1].poll() is None else None


@functools.cache
def the_jobs() -> Jobs:
    """The jobs of this process, shared by all sessions."""
    return Jobs()


def _spawn(module: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - this interpreter, and code of our own
        [sys.executable, "-m", "myna.app.worker", module],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C is for the app, which then closes the pipe
    )


def _send(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin is not None:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and leave nothing of it behind."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError, ValueError):
            if pipe is not None:
                pipe.close()


def _take_down(job: Job, message: Mapping[str, Any]) -> None:
    """One line of the worker."""
    for name, take in _PARTS.items():
        if name in message:
            take(job, message[name])


def _total(job: Job, value: int) -> None:
    if value != job.total:
        job.total, job.phase_s = value, time.monotonic()


def _point(job: Job, value: list[float]) -> None:
    if len(job.points) < POINTS:
        job.points.append(value)


def _result(job: Job, value: dict[str, Any]) -> None:
    job.result, job.state = value, "done"


def _error(job: Job, value: str) -> None:
    job.says, job.state = value, "failed"


_PARTS: dict[str, Callable[[Job, Any], None]] = {
    "done": lambda job, value: setattr(job, "done", value),
    "total": _total,
    "says": lambda job, value: setattr(job, "says", value),
    "news": lambda job, value: job.news.update(value),
    "point": _point,
    "result": _result,
    "error": _error,
}
