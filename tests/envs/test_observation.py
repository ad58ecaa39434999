"""Observations say what the layout says, in their places, within their bounds."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.envs.worlds import short

from myna.envs import noise_floor, statistics
from myna.envs.core import Core, CoreConfig, EndConfig
from myna.envs.curriculum import Curriculum
from myna.envs.observation import CLIP, ObservationLayout
from myna.envs.state import State
from myna.envs.summary import SHAPES, SIZE, summarise
from myna.features import TRAINING, Features, analyse, pooled_mel
from myna.loss import BROKEN
from myna.seeding import generator
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.parameters import TABLE


@pytest.fixture(scope="module", params=[(60,), (48, 60, 72)], ids=["one note", "three notes"])
def core(request, renderer: Renderer) -> Core:
    core = Core(renderer, CoreConfig(ends=EndConfig(0.0, None)), len(request.param))
    core.notes = request.param
    return core


@pytest.fixture(scope="module")
def states(core: Core) -> list[State]:
    """Five environments, of stages 2 and 6, from the start to the third random step."""
    curriculum = Curriculum.from_file(overrides=short(core.notes), renderer=core.renderer)
    random = generator(0, "observation")
    tasks = curriculum.sample(2, random, 2), curriculum.sample(3, random, 6)
    states = [core.reset(type(tasks[0]).cat(tasks))]
    for _ in range(3):
        states.append(core.step(states[-1], random.uniform(-1, 1, (5, 523)).astype(np.float32)).state)
    return states


@pytest.fixture(scope="module")
def parts(core: Core, states: list[State]) -> dict[str, torch.Tensor]:
    """Of the last state."""
    return core.layout.split(core.observe(states[-1]))


# The layout


def test_the_parts_lie_side_by_side_and_fill_the_vector(core: Core) -> None:
    places = [core.layout.slices[part.name] for part in core.layout.parts]
    assert places[0].start == 0 and places[-1].stop == core.layout.size == core.layout.flat_space.shape[0]
    assert all(a.stop == b.start for a, b in itertools.pairwise(places))


def test_the_flat_vector_and_the_parts_hold_the_same(core: Core, states: list[State]) -> None:
    flat = core.observe(states[-1])
    split = core.layout.split(flat)
    assert torch.equal(torch.cat([split[part.name].flatten(1) for part in core.layout.parts], 1), flat)
    assert [tuple(split[part.name].shape[1:]) for part in core.layout.parts] == [p.shape for p in core.layout.parts]


def test_every_observation_lies_in_its_space_in_both_forms(core: Core, states: list[State]) -> None:
    for state in states:
        flat = core.observe(state).numpy()
        for row in flat:
            assert row in core.layout.flat_space
            assert core.layout.split(row) in core.layout.dict_space


def test_every_part_is_described(core: Core) -> None:
    rows = core.layout.describe()
    assert [row[0] for row in rows] == [part.name for part in core.layout.parts]
    assert all(len(row) == 5 and all(row) for row in rows)
    with pytest.raises(KeyError):
        core.layout["colour"]


# What is heard


def current_sound(core: Core, state: State) -> Features:
    return analyse(core.renderer.render(state.u, state.tasks.probes), core.renderer.sample_rate, TRAINING)


def test_the_images_are_the_standardised_log_mels(core: Core, states: list[State], parts) -> None:
    known = statistics.load_statistics()
    mean, spread = (values[:384].reshape(12, 32) for values in (known.mean, known.spread))
    state = states[-1]
    for name, features in (("target", state.tasks.target), ("current", current_sound(core, state))):
        wanted = ((pooled_mel(features) - mean) / spread).clamp(-CLIP, CLIP)
        assert torch.allclose(parts[f"{name}_mel"], wanted, atol=1e-5)


def test_the_current_sound_is_that_of_the_current_preset(core: Core, states: list[State], parts) -> None:
    state = states[-1]
    heard = statistics.load_statistics().standardise(summarise(current_sound(core, state)))
    sizes = [math.prod(shape) for shape in SHAPES.values()]
    for name, wanted in zip(SHAPES, heard.split(sizes, -1), strict=True):
        assert torch.equal(parts[f"current_{name}"].flatten(2), wanted.clamp(-CLIP, CLIP)), name


def test_the_difference_is_target_minus_current(parts) -> None:
    for name in SHAPES:
        target, current = parts[f"target_{name}"], parts[f"current_{name}"]
        inside = (target.abs() < CLIP) & (current.abs() < CLIP)
        wanted = (target - current).clamp(-CLIP, CLIP)
        assert inside.any()
        assert torch.allclose(parts[f"difference_{name}"][inside], wanted[inside], atol=1e-5)


def test_the_summary_of_a_target_is_made_once_per_episode(core: Core, states: list[State]) -> None:
    assert all(state.target_summary is states[0].target_summary for state in states)


def test_a_summary_has_the_same_bits_in_any_batch(core: Core, states: list[State]) -> None:
    heard = current_sound(core, states[-1])
    together = summarise(heard)
    assert together.shape[-1] == SIZE
    for row in range(5):
        assert torch.equal(summarise(heard[row : row + 1])[0], together[row])


def test_a_sound_that_is_shorter_than_the_stretches_has_a_summary_too() -> None:
    blip = 0.1 * torch.sin(torch.arange(2000) * 0.1)
    assert torch.isfinite(summarise(analyse(blip.expand(1, 2, -1), 44_100, TRAINING))).all()


# Losses, knobs, time


def test_losses_are_told_as_logarithms(states: list[State], core: Core, parts) -> None:
    state = states[-1]
    assert torch.allclose(parts["loss"][:, 0], state.loss.log10(), atol=1e-6)
    assert torch.allclose(parts["best_loss"][:, 0], state.best_loss.log10(), atol=1e-6)
    assert torch.allclose(parts["gap"], parts["loss"] - parts["best_loss"], atol=1e-6)
    assert (parts["gap"] > 0.0).any()
    wanted = torch.stack([state.terms[name] for name in core.layout.terms], 1).clamp_min(1e-3).log10()
    assert torch.allclose(parts["terms"], wanted, atol=1e-6)


@pytest.mark.parametrize("loss", [0.0, 1e-9, BROKEN, 3 * BROKEN])
def test_no_loss_leaves_the_bounds(core: Core, states: list[State], loss: float) -> None:
    every = torch.full((5,), loss)
    best = torch.minimum(every, states[-1].best_loss)
    state = replace(states[-1], loss=every, best_loss=best, terms=dict.fromkeys(core.layout.terms, every))
    assert core.observe(state).numpy()[0] in core.layout.flat_space


def test_knobs_are_told_where_they_are(core: Core, states: list[State], parts) -> None:
    state = states[-1]
    assert torch.allclose(parts["ordered"].double(), 2.0 * state.raw_u[:, core.layout.ordered] - 1.0, atol=1e-6)
    start = 0
    values = TABLE.decode(state.u.numpy())
    for column in core.layout.choices:
        count = int(TABLE.steps[column])
        block = parts["choices"][:, start : start + count]
        assert torch.equal(block.sum(1), torch.ones(5))
        assert block.argmax(1).tolist() == values[:, column].astype(int).tolist()
        start += count
    assert start == parts["choices"].shape[1]


def test_the_mask_and_the_bound_are_the_tasks(states: list[State], parts) -> None:
    assert torch.equal(parts["open"].bool(), states[-1].tasks.open)
    assert torch.allclose(parts["bound"][:, 0].double(), states[-1].tasks.bound)


def test_the_previous_action_is_what_moved_in_bounds(core: Core, states: list[State], parts) -> None:
    before, state = states[-2], states[-1]
    ordered = core.layout.ordered
    way = (state.raw_u - before.raw_u)[:, ordered] / state.tasks.bound[:, None]
    assert torch.allclose(parts["previous_action"][:, ordered].double(), way, atol=1e-6)
    changed = (state.u != before.u)[:, core.layout.choices]
    assert torch.equal(parts["previous_action"][:, core.layout.choices].bool(), changed)
    assert parts["previous_action"].abs().max() <= 1.0 + 1e-6
    assert not core.layout.split(core.observe(states[0]))["previous_action"].any()


def test_time_runs_out_at_the_horizon(core: Core, states: list[State]) -> None:
    left = [core.layout.split(core.observe(state))["time_left"][:, 0] for state in states]
    horizon = states[0].tasks.horizon
    for step, share in enumerate(left):
        assert torch.allclose(share, ((horizon - step) / horizon).float())


def test_the_notes_are_told(core: Core, parts) -> None:
    wanted = torch.tensor([[note / 127, 100 / 127, 0.1 / 0.15] for note in core.notes])
    assert torch.allclose(parts["probe"], wanted.expand(5, -1, -1))


def test_a_layout_needs_no_synth() -> None:
    layout = ObservationLayout(TABLE, ["log_mel"], 4)
    assert layout["target_mel"].shape == (4, 12, 32)
    assert layout.size > 4 * 3 * SIZE


# What ships with the package


def test_the_statistics_fit_fresh_presets(renderer: Renderer) -> None:
    curriculum = Curriculum.from_file(renderer=renderer)
    tasks = curriculum.sample(150, generator(1, "fresh"), 6)
    standard = statistics.load_statistics().standardise(summarise(tasks.target))[:, 0]
    assert standard.mean(0).abs().max() < 0.35
    lively = statistics.load_statistics().spread > 12.5  # others have a floor under their spread
    assert lively.sum() > 100
    assert standard.std(0)[lively].median() == pytest.approx(1.0, abs=0.15)
    assert (standard.abs() > CLIP).float().mean() < 0.002


def test_the_statistics_are_made_again_by_their_command(tmp_path, monkeypatch) -> None:
    outs = [tmp_path / name for name in "ab"]
    for out in outs:
        monkeypatch.setattr("sys.argv", ["statistics", "--presets", "12", "--seed", "3", "--out", str(out)])
        statistics.main()
    assert outs[0].read_bytes() == outs[1].read_bytes()
    made = json.loads(outs[0].read_text())
    shipped = json.loads(statistics.PATH.read_text())
    assert made["command"] == "python -m myna.envs.statistics --presets 12 --seed 3"
    assert "--presets 10000" in shipped["command"]
    assert {k: len(v["mean"]) for k, v in made["parts"].items()} == {k: math.prod(s) for k, s in SHAPES.items()}
    assert {k: len(v["spread"]) for k, v in shipped["parts"].items()} == {k: math.prod(s) for k, s in SHAPES.items()}


def test_the_success_threshold_is_the_noise_floor(renderer: Renderer) -> None:
    losses = noise_floor.measure(Curriculum.from_file(renderer=renderer), 120, 5)
    random = losses[losses > noise_floor.SILENT_DIFFERENCE]
    assert EndConfig().success_loss == noise_floor.success_loss()
    assert np.percentile(random, 35) < noise_floor.success_loss() < np.percentile(random, 65)
