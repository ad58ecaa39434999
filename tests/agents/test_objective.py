"""The objective counts every render, keeps the best and knows the locks."""

from __future__ import annotations

import numpy as np

from myna.agents import Objective
from myna.presets.generator import UniformPrior

from .conftest import hear


def draws(task: Objective, count: int, rng: np.random.Generator) -> np.ndarray:
    return UniformPrior(task.table).sample(count, rng)


def test_more_than_is_left_is_heard_as_far_as_the_budget_goes(objective, rng) -> None:
    task = objective(10)
    assert len(hear(task, draws(task, 8, rng))) == 8
    assert len(hear(task, draws(task, 8, rng))) == 2
    assert (task.renders, task.left) == (10, 0)


def test_the_best_and_its_sound_are_kept(objective, renderer, rng) -> None:
    task = objective(20)
    u = draws(task, 12, rng)
    losses = np.concatenate([hear(task, u[:5]), hear(task, u[5:])])
    assert task.best_loss == losses.min()
    assert np.array_equal(task.best_u, task.constrain(u)[np.argmin(losses)])
    assert np.array_equal(task.best_audio, renderer.render(task.best_u[None], task.goal.probe)[0, 0])
    assert task.renders == 12


def test_the_trail_falls_and_ends_at_the_best(objective, rng) -> None:
    task = objective(30)
    u = draws(task, 30, rng)
    losses = hear(task, u)
    renders, best, presets = zip(*task.trail, strict=True)
    assert list(renders) == sorted(set(renders))
    assert np.all(np.diff(best) < 0)
    assert best[-1] == losses.min()
    assert [losses[at - 1] for at in renders] == list(best)
    assert np.array_equal(presets, task.constrain(u)[np.array(renders) - 1])


def test_a_search_finds_what_it_asked_for_and_how_that_sounded(objective, renderer, rng) -> None:
    task = objective(9)
    u = draws(task, 3, rng)
    losses = hear(task, u)
    assert np.array_equal(task.heard, task.constrain(u))
    assert np.array_equal(task.losses, losses)
    assert np.array_equal(task.audio, renderer.render(task.heard, task.goal.probe)[:, 0])
    assert len(task.features) == len(task.residuals()) == 3


def test_the_target_itself_has_no_loss(objective, target_u) -> None:
    task = objective(1)
    assert hear(task, target_u)[0] == 0.0
    assert not task.residuals().any()


def test_losses_do_not_depend_on_the_batch(objective, rng) -> None:
    task = objective(100)
    u = draws(task, 9, rng)
    together = hear(task, u)
    assert [hear(task, row[None])[0] for row in u] == list(together)


def test_locked_knobs_stay_as_they_are_in_the_start(objective, rng) -> None:
    table = objective(1).table
    start = table.encode(table.defaults)
    frozen = table.mask(["filter", "env_1"])
    task = objective(20, frozen=frozen, start=start)
    hear(task, draws(task, 20, rng))
    u, _ = task.archive.best(20, 0.0)
    assert np.array_equal(u[:, frozen], np.repeat(table.snap(start)[None, frozen], len(u), axis=0))
    assert not np.any(task.open & frozen)


def test_discrete_knobs_are_snapped(objective, rng) -> None:
    task = objective(4)
    hear(task, rng.random((4, len(task.table))))
    assert np.array_equal(task.heard, task.table.snap(task.heard))


def test_a_share_is_all_that_a_part_of_a_search_sees(objective, rng) -> None:
    task = objective(20)
    with task.share(8):
        hear(task, draws(task, 3, rng))
        assert task.left == 5
        with task.share(30):
            assert task.left == 5
    assert task.left == 17


def test_the_archive_returns_presets_that_differ_to_the_ear(objective, rng) -> None:
    task = objective(60)
    u = draws(task, 12, rng)
    hear(task, np.concatenate([u, u, np.clip(u + 1e-4, 0, 1)]))
    found, losses = task.archive.best(12, 1.5)
    assert np.all(np.diff(losses) >= 0)
    assert losses[0] == task.best_loss
    assert len(found) <= 12
    mels = []
    for row in found:
        hear(task, row[None])
        mels.append(task.features.mels[0][0].numpy())
    gaps = [np.mean(np.abs(a - b)) for i, a in enumerate(mels) for b in mels[:i]]
    assert min(gaps) > 1.0
