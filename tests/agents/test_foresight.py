"""Foresight says of knobs and of actions what the proxy says of the presets that they lead to."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from tests.agents.nets import save_actor, save_proxy

from myna.agents import Goal, Objective, Watch
from myna.agents.ear import Ear, Situation, row_view
from myna.agents.foresight import Foresight, foresight_of, most_promising
from myna.agents.heads import ActionHeads, HeadTables, Live
from myna.agents.networks import Actor, Drawn, NetworkConfig, Noise, Policy, torch_generator
from myna.agents.policy import EditingAgent
from myna.agents.proxy_net import IMPORTANCE, clipped, load_proxy
from myna.agents.replay import Batch, Observed, Rows
from myna.agents.rows import RowView, layout_of
from myna.agents.sac import SAC, SACConfig, imagined_loss
from myna.agents.weights import load_weights
from myna.envs.observation import ObservationLayout
from myna.errors import IncompatibleVersionError, UsageError
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

PROBE, BOUND = Probe(50, 90, 0.6, 1.0), 0.2


class Scene(NamedTuple):
    """Two presets that are edited towards a sound: rows, what is observed of them, and foresight."""

    view: RowView
    heads: ActionHeads
    rows: Rows
    observation: torch.Tensor
    foresight: Foresight


@pytest.fixture(scope="module")
def scene(renderer: Renderer, target_u: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    table, ear = renderer.table, Ear(renderer)
    goal = Goal(renderer.render(target_u, PROBE)[0, 0], PROBE)
    aim = ear.aim(goal.audio, PROBE)
    u = torch.from_numpy(table.snap(np.random.default_rng(3).uniform(0.1, 0.9, (2, len(table)))))
    heard = ear.hear(renderer.render(u.numpy(), PROBE)[:, 0], aim)
    parts = [
        ear.rows(
            aim,
            type(heard)(*(values[row : row + 1] for values in heard)),
            Situation(u[row : row + 1], 0 * u[:1], u[:1] >= 0.0, heard.loss[:1], 1, 5, BOUND),
        )
        for row in range(2)
    ]
    rows = Rows(*({name: torch.cat([one[name], two[name]]) for name in one} for one, two in zip(*parts, strict=True)))
    view = row_view(table)
    heads = ActionHeads.of(view.decoder.layout)
    weights = save_proxy(table, tmp_path_factory.mktemp("weights"))
    foresight = foresight_of(table, layout_of(view.layout), heads, str(weights))
    assert foresight is not None
    return Scene(view, heads, rows, view(rows).observation, foresight)


def distances(scene: Scene, u: torch.Tensor) -> torch.Tensor:
    """How far presets u (2, P) in place of the scene's would be from its target, (2,), as the proxy's forward says."""
    state, net = scene.rows.state, scene.foresight.net
    now = scene.view.decoder.twin.snap(state["raw_u"])
    said = net(u, state["played"][:, 0]) - net(now, state["played"][:, 0])
    lacks = clipped(scene.rows.goal["summary"][:, 0]) - clipped(state["summary"][:, 0]) - said
    return (lacks.abs() * IMPORTANCE).sum(-1)


def encoded(scene: Scene, heads: dict[str, torch.Tensor], live: Live | None = None) -> torch.Tensor:
    return HeadTables(scene.heads).encode(heads, live or scene.heads.all_live(2))


def still(scene: Scene) -> dict[str, torch.Tensor]:
    return {
        "delta": torch.zeros(2, scene.heads.deltas),
        "choice": torch.zeros(2, len(scene.heads.options), dtype=torch.int64),
    }


def some(scene: Scene) -> dict[str, torch.Tensor]:
    """Actions that turn every knob and change about half of the choices."""
    rng = torch_generator(0, "some")
    picks = [torch.randint(options, (2,), generator=rng) for options in scene.heads.options]
    return {"delta": torch.rand(2, scene.heads.deltas, generator=rng) * 2 - 1, "choice": torch.stack(picks, -1)}


# What an action would do


def test_an_action_that_keeps_everything_gains_nothing(scene: Scene) -> None:
    gain = scene.foresight.gain(scene.foresight.see(scene.observation), encoded(scene, still(scene)))
    assert gain.abs().max() < 1e-6


def test_a_gain_is_what_the_proxy_says_of_the_preset_that_the_action_leads_to(scene: Scene) -> None:
    raw_u, bound = scene.rows.state["raw_u"], torch.full((2,), BOUND, dtype=torch.float64)
    move = scene.view.decoder.apply(
        raw_u, scene.view.decoder.twin.snap(raw_u), some(scene), scene.rows.state["open"], bound
    )
    before = distances(scene, scene.view.decoder.twin.snap(raw_u))
    # Integers gather small steps unsnapped, and so does foresight.
    unsnapped = torch.where(torch.from_numpy(scene.view.layout.table.categorical), move.u, move.raw_u)
    wanted = (before - distances(scene, unsnapped)) / before
    outlook = scene.foresight.see(scene.observation)
    assert torch.allclose(outlook.distance, before, atol=1e-5)
    assert torch.allclose(scene.foresight.gain(outlook, encoded(scene, some(scene))), wanted, atol=1e-5)
    assert wanted.abs().max() > 1e-2


def test_what_is_closed_gains_nothing(scene: Scene) -> None:
    closed = Live(*(torch.zeros_like(mask) for mask in scene.heads.all_live(2)))
    gain = scene.foresight.gain(scene.foresight.see(scene.observation), encoded(scene, some(scene), closed))
    assert gain.abs().max() < 1e-6


def test_a_gain_has_a_gradient_towards_the_action_alone(scene: Scene) -> None:
    action = encoded(scene, some(scene)).requires_grad_(True)
    outlook = scene.foresight.see(scene.observation)
    assert not any(tensor.requires_grad for tensor in outlook)
    (gradient,) = torch.autograd.grad(scene.foresight.gain(outlook, action).sum(), action)
    assert (gradient[:, : scene.heads.deltas] != 0.0).any() and gradient.isfinite().all()
    assert not any(weight.requires_grad for weight in scene.foresight.parameters())


# Hints


def test_hints_are_first_order_effects_of_single_knobs_and_options(scene: Scene) -> None:
    outlook, net = scene.foresight.see(scene.observation), scene.foresight.net
    lacks = outlook.lacks
    pull = IMPORTANCE * lacks / (lacks.abs() + 0.1 * lacks.abs().mean(-1, keepdim=True) + 1e-6)
    values, chosen = outlook.values.double(), outlook.chosen.double()
    exact = net.double()
    try:
        said = exact.say(values, chosen, outlook.probe.double()).double()
        for knob in (0, 7, 30):
            near = values.clone()
            near[:, knob] += 1e-3
            slope = (exact.say(near, chosen, outlook.probe.double()).double() - said) / 1e-3  # of a value, which is 3 u
            wanted = (pull * slope * 3 * 0.1).sum(-1) / outlook.distance.clamp_min(0.02)
            assert torch.allclose(outlook.hints[:, knob].double(), torch.asinh(20 * wanted).clamp(-5, 5), atol=2e-3)
        first = scene.foresight.owner == 0
        present = chosen[:, first].argmax(-1)
        hints = outlook.hints[:, len(net.ordered) :][:, first]
        assert torch.allclose(hints[torch.arange(2), present], torch.zeros(2), atol=1e-6)
        assert (hints != 0.0).any()
    finally:
        net.float()


def test_attention_is_to_everything_or_to_a_random_half(scene: Scene) -> None:
    uniform = torch.rand(4_000, scene.foresight.numbers, generator=torch_generator(0, "attention"))
    attention = scene.foresight.attention(uniform)
    whole = (attention == 1.0).all(-1)
    assert whole.double().mean().item() == pytest.approx(0.25, abs=0.03)
    assert set(attention[~whole].unique().tolist()) == {0.0, 2.0}
    assert attention[~whole].mean().item() == pytest.approx(1.0, abs=0.02)


def test_hints_depend_on_what_is_attended_to_and_gains_do_not(scene: Scene) -> None:
    foresight = scene.foresight
    uniform = torch.rand(2, foresight.numbers, generator=torch_generator(1, "attention"))
    uniform[:, 0] = 0.0
    wide, narrow = foresight.see(scene.observation), foresight.see(scene.observation, foresight.attention(uniform))
    assert not torch.allclose(wide.hints, narrow.hints)
    action = encoded(scene, some(scene))
    assert torch.equal(foresight.gain(wide, action), foresight.gain(narrow, action))


# What learns of it


def test_sac_learns_what_is_promised_and_its_critics_are_told_it(scene: Scene) -> None:
    config = SACConfig(NetworkConfig(hidden=(16, 16)), batch=64, imagine=100.0, actor_rate=3e-3)
    sac = SAC(config, layout_of(scene.view.layout), scene.heads, seed=0, foresight=scene.foresight)
    assert sac.critics.one.action.in_features == scene.heads.size + 1
    assert not any("foresight" in name or "net." in name for name in sac.state_dict())
    now = scene.view(scene.rows)._replace(edits=None)
    rows = torch.arange(64) % 2
    observed = Observed(now.observation[rows])
    action = {name: head[rows] for name, head in some(scene).items()}
    no = torch.zeros(64, dtype=torch.bool)
    batch = Batch(observed, action, torch.rand(64, generator=torch_generator(0, "reward")), no, no, observed)
    told = [float(sac.update(batch)["imagined_loss"]) for _ in range(60)]
    assert sum(told[-5:]) < 0.5 * sum(told[:5])


def test_of_several_draws_the_one_that_promises_most_is_made(scene: Scene) -> None:
    layout, draws = layout_of(scene.view.layout), 6
    config = NetworkConfig(hidden=(16, 16))
    actor = Actor(layout, scene.heads, config, torch_generator(0, "actor"), scene.foresight)
    rng, live = torch_generator(1, "draws"), scene.heads.all_live(2)
    noise = actor.noise(2 * draws, rng)
    uniform = torch.rand(2 * draws, scene.foresight.numbers, generator=rng)
    with torch.no_grad():
        made = most_promising(actor, scene.foresight, scene.observation, live, noise, uniform)
        promised = []
        for draw in range(draws):
            own = slice(2 * draw, 2 * draw + 2)
            outlook = scene.foresight.see(scene.observation, scene.foresight.attention(uniform[own]))
            drawn = actor.draw(actor(scene.observation, live, outlook), Noise(*(part[own] for part in noise)), live)
            promised.append(scene.foresight.gain(outlook, drawn.action))
        outlook = scene.foresight.see(scene.observation)
        gain = scene.foresight.gain(outlook, encoded(scene, made))
    assert torch.allclose(gain, torch.stack(promised).amax(0), atol=1e-5)
    assert (torch.stack(promised).amax(0) > torch.stack(promised).amin(0)).all()


def test_an_agent_with_foresight_finds_the_same_alone_and_beside_others_and_keeps_locks(
    renderer: Renderer, goal: Goal, target_u: np.ndarray, tmp_path: Path
) -> None:
    proxy = save_proxy(renderer.table, tmp_path)
    agent = EditingAgent(renderer, save_actor(renderer.table, tmp_path, foresight=str(proxy)), start="default")
    agent.undo = True
    frozen, start = renderer.table.mask(["filter"]), renderer.table.snap(target_u)[0]
    locked = Goal(goal.audio, goal.probe, "locked", frozen, start)
    beside = agent.match([locked, goal], 8, generator(0, "match"))
    (alone,) = agent.match([goal], 8, generator(0, "match"))
    assert np.array_equal(np.concatenate(beside[1].archive._u), np.concatenate(alone.archive._u))
    assert (np.concatenate(beside[0].archive._u)[:, frozen] == start[frozen]).all()
    knobs = np.flatnonzero(~renderer.table.discrete)
    view = agent.foretell(Objective(renderer, goal, 1, Watch()))
    assert view is not None and agent.foresight is not None and view.net is agent.foresight.net
    view.move_to(start, None)
    assert np.trace(view.covariance(knobs)) == pytest.approx(len(knobs))


def test_an_agent_without_foresight_foretells_nothing(renderer: Renderer, goal: Goal, tmp_path: Path) -> None:
    agent = EditingAgent(renderer, save_actor(renderer.table, tmp_path), start="default")
    assert agent.foretell(Objective(renderer, goal, 1, Watch())) is None


# What cannot be


def test_several_probes_are_refused(renderer: Renderer, tmp_path: Path) -> None:
    layout = layout_of(ObservationLayout(renderer.table, ("log_mel",), probes=2))
    net, _ = load_proxy(renderer.table, save_proxy(renderer.table, tmp_path))
    with pytest.raises(UsageError, match="one probe"):
        Foresight(layout, net)


def test_actions_of_one_module_are_refused(renderer: Renderer) -> None:
    view = row_view(renderer.table, "module")
    with pytest.raises(UsageError, match="turn all knobs at once"):
        foresight_of(renderer.table, layout_of(view.layout), ActionHeads.of(view.decoder.layout), "proxy")


def test_to_imagine_takes_foresight() -> None:
    with pytest.raises(UsageError, match="takes foresight"):
        SAC(SACConfig(imagine=1.0), {"knobs": (slice(0, 2), (2,))}, ActionHeads(1), seed=0)


def test_without_a_name_there_is_no_foresight(scene: Scene) -> None:
    assert foresight_of(scene.view.layout.table, layout_of(scene.view.layout), scene.heads, "") is None


# The loss


def test_the_imagined_loss_by_hand() -> None:
    policy = Policy(
        torch.zeros(2, 2),
        torch.zeros(2, 2),
        torch.tensor([[[0.75, 0.25]], [[0.5, 0.5]]]).log(),
        torch.zeros(2, 0),
    )
    action = torch.tensor([[0.5, 0.0, 1.0, 0.0], [1.0, -1.0, 0.0, 1.0]])
    drawn = Drawn({}, action, torch.zeros(2, 2), torch.ones(2, 2))
    live = Live(
        torch.ones(2, 2, dtype=torch.bool), torch.tensor([[True], [False]]), torch.zeros(2, 0, dtype=torch.bool)
    )
    # A gain counts whole and a loss 0.3 of it; 0.01 per square of a delta, 0.03 per expected change of a live choice.
    wanted = [0.2 - 0.01 * 0.25 - 0.03 * 0.25, -0.3 * 0.4 - 0.01 * 2.0]
    loss = imagined_loss(policy, drawn, torch.tensor([0.2, -0.4]), live)
    assert loss.item() == pytest.approx(-sum(wanted) / 2, abs=1e-6)
    worst = imagined_loss(policy, drawn, torch.tensor([0.2, -math.inf]), live)
    assert worst.item() == pytest.approx(-(wanted[0] - 1.0 - 0.01 * 2.0) / 2, abs=1e-6)


def test_a_policy_is_refused_the_foresight_of_another_proxy_than_it_learned_with(
    scene: Scene, renderer: Renderer, tmp_path: Path
) -> None:
    weights, layout = save_proxy(renderer.table, tmp_path), layout_of(scene.view.layout)
    own = foresight_of(renderer.table, layout, scene.heads, str(weights))
    assert own is not None
    again = foresight_of(renderer.table, layout, scene.heads, str(weights), sha256=own.sha256)
    assert again is not None and again.sha256 == own.sha256
    with pytest.raises(IncompatibleVersionError, match="another proxy"):
        foresight_of(renderer.table, layout, scene.heads, str(weights), sha256="0" * 64)


def test_packaged_policies_name_the_packaged_proxy() -> None:
    proxy = load_weights("proxy").card["sha256"]
    told = [load_weights(name).card for name in ("sac", "dream")]
    assert [card["foresight_sha256"] for card in told] == [proxy, proxy]
