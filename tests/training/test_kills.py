"""Killed at any moment, a training goes on and loses one interval at most."""

from __future__ import annotations

import json
import multiprocessing
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from tests.training.tiny import tiny

from myna.seeding import generator
from myna.training.checkpoint import checkpoints
from myna.training.run import Training

INTERVAL, CYCLE = 24, 4
SETTINGS = (f"run.checkpoint_every={INTERVAL}", "run.evaluate_every=100000")
STEPS = {20: 1_200, 200: 6_000}
"""By kills, so that the last one still meets a training that goes on."""
# Children of a server that has everything imported already: a start takes some seconds less.
CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload(
    ["myna.training.sac", "myna.training.run", "torch.utils.tensorboard", "torch._dynamo", "torch._refs"]
)


def train(out: Path, steps: int, begun) -> None:
    Training(tiny(f"run.steps={steps}", *SETTINGS), out, resume=True, watch=lambda status: begun.set()).run()


def child(out: Path, steps: int, delay_s: float | None) -> int:
    """Exit code of a training, killed so long after it began to learn, or not at all."""
    begun = CHILDREN.Event()
    process = CHILDREN.Process(target=train, args=(out, steps, begun))
    process.start()
    if delay_s is not None:
        begun.wait(60)
        time.sleep(delay_s)
        process.kill()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def reached(out: Path) -> int:
    """The last step that was logged; a torn last line is none."""
    steps = [0]
    for line in (out / "log.jsonl").read_bytes().splitlines():
        try:
            steps.append(json.loads(line)["step"])
        except ValueError:
            assert line == (out / "log.jsonl").read_bytes().splitlines()[-1]
    return steps[-1]


def kept(out: Path) -> int:
    found = checkpoints(out / "checkpoints")
    return int(found[0].name.removeprefix("step-")) if found else 0


def endure(kills: int, out: Path, rng: np.random.Generator) -> None:
    for _ in range(kills):
        before = kept(out)
        assert child(out, STEPS[kills], float(rng.exponential(0.25))) == -signal.SIGKILL
        assert kept(out) >= before and reached(out) - kept(out) <= INTERVAL + CYCLE
    assert child(out, STEPS[kills], None) == 0


def check(kills: int, folder: Path) -> None:
    endure(kills, folder / "killed", generator(0, "kills"))
    assert child(folder / "whole", STEPS[kills], None) == 0
    for name in ("state.safetensors", "sac.safetensors"):
        one, other = (
            (checkpoints(folder / which / "checkpoints")[0] / name).read_bytes() for which in ("killed", "whole")
        )
        assert one == other


def test_a_training_that_is_killed_20_times_always_resumes_to_the_bit(tmp_path: Path) -> None:
    check(20, tmp_path)


@pytest.mark.soak
def test_a_training_that_is_killed_200_times_always_resumes_to_the_bit(tmp_path: Path) -> None:
    check(200, tmp_path)
