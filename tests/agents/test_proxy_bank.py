"""A bank that is never rendered: nearest first as the proxy hears it, as loud as the target, locks kept, no renders."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from myna.agents import Goal, Objective
from myna.agents.ear import Ear
from myna.agents.proxy_bank import ProxyBank, _known, _loudness
from myna.agents.proxy_net import IMPORTANCE, clipped, load_proxy
from myna.envs.statistics import load_statistics
from myna.envs.summary import summarise
from myna.features import TRAINING, analyse
from myna.presets.factory import load_trainable
from myna.seeding import generator
from myna.synth.renderer import Renderer


@pytest.fixture(scope="module")
def bank(renderer: Renderer) -> ProxyBank:
    return ProxyBank(renderer, drawn=200, guessed=200)


def test_the_nearest_come_first_and_nothing_is_rendered(
    bank: ProxyBank, renderer: Renderer, objective: Callable[[int], Objective], goal: Goal
) -> None:
    task = objective(10)
    found = bank.nearest(task, 60, generator(0, "bank"))
    aim, (net, _) = Ear(renderer).aim(goal.audio, goal.probe), load_proxy(renderer.table)
    said = net(torch.from_numpy(found), aim.played.expand(len(found), -1))
    far = ((said - clipped(aim.summary)).abs() * IMPORTANCE).sum(-1).numpy()
    assert found.shape == (60, len(renderer.table)) and task.renders == 0
    assert np.all(np.diff(far) > -1e-5) and far[-1] > 1.05 * far[0]
    assert np.array_equal(found, renderer.table.snap(found))


def test_it_is_drawn_from_the_generator_alone(bank: ProxyBank, objective: Callable[[int], Objective]) -> None:
    one, two, other = (bank.nearest(objective(10), 60, generator(seed, "bank")) for seed in (0, 0, 1))
    assert np.array_equal(one, two) and not np.array_equal(one, other)


def test_locked_knobs_stay_and_the_start_comes_first(bank: ProxyBank, renderer: Renderer, goal: Goal) -> None:
    table = renderer.table
    frozen = table.mask(["master", "filter"])
    start = table.snap(table.encode(table.defaults))
    found = bank.nearest(
        Objective(renderer, Goal(goal.audio, goal.probe, "", frozen, start), 10), 40, generator(0, "b")
    )
    assert np.array_equal(found[:, frozen], np.repeat(start[None, frozen], 40, axis=0))
    assert np.array_equal(found[0], start) and not (found[1:] == start).all(-1).any()


def test_presets_of_the_prior_are_taken_as_loud_as_the_target(renderer: Renderer, goal: Goal) -> None:
    prior = ProxyBank(renderer, drawn=300, guessed=0)
    task = Objective(renderer, goal, 10)
    found = prior.nearest(task, 20, generator(0, "bank"))
    volume = renderer.table.index["master.volume_db"]
    kept = np.delete(_known(renderer.table, 300), volume, axis=1)
    assert all(np.any(np.all(np.abs(kept - row) < 1e-9, axis=1)) for row in np.delete(found, volume, axis=1))
    heard = analyse(renderer.render(found, goal.probe)[:, 0], renderer.sample_rate, TRAINING)
    off = heard.loudness_lufs - task.target.features.loudness_lufs
    assert float(off.abs().median()) < 3.0


def test_loudness_is_read_in_lufs_and_held_out_presets_are_not_known(renderer: Renderer, goal: Goal) -> None:
    quiet, loud = (analyse(scale * goal.audio[None], renderer.sample_rate, TRAINING) for scale in (0.25, 0.5))
    said = [_loudness(load_statistics().standardise(summarise(one))) for one in (quiet, loud)]
    assert float(said[1] - said[0]) == pytest.approx(6.02, abs=0.05)
    trainable = [preset.u(renderer.table) for preset in load_trainable(renderer.table)]
    known = _known(renderer.table, 10)
    assert len(known) == len(trainable) + 10
    assert np.array_equal(known[: len(trainable)], np.reshape(trainable, (-1, len(renderer.table))))
