"""A script makes the calls that were traced, with the same bits, in whichever thread it was made."""

from __future__ import annotations

import subprocess
import sys

import torch

from myna.envs.traced import as_script
from myna.seeding import generator


def test_a_script_has_the_bits_of_the_calls() -> None:
    def call(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (a.exp().sum(-1) / b.shape[-1], (a @ b.T).clamp_min(0.1))

    first, second = (torch.from_numpy(generator(seed, "traced").normal(size=(7, 33))).float() for seed in (0, 1))
    script = as_script(call, [torch.ones(7, 33), torch.zeros(7, 33)])
    assert all(torch.equal(a, b) for a, b in zip(script(first, second), call(first, second), strict=True))


ENDING = """
import threading, torch
from myna.envs.traced import as_script

def run(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

for samples in (3000, 4000, 5000):
    run(lambda: as_script(lambda x: (x.exp().sum(-1),), [torch.full((64, samples), 0.1)]))
    run(lambda: torch.randn(100_000).sum())  # takes over the memory of the thread that has ended
print("alive")
"""


def test_calls_may_be_traced_by_threads_that_end() -> None:
    ran = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout) == (0, "alive\n"), ran.stderr
