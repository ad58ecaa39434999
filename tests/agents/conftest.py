"""What the agents' tests share: a renderer, a small bank, and targets that the synth can reach."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.agents.nets import save_actor, save_proxy, save_regression
from threadpoolctl import threadpool_limits

import myna.retrieval.bank
from myna.agents import Goal, Objective, Search, Watch
from myna.agents.lockstep import run
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

PROBE = Probe(55, 100, 0.25, 0.4)


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return Renderer(threads=1)


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread() -> Iterator[None]:
    """As `match_target` sees to."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(scope="session", autouse=True)
def small_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bank of a few presets in a folder of its own: the real one takes a minute to build."""
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(myna.retrieval.bank, "DRAWS", 24)
        patch.setattr(myna.retrieval.bank, "UNIFORM_DRAWS", 4)
        patch.setattr(myna.retrieval.bank, "load_trainable", lambda _: ())
        patch.setattr(myna.retrieval.bank, "bank_dir", lambda: folder)
        myna.retrieval.bank.forget()
        yield folder
        myna.retrieval.bank.forget()


@pytest.fixture(scope="session")
def folder(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights that know nothing: a regression, a proxy, and an actor with foresight by it."""
    folder = tmp_path_factory.mktemp("weights")
    save_regression(renderer.table, folder)
    save_actor(renderer.table, folder, foresight=str(save_proxy(renderer.table, folder)))
    return folder


@pytest.fixture(scope="session")
def target_u(renderer: Renderer) -> np.ndarray:
    """A preset of the musical prior that can be heard, (1, P)."""
    return MusicalPrior(renderer.table).sample_audible(
        1, generator(3, "target"), lambda rows: renderer.render(rows, PROBE)
    )


@pytest.fixture(scope="session")
def goal(renderer: Renderer, target_u: np.ndarray) -> Goal:
    """The sound of `target_u`."""
    return Goal(renderer.render(target_u, PROBE)[0, 0], PROBE)


@pytest.fixture
def objective(renderer: Renderer, goal: Goal):
    """Makes an objective of the goal: objective(budget, **more), where locks and a watch may be among the more."""

    def make(budget: int, watch: Watch | None = None, **locks) -> Objective:
        return Objective(renderer, dataclasses.replace(goal, **locks), budget, watch or Watch())

    return make


def drive(task: Objective, search: Search) -> Objective:
    """Run a search for one goal to its end."""
    (task,) = run([(task, search)], task.budget, task.watch)
    return task


def hear(task: Objective, u: np.ndarray) -> np.ndarray:
    """Losses of presets (n, P), with what a search would then find in the objective."""

    def search() -> Search:
        yield u

    return drive(task, search()).losses


@pytest.fixture
def rng() -> np.random.Generator:
    return generator(0, "test")
