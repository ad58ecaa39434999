"""Learned agents hear in a search what they heard in training: the observations of the environment itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from myna.agents.ear import Ear, Situation, row_view
from myna.audio.target import Target
from myna.envs.core import Core
from myna.envs.state import State
from myna.envs.task import TaskBatch, tasks_from_recordings
from myna.loss import BROKEN
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer


@pytest.fixture(scope="module")
def sounds(renderer: Renderer) -> dict[float, Target]:
    """A preset's sound, recorded for 0.6 s and for 1.6 s, held for longer than the shorter lasts."""
    u = MusicalPrior(renderer.table).sample_audible(
        1, generator(4, "ear"), lambda rows: renderer.render(rows, Probe(52, 90, 0.5, 1.0))
    )
    return {
        total_s: Target(
            renderer.render(u, Probe(52, 90, 1.3, total_s))[0, 0], 44_100, "x", 52.0, 90, 0.55, total_s, 0.0, True, ()
        )
        for total_s in (0.6, 1.6)
    }


def tasks_of(target: Target, renderer: Renderer) -> TaskBatch:
    return tasks_from_recordings([target], renderer.table, total_s=1.0, bound=0.2)


def observed(ear: Ear, state: State, target: Target, audio: np.ndarray) -> torch.Tensor:
    """What a search observes in the place of that state."""
    aim = ear.aim(target.audio, Probe(target.note_midi, target.velocity, target.gate_s, target.total_s))
    where = Situation(
        state.raw_u,
        state.moved,
        state.tasks.open,
        state.best_loss,
        int(state.step),
        int(state.tasks.horizon),
        float(state.tasks.bound),
    )
    return row_view(ear.table)(ear.rows(aim, ear.hear(audio, aim), where)).observation


@pytest.mark.parametrize("total_s", [0.6, 1.6])
def test_a_search_observes_what_the_environment_would(
    total_s: float, renderer: Renderer, sounds: dict[float, Target]
) -> None:
    core, target, ear = Core(renderer), sounds[total_s], Ear(renderer)
    state = core.reset(tasks_of(target, renderer))
    rng = generator(0, "actions")
    for _ in range(3):
        # Rendered for longer than the environment would: what comes after the first second is not heard.
        probe = Probe(target.note_midi, target.velocity, target.gate_s, 1.0 + total_s)
        audio = renderer.render(state.u.numpy(), probe)[:, 0]
        assert torch.equal(observed(ear, state, target, audio), core.observe(state))
        flat = torch.from_numpy(rng.uniform(-1.0, 1.0, (1, core.decoder.layout.size)))
        state = core.step(state, flat).state


def test_the_hold_of_a_long_note_is_heard_as_one_of_a_second(renderer: Renderer, sounds: dict[float, Target]) -> None:
    played = Ear(renderer).aim(sounds[1.6].audio, Probe(52, 90, 1.5, 1.6)).played
    assert played.tolist() == [[52 / 127, 90 / 127, 1.0]]


def test_a_sound_does_not_depend_on_what_is_heard_beside_it(renderer: Renderer, sounds: dict[float, Target]) -> None:
    ear = Ear(renderer)
    aim = ear.aim(sounds[0.6].audio, Probe(52, 90, 0.5, 0.6))
    audio = renderer.render(renderer.table.sample(3, generator(1, "beside")), Probe(52, 90, 0.5, 1.0))[:, 0]
    together, alone = ear.hear(audio, aim), ear.hear(audio[1:2], aim)
    assert all(torch.equal(one[1:2], other) for one, other in zip(together, alone, strict=True))


def test_a_broken_sound_costs_what_it_costs_in_the_environment(renderer: Renderer, sounds: dict[float, Target]) -> None:
    ear = Ear(renderer)
    aim = ear.aim(sounds[0.6].audio, Probe(52, 90, 0.5, 0.6))
    heard = ear.hear(np.full((1, 2, 44_100), np.nan, np.float32), aim)
    assert heard.loss.item() == BROKEN
    assert torch.isfinite(heard.summary).all()
