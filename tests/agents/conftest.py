"""What the agents' tests share: a renderer, a small bank, and targets that the synth can reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import myna.retrieval.bank
from myna.agents import Objective
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
        patch.setattr(myna.retrieval.bank, "load_factory", lambda _: ())
        patch.setattr(myna.retrieval.bank, "bank_dir", lambda: folder)
        myna.retrieval.bank.forget()
        yield folder
        myna.retrieval.bank.forget()


@pytest.fixture
def objective(renderer: Renderer):
    """Makes an objective whose target is a preset of the musical prior: objective(budget, **more)."""
    from myna.presets.generator import MusicalPrior
    from myna.seeding import generator

    u = MusicalPrior(renderer.table).sample_audible(
        1, generator(3, "target"), lambda rows: renderer.render(rows, PROBE)
    )
    audio = renderer.render(u, PROBE)[0, 0]

    def make(budget: int, **more) -> Objective:
        more = {"renderer": renderer, "probe": PROBE, "audio": audio, **more}
        return Objective(budget=budget, **more)

    return make


@pytest.fixture
def rng() -> np.random.Generator:
    from myna.seeding import generator

    return generator(0, "test")
