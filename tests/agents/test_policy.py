"""An agent that edits plays in a search the episode that the environment would, then others from its best."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.agents.nets import save_actor, save_regression

from myna.agents import Goal
from myna.agents.policy import CloningPolicy, EditingAgent, SACPolicy, _noise
from myna.agents.regression import Regression
from myna.agents.rows import RowView
from myna.audio.target import Target
from myna.envs.action import ActionConfig
from myna.envs.core import Core, CoreConfig, EndConfig
from myna.envs.task import tasks_from_recordings
from myna.errors import IncompatibleVersionError, UsageError
from myna.features import one_core
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

PROBE, HORIZON = Probe(50, 90, 0.6, 1.0), 5


@pytest.fixture(scope="module")
def folder(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    save_regression(renderer.table, folder)
    for kind in ("sac", "cloning"):
        save_actor(renderer.table, folder, kind, horizon=HORIZON)
    return folder


@pytest.fixture(scope="module")
def second(renderer: Renderer, target_u: np.ndarray) -> Goal:
    """A sound of one second."""
    return Goal(renderer.render(target_u, PROBE)[0, 0], PROBE)


def agent(renderer: Renderer, folder: Path, **settings) -> EditingAgent:
    return EditingAgent(renderer, folder / "sac", **{"start": "default", "guess": folder / "regression", **settings})


def tried(match) -> np.ndarray:
    return np.concatenate(match.archive._u)


@pytest.mark.parametrize("mode", ["all", "module"])
def test_its_first_episode_is_the_one_that_the_environment_plays(
    mode: str, renderer: Renderer, second: Goal, tmp_path: Path
) -> None:
    own = EditingAgent(renderer, save_actor(renderer.table, tmp_path, mode=mode, horizon=HORIZON), start="default")
    (match,) = own.match([second], 1 + HORIZON, generator(0, "match"))

    core = Core(renderer, CoreConfig(ActionConfig(mode), ends=EndConfig(patience=None)))
    sound = Target(second.audio, 44_100, "x", 50.0, 90, 0.6, 1.0, 0.0, True, ())
    state = core.reset(tasks_from_recordings([sound], renderer.table, bound=0.2, horizon=HORIZON))
    live = RowView(core.layout, core.decoder).live(state.tasks.open)
    played = [state.u]
    with one_core(), torch.no_grad():
        for _ in range(HORIZON):
            state = core.step(state, own.actor.best(own.actor(core.observe(state), live))).state
            played.append(state.u)
    assert np.array_equal(tried(match), torch.cat(played).numpy())


def test_one_that_takes_back_what_made_it_worse_plays_the_episode_that_it_was_trained_in(
    renderer: Renderer, second: Goal, tmp_path: Path
) -> None:
    own = EditingAgent(renderer, save_actor(renderer.table, tmp_path, horizon=HORIZON), start="default")
    own.undo = True
    (match,) = own.match([second], 1 + HORIZON, generator(0, "match"))

    core = Core(renderer, CoreConfig(ends=EndConfig(patience=None), undo_worse=True))
    sound = Target(second.audio, 44_100, "x", 50.0, 90, 0.6, 1.0, 0.0, True, ())
    state = core.reset(tasks_from_recordings([sound], renderer.table, bound=0.2, horizon=HORIZON))
    live, rng = RowView(core.layout, core.decoder).live(state.tasks.open), second.generator(generator(0, "match"))
    with one_core(), torch.no_grad():
        for _ in range(HORIZON):
            policy = own.actor(core.observe(state), live)
            state = core.step(state, own.actor.draw(policy, _noise(own.actor.heads, rng), live).heads).state
    assert np.array_equal(tried(match), torch.cat(state.trail_u).numpy())
    assert bool((torch.cat(state.trail_loss)[1:] > state.best_loss).any())


def test_every_render_counts_and_the_best_of_all_comes_back(renderer: Renderer, folder: Path, second: Goal) -> None:
    heard: list[float] = []
    own = agent(renderer, folder)
    from myna.agents import Watch

    watch = Watch(log=lambda index, u, losses, features: heard.extend(losses))
    (match,) = own.match([second], 20, generator(0, "match"), watch=watch)
    assert match.renders == len(heard) == 20
    assert match.loss == min(heard)


def test_after_the_first_episode_it_draws_edits_from_its_best(renderer: Renderer, folder: Path, second: Goal) -> None:
    own = agent(renderer, folder)
    (one,), (other,) = (own.match([second], HORIZON + 2, generator(seed, "match")) for seed in (0, 1))
    assert np.array_equal(tried(one)[: HORIZON + 1], tried(other)[: HORIZON + 1])
    assert not np.array_equal(tried(one)[-1], tried(other)[-1])
    (first,) = own.match([second], HORIZON + 1, generator(0, "match"))
    ordered = own.view.decoder.layout.ordered
    assert np.abs((tried(one)[-1] - first.u)[ordered][~renderer.table.discrete[ordered]]).max() <= 0.2 + 1e-9


def test_a_drawn_episode_that_finds_nothing_makes_room_for_another(
    renderer: Renderer, folder: Path, second: Goal
) -> None:
    """With a patience of one, every draw without luck is followed by another from the very same preset."""
    (match,) = agent(renderer, folder, patience=1).match([second], 1 + HORIZON + 12, generator(3, "match"))
    continuous = ~renderer.table.discrete
    bests = [best_u for _, _, best_u in match.trail]
    for u in tried(match)[1 + HORIZON :]:
        assert min(np.abs((u - best)[continuous]).max() for best in bests) <= 0.2 + 1e-9


def test_it_starts_from_what_regression_guesses_unless_told_otherwise(
    renderer: Renderer, folder: Path, second: Goal
) -> None:
    (guessed,) = Regression(renderer, folder / "regression").match([second], 1, generator(0, "match"))
    own = EditingAgent(renderer, folder / "sac", guess=folder / "regression")
    (match,) = own.match([second], 2, generator(0, "match"))
    assert np.array_equal(tried(match)[0], guessed.u)


def test_it_can_start_from_the_nearest_of_the_bank(renderer: Renderer, folder: Path, second: Goal) -> None:
    from myna.agents.retrieval import Retrieval

    (nearest,) = Retrieval(renderer).match([second], 1, generator(0, "match"))
    (match,) = agent(renderer, folder, start="retrieved").match([second], 2, generator(0, "match"))
    assert np.array_equal(tried(match)[0], nearest.u)


def test_locked_knobs_never_move(renderer: Renderer, folder: Path, second: Goal, target_u: np.ndarray) -> None:
    frozen = renderer.table.mask(["filter", "osc_a"])
    goal = Goal(second.audio, second.probe, frozen=frozen, start=renderer.table.sample(1, generator(9, "lock"))[0])
    (match,) = agent(renderer, folder).match([goal], 12, generator(0, "match"))
    assert goal.start is not None
    assert (tried(match)[:, frozen] == renderer.table.snap(goal.start)[frozen]).all()
    assert (tried(match)[1:, ~frozen] != tried(match)[0, ~frozen]).any()


def test_a_match_does_not_depend_on_what_is_matched_beside_it(
    renderer: Renderer, folder: Path, second: Goal, goal: Goal
) -> None:
    own = agent(renderer, folder)
    together = own.match([second, goal], 9, generator(0, "match"))
    alone = own.match([goal], 9, generator(0, "match"))
    assert np.array_equal(tried(together[1]), tried(alone[0]))


@pytest.mark.parametrize("cls", [CloningPolicy, SACPolicy])
def test_both_kinds_of_weights_can_be_used(cls, renderer: Renderer, folder: Path, second: Goal) -> None:
    kind = {CloningPolicy: "cloning", SACPolicy: "sac"}[cls]
    own = cls(renderer, folder / kind, start="default")
    assert own.card["kind"] == kind
    assert own.match([second], 2, generator(0, "match"))[0].renders == 2


def test_weights_of_another_kind_are_refused(renderer: Renderer, folder: Path) -> None:
    with pytest.raises(IncompatibleVersionError, match="for the kind “regression”, not “sac or cloning”"):
        EditingAgent(renderer, folder / "regression", start="default")


def test_an_unknown_start_is_refused(renderer: Renderer, folder: Path) -> None:
    with pytest.raises(UsageError, match="can start from regression, default, retrieved; got 'nowhere'"):
        EditingAgent(renderer, folder / "sac", start="nowhere")
