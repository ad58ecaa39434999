"""The actor and what it draws: targets, masks, gradients through choices, weights from a generator of their own."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Normal, TanhTransform, TransformedDistribution

from myna.agents.heads import ActionHeads, Live
from myna.agents.networks import Actor, Critics, Layout, NetworkConfig, Policy, precision, torch_generator
from myna.envs.action import ActionConfig, ActionDecoder
from myna.errors import UsageError
from myna.params import Parameter, ParameterTable

LAYOUT: Layout = {"knobs": (slice(0, 6), (6,))}
SMALL = NetworkConfig(hidden=(16, 16))
MIXED = ActionHeads(3, (2, 4), entropy_per_delta=-0.5, choice_rate=0.1)
MODULES = ActionHeads(3, (2, 4), modules=2, owners=(0, 0, 1, 0, 1))


def actor_of(heads: ActionHeads, seed: int = 0, config: NetworkConfig = SMALL, layout: Layout = LAYOUT) -> Actor:
    return Actor(layout, heads, config, torch_generator(seed, "test"))


def observations(count: int, size: int = 6) -> torch.Tensor:
    return torch.randn(count, size, generator=torch_generator(0, "observations"))


def test_entropies_above_target_are_those_of_torch_distributions() -> None:
    actor, live = actor_of(MIXED), MIXED.all_live(50)
    policy = actor(observations(50), live)
    drawn = actor.draw(policy, actor.noise(50, torch_generator(0, "noise")), live)
    squashed = TransformedDistribution(Normal(policy.mean, policy.log_std.exp()), TanhTransform())
    deltas = (-squashed.log_prob(drawn.heads["delta"].clamp(-1 + 1e-7, 1 - 1e-7)) + 0.5).sum(-1)
    # As random as a head that moves with probability 0.1, any option alike.
    targets = [Categorical(torch.tensor([0.9, *[0.1 / k] * k])).entropy() for k in (1, 3)]
    picks = sum(Categorical(logits=policy.choice[:, c]).entropy() - targets[c] for c in range(2))
    assert torch.allclose(drawn.surplus, torch.stack([deltas, picks], -1), atol=1e-3)
    assert torch.equal(drawn.count, torch.tensor([[3.0, 2.0]]).expand(50, 2))


def test_draws_follow_the_policy() -> None:
    heads = ActionHeads(1, (4,))
    actor, live, n = actor_of(heads), heads.all_live(40_000), 40_000
    chances = torch.tensor([0.5, 0.0, 0.2, 0.3])
    policy = Policy(
        torch.zeros(n, 1), torch.zeros(n, 1), chances.clamp_min(1e-12).log().expand(n, 1, 4), torch.zeros(n, 0)
    )
    drawn = actor.draw(policy, actor.noise(n, torch_generator(0, "noise")), live).heads
    shares = torch.bincount(drawn["choice"].flatten(), minlength=4) / n
    assert torch.allclose(shares, chances, atol=0.01)
    assert shares[1] == 0.0
    assert abs(torch.atanh(drawn["delta"]).std() - 1.0) < 0.02


def test_a_sharp_policy_draws_from_powers_of_its_chances() -> None:
    heads = ActionHeads(1, (3,), sharpness=2.0)
    actor, live, n = actor_of(heads), heads.all_live(40_000), 40_000
    chances = torch.tensor([0.6, 0.3, 0.1])
    policy = Policy(torch.zeros(n, 1), torch.zeros(n, 1), chances.log().expand(n, 1, 3), torch.zeros(n, 0))
    drawn = actor.draw(policy, actor.noise(n, torch_generator(0, "noise")), live)
    squares = chances.square() / chances.square().sum()
    assert torch.allclose(torch.bincount(drawn.heads["choice"].flatten(), minlength=3) / n, squares, atol=0.01)
    target = heads.choice_targets[0]
    assert torch.allclose(drawn.surplus[:, 1], Categorical(squares).entropy() - target, atol=1e-4)


@pytest.mark.parametrize("sharpness", [0.0, -1.0, math.inf, math.nan])
def test_a_sharpness_that_is_none_is_refused(sharpness: float) -> None:
    with pytest.raises(UsageError, match="sharpness must be above 0"):
        ActionHeads(1, (3,), sharpness=sharpness)


def test_spreads_can_be_set_to_what_is_meant_whatever_is_observed() -> None:
    heads = ActionHeads(3, (2,), entropy_per_delta=-1.0)
    actor, live = actor_of(heads), heads.all_live(500)
    before = actor(observations(500), live)
    actor.spread_as_meant()
    after = actor(observations(500), live)
    assert torch.allclose(after.log_std, -1.0 - Normal(0.0, 1.0).entropy(), atol=1e-5)
    assert torch.equal(after.mean, before.mean) and torch.equal(after.choice, before.choice)


def test_a_new_actor_chooses_as_often_as_its_target() -> None:
    policy = actor_of(MIXED)(torch.zeros(1, 6), MIXED.all_live(1))
    keeps = policy.choice[0, :, 0].exp()
    assert torch.allclose(keeps, torch.tensor([0.9, 0.9]), atol=0.06)


def test_an_option_that_a_choice_lacks_is_never_drawn() -> None:
    policy = actor_of(MIXED)(observations(9), MIXED.all_live(9))
    assert torch.equal(policy.choice[:, 0, 2:].exp(), torch.zeros(9, 2))
    assert torch.allclose(policy.choice.exp().sum(-1), torch.ones(9, 2))


def test_the_critic_reads_an_action_made_as_the_actor_drew_it() -> None:
    for heads in (MIXED, MODULES):
        actor, live = actor_of(heads), some_closed(heads, 20)
        drawn = actor.draw(actor(observations(20), live), actor.noise(20, torch_generator(0, "noise")), live)
        assert drawn.action.shape == (20, heads.size)
        assert torch.allclose(actor.tables.encode(drawn.heads, live), drawn.action, atol=1e-6)


def some_closed(heads: ActionHeads, count: int) -> Live:
    """The first delta and the first choice are closed."""
    live = heads.all_live(count)
    live.delta[:, 0] = False
    live.choice[:, 0] = False
    return live


@pytest.mark.parametrize("heads", [MIXED, MODULES])
def test_closed_dimensions_get_no_gradient_and_count_for_nothing(heads: ActionHeads) -> None:
    actor, live = actor_of(heads), some_closed(heads, 30)
    policy = Policy(*(part.detach().requires_grad_() for part in actor(observations(30), live)))
    drawn = actor.draw(policy, actor.noise(30, torch_generator(0, "noise")), live)
    critic = Critics(LAYOUT, heads, SMALL, torch_generator(1, "test"))
    (critic(critic.see(observations(30)), drawn.action).sum() + drawn.surplus.sum()).backward()
    for part in (policy.mean, policy.log_std):
        assert part.grad[:, 0].abs().max() == 0.0
        assert part.grad[:, 1].abs().max() > 0.0
    assert policy.choice.grad[:, 0].abs().max() == 0.0
    assert policy.choice.grad[:, 1].abs().max() > 0.0
    assert drawn.count[:, 0].max() == (2 if heads is MIXED else 1)  # the module that owns delta 2 has but that


def test_closing_a_dimension_changes_nothing_of_the_others() -> None:
    actor, rng = actor_of(MIXED), torch_generator(0, "noise")
    noise = actor.noise(8, rng)
    policy = actor(observations(8), MIXED.all_live(8))
    every, some = (actor.draw(policy, noise, live) for live in (MIXED.all_live(8), some_closed(MIXED, 8)))
    lone = Live(*(~mask for mask in some_closed(MIXED, 8)[:2]), MIXED.all_live(8).module)
    rest = actor.draw(policy, noise, lone)
    assert torch.allclose(every.surplus, some.surplus + rest.surplus, atol=1e-5)
    assert torch.equal(every.count, some.count + rest.count)


def test_a_closed_module_is_never_selected_and_one_that_is_not_selected_does_not_act() -> None:
    heads = ActionHeads(3, (2, 4), modules=3, owners=(0, 0, 1, 0, 1))
    live = heads.all_live(500)
    live.module[:, 1] = False
    actor = actor_of(heads)
    drawn = actor.draw(actor(observations(500), live), actor.noise(500, torch_generator(0, "noise")), live)
    assert set(drawn.heads["module"].tolist()) == {0, 2}
    deltas = drawn.action[:, 3:6]
    first = drawn.heads["module"] == 0
    assert torch.equal(deltas[first, 2], torch.zeros(int(first.sum())))
    assert torch.equal(deltas[first, :2], drawn.heads["delta"][first, :2])
    assert deltas[~first].abs().max() == 0.0
    assert drawn.count[~first, 0].max() == 0.0
    assert torch.equal(drawn.count[:, 1], torch.where(first, 2.0, 1.0))  # the selector and the choice it lets act


def test_the_selector_gains_nothing_from_how_random_a_module_is() -> None:
    actor, live = actor_of(MODULES), MODULES.all_live(20)
    policy = Policy(*(part.detach().requires_grad_() for part in actor(observations(20), live)))
    drawn = actor.draw(policy, actor.noise(20, torch_generator(0, "noise")), live)
    drawn.surplus[:, 0].sum().backward(retain_graph=True)
    assert policy.module.grad.abs().max() == 0.0
    drawn.surplus[:, 1].sum().backward()
    own = -(policy.module.exp() * (policy.module + 1.0))  # of its own entropy
    assert torch.allclose(policy.module.grad, own, atol=1e-6)


def test_the_selector_is_judged_by_a_share_of_the_free_entropy() -> None:
    actor = actor_of(ActionHeads(2, modules=2, owners=(0, 1), module_rate=0.5))
    live = actor.heads.all_live(1)
    even = Policy(torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 0, 1), torch.full((1, 2), math.log(0.5)))
    drawn = actor.draw(even, actor.noise(1, torch_generator(0, "noise")), live)
    assert drawn.surplus[0, 1].item() == pytest.approx(0.5 * math.log(2.0))


def test_the_gradient_through_choices_is_exact_for_a_critic_linear_in_each() -> None:
    """Against the expectation over all joint choices, for Q = Σ w·choice + choice₁ᵀ W choice₂."""
    heads = ActionHeads(0, (3, 2))
    actor, rng = actor_of(heads), torch_generator(0, "linear")
    one, two = torch.randn(3, generator=rng), torch.randn(3, 2, generator=rng)
    scores = torch.randn(1, 2, 3, generator=rng).index_put(
        (torch.tensor(0), torch.tensor(1), torch.tensor(2)), torch.tensor(-1e9)
    )
    scores.requires_grad_()
    p = scores.softmax(-1)[0]
    exact = sum(p[0, a] * p[1, b] * (one[a] + two[a, b]) for a, b in itertools.product(range(3), range(2)))
    (wanted,) = torch.autograd.grad(exact, scores)
    got = torch.zeros_like(scores)
    for a, b in itertools.product(range(3), range(2)):  # every draw, weighted by its chance
        at = [(p[0, :a].sum() + p[0, a] / 2).item(), (p[1, :b].sum() + p[1, b] / 2).item()]
        noise = actor.noise(1, rng)._replace(choice=torch.tensor([at]))
        policy = Policy(torch.zeros(1, 0), torch.zeros(1, 0), scores.log_softmax(-1), torch.zeros(1, 0))
        action = actor.draw(policy, noise, heads.all_live(1)).action[0]
        assert action.tolist() == [*(float(i == a) for i in range(3)), *(float(i == b) for i in range(2))]
        value = action[:3] @ one + action[:3] @ two @ action[3:]
        got += (p[0, a] * p[1, b]).detach() * torch.autograd.grad(value, scores)[0]
    assert torch.allclose(got, wanted, atol=1e-6)


def test_heads_are_those_of_the_environment() -> None:
    knobs = [
        Parameter("osc.level", "continuous", 0, 1, 1),
        Parameter("osc.on", "boolean", 0, 1, 1),
        Parameter("filter.cut", "continuous", 0, 1, 1),
    ]
    decoder = ActionDecoder(ParameterTable("toy", 1, knobs), ActionConfig("module"))
    heads = ActionHeads.of(decoder.layout)
    assert (heads.deltas, heads.options, heads.modules, heads.owners) == (2, (3,), 2, (0, 1, 0))
    assert heads.size == decoder.layout.size
    live = Live(**decoder.live_heads(torch.ones(4, 3, dtype=torch.bool)))
    actor = actor_of(heads)
    drawn = actor.draw(actor(observations(4), live), actor.noise(4, torch_generator(0, "noise")), live)
    assert set(decoder.to_heads(drawn.heads)) == {"delta", "choice", "module"}
    assert ActionHeads.of(ActionDecoder(decoder.layout.table).layout, choice_rate=0.2).choice_rate == 0.2


def test_the_convolutional_encoder_reads_images_as_images_and_the_rest_flat() -> None:
    layout: Layout = {
        "target.mel": (slice(0, 96), (2, 6, 8)),
        "knobs": (slice(96, 99), (3,)),
        "current.mel": (slice(99, 195), (2, 6, 8)),
    }
    actor = actor_of(MIXED, 0, NetworkConfig((16,), "conv", image_features=10), layout)
    assert actor.encoder.size == 13
    seen = []
    actor.encoder.layers[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    flat = observations(5, 195)
    policy = actor(flat, MIXED.all_live(5))
    assert torch.equal(seen[0][:, 2:], flat[:, 99:].reshape(5, 2, 6, 8))
    assert torch.equal(actor.encoder(flat)[:, 10:], flat[:, 96:99])
    assert policy.mean.shape == (5, 3)


def test_networks_leave_the_global_generator_alone_and_follow_theirs() -> None:
    before = torch.random.get_rng_state()
    layout: Layout = {"mel": (slice(0, 48), (6, 8))}
    config = NetworkConfig((16,), "conv", actor_norm=True)
    one, two, other = (actor_of(MIXED, seed, config, layout) for seed in (0, 0, 1))
    Critics(layout, MIXED, config, torch_generator(0, "test"))
    assert torch.equal(torch.random.get_rng_state(), before)
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, two.state_dict()[name])
    assert not torch.equal(one.last.weight, other.last.weight)


def test_weights_are_as_wide_as_torch_makes_them() -> None:
    layer = actor_of(MIXED, config=NetworkConfig((400, 300))).body[2]
    assert layer.weight.abs().max().item() == pytest.approx(400**-0.5, rel=0.01)
    assert layer.weight.std().item() == pytest.approx((400 * 3) ** -0.5, rel=0.02)


def test_streams_of_torch_depend_on_seed_and_path() -> None:
    draws = [
        torch.rand(3, generator=torch_generator(*place)).tolist() for place in ((0, "a"), (0, "a"), (0, "b"), (1, "a"))
    ]
    assert draws[0] == draws[1]
    assert len({tuple(draw) for draw in draws}) == 3
    assert np.isfinite(draws).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: ActionHeads(0),
        lambda: ActionHeads(1, (1,)),
        lambda: ActionHeads(2, modules=2, owners=(0,)),
        lambda: ActionHeads(1, (3,), choice_rate=0.0),
        lambda: NetworkConfig(encoder="tarot"),
        lambda: NetworkConfig(hidden=()),
        lambda: actor_of(MIXED, config=NetworkConfig(encoder="conv")),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(make) -> None:
    with pytest.raises(UsageError, match=r"^[A-Z`a-z_]+ .*\.$"):
        make()


@pytest.mark.parametrize(("capability", "quick"), [("AVX512", True), ("AVX2", False), ("DEFAULT", False)])
def test_networks_run_in_bfloat16_only_where_the_processor_is_quicker_at_it(
    capability: str, quick: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    one = torch.ones(2, 2)
    with precision(torch.device("cpu"), bf16=True):
        assert (one @ one).dtype == (torch.bfloat16 if quick else torch.float32)
    with precision(torch.device("cpu"), bf16=False):
        assert (one @ one).dtype == torch.float32
