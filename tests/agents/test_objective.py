"""The objective counts every render, keeps the best and never goes past its budget."""

from __future__ import annotations

import numpy as np
import pytest

from myna.agents import Objective
from myna.agents.base import Spent
from myna.presets.generator import UniformPrior


def draws(task: Objective, count: int, rng: np.random.Generator) -> np.ndarray:
    return UniformPrior(task.table).sample(count, rng)


def test_the_budget_is_spent_to_the_last_render_and_not_exceeded(objective, rng) -> None:
    task = objective(10)
    task.evaluate(draws(task, 8, rng))
    with pytest.raises(Spent):
        task.evaluate(draws(task, 8, rng))
    assert (task.renders, task.left) == (10, 0)
    with pytest.raises(Spent):
        task.evaluate(draws(task, 1, rng))
    assert task.renders == 10


def test_the_best_and_its_sound_are_kept(objective, renderer, rng) -> None:
    task = objective(20)
    u = draws(task, 12, rng)
    losses = np.concatenate([task.evaluate(u[:5]), task.evaluate(u[5:])])
    match = task.match()
    assert match.loss == losses.min()
    assert np.array_equal(match.u, task.constrain(u)[np.argmin(losses)])
    assert np.array_equal(match.audio, renderer.render(match.u[None], task.probe)[0, 0])
    assert match.renders == 12


def test_the_curve_falls_and_ends_at_the_best(objective, rng) -> None:
    task = objective(30)
    losses = task.evaluate(draws(task, 30, rng))
    renders, best = zip(*task.curve, strict=True)
    assert list(renders) == sorted(set(renders))
    assert np.all(np.diff(best) < 0)
    assert best[-1] == losses.min()
    assert [losses[at - 1] for at in renders] == list(best)


def test_the_target_itself_has_no_loss(objective, renderer) -> None:
    from myna.presets.generator import MusicalPrior
    from myna.seeding import generator

    task = objective(1)
    u = MusicalPrior(renderer.table).sample_audible(
        1, generator(3, "target"), lambda rows: renderer.render(rows, task.probe)
    )
    assert task.evaluate(u)[0] == 0.0


def test_losses_do_not_depend_on_the_batch(objective, rng) -> None:
    task = objective(100)
    u = draws(task, 9, rng)
    together = task.evaluate(u)
    assert [task.evaluate(row[None])[0] for row in u] == list(together)


def test_locked_knobs_stay_as_they_are_in_the_start(objective, rng) -> None:
    table = objective(1).table
    start = table.encode(table.defaults)
    frozen = table.mask(["filter", "env_1"])
    task = objective(20, frozen=frozen, start=start)
    task.evaluate(draws(task, 20, rng))
    u, _ = task.archive.best(20, 0.0)
    assert np.array_equal(u[:, frozen], np.repeat(table.snap(start)[None, frozen], len(u), axis=0))
    assert not np.any(task.open & frozen)


def test_discrete_knobs_are_snapped(objective, rng) -> None:
    task = objective(4)
    task.evaluate(rng.random((4, len(task.table))))
    assert np.array_equal(task.match().u, task.table.snap(task.match().u))


def test_a_stop_ends_the_search_and_keeps_the_best(objective, rng) -> None:
    asked = False
    task = objective(50, stop=lambda: asked)
    losses = task.evaluate(draws(task, 6, rng))
    asked = True
    with pytest.raises(Spent):
        task.evaluate(draws(task, 6, rng))
    assert task.match().loss == losses.min()
    assert task.match().renders == 6


def test_a_stop_before_the_first_render_gives_the_default_preset(objective) -> None:
    match = objective(50, stop=lambda: True).match()
    assert np.isfinite(match.loss)
    assert match.renders == 1


def test_progress_is_told_after_each_batch(objective, rng) -> None:
    told = []
    task = objective(10, progress=lambda *news: told.append(news))
    task.evaluate(draws(task, 4, rng))
    task.evaluate(draws(task, 6, rng))
    assert [news[:2] for news in told] == [(4, 10), (10, 10)]
    assert told[-1][2] == task.best_loss


def test_the_archive_returns_presets_that_differ_to_the_ear(objective, rng) -> None:
    task = objective(60)
    u = draws(task, 12, rng)
    task.evaluate(np.concatenate([u, u, np.clip(u + 1e-4, 0, 1)]))
    found, losses = task.archive.best(12, 1.5)
    assert np.all(np.diff(losses) >= 0)
    assert losses[0] == task.best_loss
    assert len(found) <= 12
    mels = []
    for row in found:
        task.evaluate(row[None])
        mels.append(task.features.mels[0][0].numpy())
    gaps = [np.mean(np.abs(a - b)) for i, a in enumerate(mels) for b in mels[:i]]
    assert min(gaps) > 1.0
