"""SAC: each loss against small cases worked by hand, masks, determinism, resuming, and that it learns."""

from __future__ import annotations

import copy
import itertools
import math

import gymnasium
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.agents.gym_loop import greedy, returns, train

from myna.agents.heads import ActionHeads, Live
from myna.agents.networks import NetworkConfig, Policy, torch_generator
from myna.agents.replay import Batch, Edits, Observed
from myna.agents.sac import (
    SAC,
    SACConfig,
    actor_loss,
    bellman,
    cloning_loss,
    critic_loss,
    project,
    temperature_loss,
    value_of,
)
from myna.errors import UsageError

LAYOUT = {"knobs": (slice(0, 4), (4,))}
HEADS = ActionHeads(2, (3, 2))
SMALL = NetworkConfig(hidden=(16, 16))
CONFIG = SACConfig(networks=SMALL, batch=32)
BINS = torch.tensor([-1.0, 0.0, 1.0])


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch(count: int = 32, heads: ActionHeads = HEADS, live: Live | None = None, edits: Edits | None = None) -> Batch:
    rng = torch_generator(0, "batch")

    def whole(sizes):
        columns = [torch.randint(size, (count,), generator=rng) for size in sizes]
        return torch.stack(columns, -1) if columns else torch.zeros(count, 0, dtype=torch.int64)

    action = {"delta": torch.rand(count, heads.deltas, generator=rng) * 2 - 1, "choice": whole(heads.options)}
    if heads.modules:
        action["module"] = torch.randint(heads.modules, (count,), generator=rng)
    now, after = (Observed(torch.randn(count, 4, generator=rng), live) for _ in range(2))
    ends = torch.rand(2, count, generator=rng) < 0.2
    return Batch(now._replace(edits=edits), action, torch.randn(count, generator=rng), ends[0], ends[1], after)


def learner(config: SACConfig = CONFIG, heads: ActionHeads = HEADS, seed: int = 0) -> SAC:
    return SAC(config, LAYOUT, heads, seed)


# Losses by hand


def test_nothing_comes_after_a_termination() -> None:
    value = bellman(torch.tensor([1.0, 1.0]), torch.tensor([True, False]), 0.5, torch.tensor([8.0, 8.0]))
    assert value.tolist() == [1.0, 5.0]


def test_a_truncation_takes_no_value_away() -> None:
    given = batch()
    cut = given._replace(truncated=torch.ones(32, dtype=torch.bool), terminated=torch.zeros(32, dtype=torch.bool))
    whole = cut._replace(truncated=torch.zeros(32, dtype=torch.bool))
    one, two = learner(), learner()
    assert torch.equal(one._target(cut), two._target(whole))
    ended = cut._replace(terminated=torch.ones(32, dtype=torch.bool))
    assert torch.equal(one._target(ended), ended.reward)


def test_the_target_trusts_the_lower_critic() -> None:
    sac, high = learner(), learner()
    for each, lift in ((sac, 0.0), (high, 5.0)):
        each.targets.two.load_state_dict(each.targets.one.state_dict())
        with torch.no_grad():
            each.targets.two.last.bias += lift
    assert torch.equal(sac._target(batch()), high._target(batch()))


def test_the_squared_loss_is_half_the_mean_square_of_each_critic() -> None:
    outputs = torch.tensor([[[1.0], [3.0]], [[0.0], [0.0]]])
    # (1-2)² and (3-1)², then 2² and 1²: halves of the means are 1.25 and 1.25.
    assert critic_loss(outputs, torch.tensor([2.0, 1.0]), BINS, "squared").item() == pytest.approx(2.5)


def test_two_hot_splits_a_value_between_its_neighbours() -> None:
    got = project(torch.tensor([0.25, -1.0, 7.0]), BINS, "two-hot")
    assert torch.allclose(got, torch.tensor([[0.0, 0.75, 0.25], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))


def test_hl_gauss_spreads_a_value_as_a_gaussian() -> None:
    def below(x: float) -> float:
        return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))

    edges = [below((edge - 0.25) / 0.75) for edge in (-1.5, -0.5, 0.5, 1.5)]
    wanted = [(b - a) / (edges[3] - edges[0]) for a, b in itertools.pairwise(edges)]
    assert project(torch.tensor([0.25]), BINS, "hl-gauss")[0].tolist() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("kind", ["two-hot", "hl-gauss"])
def test_a_projected_value_can_be_read_back(kind: str) -> None:
    support, values = torch.linspace(-10, 10, 101), torch.linspace(-8, 8, 33)
    shares = project(values, support, kind)
    assert torch.allclose(shares.sum(-1), torch.ones(33), atol=1e-5)
    assert torch.allclose(value_of(shares.clamp_min(1e-12).log(), support), values, atol=1e-3)


def test_the_categorical_loss_is_the_cross_entropy_of_each_critic() -> None:
    p, q = torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.1, 0.1, 0.8])
    outputs = torch.stack([p.log(), q.log()])[:, None]
    wanted = -(0.75 * math.log(0.25) + 0.25 * math.log(0.25)) - (0.75 * math.log(0.1) + 0.25 * math.log(0.8))
    assert critic_loss(outputs, torch.tensor([0.25]), BINS, "two-hot").item() == pytest.approx(wanted)


def test_the_actor_wants_value_and_surplus_entropy() -> None:
    loss = actor_loss(torch.tensor([1.0, 3.0]), torch.tensor([[2.0, 1.0], [0.0, -1.0]]), torch.tensor([0.5, 0.25]))
    # 1 + 2/2 + 1/4 and 3 - 1/4: the mean is 2.5.
    assert loss.item() == pytest.approx(-2.5)


def test_a_temperature_falls_where_entropy_lies_above_its_target_by_dimension() -> None:
    log_temperature = torch.zeros(2, requires_grad=True)
    surplus, count = torch.tensor([[3.0, -1.0], [1.0, -2.0]]), torch.tensor([[4.0, 1.0], [4.0, 0.0]])
    temperature_loss(log_temperature, surplus, count).backward()
    assert log_temperature.grad.tolist() == pytest.approx([0.5, -3.0])


def test_a_temperature_without_live_dimensions_stays() -> None:
    log_temperature = torch.zeros(2, requires_grad=True)
    temperature_loss(log_temperature, torch.zeros(3, 2), torch.zeros(3, 2)).backward()
    assert log_temperature.grad.tolist() == [0.0, 0.0]


def policy_by_hand() -> Policy:
    """Two rows, two deltas, one choice of three, two modules."""
    mean = torch.atanh(torch.tensor([[0.5, -0.5], [0.0, 0.25]]))
    choice = torch.tensor([[[0.5, 0.25, 0.25]], [[0.1, 0.8, 0.1]]]).log()
    module = torch.tensor([[0.75, 0.25], [0.5, 0.5]]).log()
    return Policy(*(part.requires_grad_() for part in (mean, torch.zeros(2, 2), choice, module)))


def edits_by_hand(known: tuple[bool, bool]) -> Edits:
    wanted = torch.tensor([[1.0, 0.5], [1.0, torch.nan]])
    return Edits(
        {"delta": wanted, "choice": torch.tensor([[1], [1]]), "module": torch.tensor([1, 0])}, torch.tensor(known)
    )


def test_cloning_measures_live_heads_of_known_rows() -> None:
    live = Live(*(torch.ones(2, n, dtype=torch.bool) for n in (2, 1, 2)))
    loss = cloning_loss(policy_by_hand(), edits_by_hand((True, False)), live)
    assert loss.item() == pytest.approx((0.5 + 1.0) / 2 - math.log(0.25) - math.log(0.25), rel=1e-5)
    live.delta[0, 1] = False
    live.choice[0, 0] = False
    loss = cloning_loss(policy_by_hand(), edits_by_hand((True, False)), live)
    assert loss.item() == pytest.approx(0.5 - math.log(0.25), rel=1e-5)


def test_cloning_counts_rows_as_much_as_they_are_known() -> None:
    live = Live(*(torch.ones(2, n, dtype=torch.bool) for n in (2, 1, 2)))
    edits = edits_by_hand((True, True))
    edits.heads["delta"][1] = 0.25
    one, other = (
        cloning_loss(policy_by_hand(), edits._replace(known=known), live).item()
        for known in (torch.tensor([True, False]), torch.tensor([False, True]))
    )
    both = cloning_loss(policy_by_hand(), edits._replace(known=torch.tensor([1.5, 0.5])), live)
    assert both.item() == pytest.approx(0.75 * one + 0.25 * other, rel=1e-5)
    assert one != pytest.approx(other, rel=0.1)


def test_cloning_pulls_at_nothing_that_is_unknown_or_closed() -> None:
    policy, live = policy_by_hand(), Live(*(torch.ones(2, n, dtype=torch.bool) for n in (2, 1, 2)))
    live.delta[0, 1] = False
    cloning_loss(policy, edits_by_hand((True, False)), live).backward()
    assert policy.mean.grad[0, 0] < 0.0  # too low, so it should rise
    assert policy.mean.grad[0, 1] == 0.0
    assert policy.mean.grad[1].abs().max() == 0.0
    assert policy.choice.grad[1].abs().max() == 0.0
    nobody = cloning_loss(policy_by_hand(), edits_by_hand((False, False)), live)
    assert nobody.item() == 0.0


def test_cloning_leaves_out_what_cannot_be_heard_in_the_goal() -> None:
    live = Live(*(torch.ones(2, n, dtype=torch.bool) for n in (2, 1, 2)))
    matters = Live(torch.tensor([[False, True], [True, True]]), torch.zeros(2, 1, dtype=torch.bool), live.module)
    loss = cloning_loss(policy_by_hand(), edits_by_hand((True, False))._replace(matters=matters), live)
    assert loss.item() == pytest.approx(1.0 - math.log(0.25), rel=1e-5)  # the second delta, and the module


def test_of_edits_that_were_drawn_the_likelihood_counts_and_their_spread_is_learned() -> None:
    live = Live(*(torch.ones(2, n, dtype=torch.bool) for n in (2, 1, 2)))
    policy = policy_by_hand()
    wanted = torch.tensor([[0.5, 0.9], [0.0, 0.0]])  # the first lies at the mean, the second far from it
    edits = edits_by_hand((True, False))._replace(drawn=True)
    edits = edits._replace(heads={**edits.heads, "delta": wanted})
    loss = cloning_loss(policy, edits, live)
    off = math.atanh(0.9) - math.atanh(-0.5)
    assert loss.item() == pytest.approx(0.5 * off**2 / 2 - 2 * math.log(0.25), rel=1e-5)
    loss.backward()
    assert policy.log_std.grad[0, 0] > 0.0 > policy.log_std.grad[0, 1]  # closer here, wider there
    assert policy.log_std.grad[1].abs().max() == 0.0


def test_a_drawn_edit_at_the_end_of_its_range_pulls_with_finite_force() -> None:
    live, policy = Live(*(torch.ones(2, n, dtype=torch.bool) for n in (2, 1, 2))), policy_by_hand()
    edits = edits_by_hand((True, False))._replace(drawn=True)  # its first delta is 1
    cloning_loss(policy, edits, live).backward()
    assert torch.isfinite(policy.mean.grad).all() and policy.mean.grad[0, 0] < 0.0


def test_the_weight_of_cloning_falls_to_its_floor_and_stays() -> None:
    config = SACConfig(clone_start=2.0, clone_floor=0.5, clone_updates=100)
    assert [config.clone_weight(n) for n in (0, 50, 100, 10_000)] == pytest.approx([2.0, 1.25, 0.5, 0.5])


# The learner


def test_the_critics_learn_alone_during_their_warm_up() -> None:
    sac, given = learner(SACConfig(networks=SMALL, warm_up=2)), batch()
    actor, critics = (copy.deepcopy(net.state_dict()) for net in (sac.actor, sac.critics))
    for _ in range(2):
        assert "actor_loss" not in sac.update(given)
    assert same(actor, sac.actor.state_dict())
    assert not same(critics, sac.critics.state_dict())
    assert sac.log_temperature.tolist() == pytest.approx([math.log(0.05)] * 2)
    assert "actor_loss" in sac.update(given)
    assert not same(actor, sac.actor.state_dict())


def same(one: dict, two: dict) -> bool:
    return all(torch.equal(tensor, two[name]) for name, tensor in one.items())


def test_the_targets_follow_the_critics_by_their_rate() -> None:
    sac = learner(SACConfig(networks=SMALL, target_rate=0.25))
    before = copy.deepcopy(sac.targets.state_dict())
    sac.update(batch())
    for name, old in before.items():
        assert torch.allclose(sac.targets.state_dict()[name], 0.75 * old + 0.25 * sac.critics.state_dict()[name])


def test_the_actor_leaves_no_gradient_in_the_critics() -> None:
    alone, both = learner(SACConfig(networks=SMALL, warm_up=1)), learner()
    for sac in (alone, both):
        sac.update(batch())
    for one, two in zip(alone.critics.parameters(), both.critics.parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)


def test_the_actor_moves_at_every_so_many_updates() -> None:
    sac = learner(SACConfig(networks=SMALL, actor_every=3))
    assert ["actor_loss" in sac.update(batch()) for _ in range(5)] == [True, False, False, True, False]


def test_cloning_weighs_the_same_whatever_the_size_of_values() -> None:
    wanted = {"delta": torch.zeros(32, 2), "choice": torch.zeros(32, 2, dtype=torch.int64)}
    given = batch(edits=Edits(wanted, torch.ones(32, dtype=torch.bool)))
    small, large = (learner(SACConfig(networks=SMALL, temperature=1e-9)) for _ in range(2))
    with torch.no_grad():
        for critic in (large.critics.one, large.critics.two):
            critic.last.weight *= 64.0
            critic.last.bias *= 64.0
    for sac in (small, large):
        sac.update(given)
    for one, two in zip(small.actor.parameters(), large.actor.parameters(), strict=True):
        assert torch.allclose(one.grad, two.grad, rtol=1e-3, atol=1e-6)


def test_edits_that_are_known_and_edits_that_helped_both_pull() -> None:
    wanted = {"delta": torch.ones(32, 2), "choice": torch.ones(32, 2, dtype=torch.int64)}
    known, helped = Edits(wanted, torch.ones(32) > 0), Edits(wanted, torch.full((32,), 0.5), drawn=True)
    said = {}
    for name, (edits, more) in {"one": (known, None), "other": (None, helped), "both": (known, helped)}.items():
        given = batch(edits=edits)
        given = given._replace(now=given.now._replace(helped=more))
        said[name] = float(learner().update(given)["cloning_loss"])
    assert said["both"] == pytest.approx(said["one"] + said["other"], rel=1e-5)


def test_a_closed_dimension_moves_no_weight_of_its_head() -> None:
    live = HEADS.all_live(32)
    live.delta[:, 0] = False
    live.choice[:, 1] = False
    edits = Edits({"delta": torch.ones(32, 2), "choice": torch.ones(32, 2, dtype=torch.int64)}, torch.ones(32) > 0)
    sac = learner()
    before = sac.actor.last.weight.detach().clone()
    told = sac.update(batch(live=live, edits=edits))
    moved = (sac.actor.last.weight != before).any(-1)
    # Rows: two means, two spreads, three options and two options.
    assert moved.tolist() == [False, True, False, True, True, True, True, False, False]
    assert told["cloning_loss"] > 0.0


@pytest.mark.parametrize("heads", [HEADS, ActionHeads(2, (3, 2), 2, (0, 1, 1, 0))])
def test_the_value_of_a_closed_task_does_not_know_of_entropy(heads: ActionHeads) -> None:
    live = Live(*(torch.zeros(32, n, dtype=torch.bool) for n in (2, 2, heads.modules)))
    cold, hot = (learner(SACConfig(networks=SMALL, temperature=t), heads) for t in (1e-6, 10.0))
    assert torch.equal(cold._target(batch(heads=heads, live=live)), hot._target(batch(heads=heads, live=live)))
    assert not torch.allclose(cold._target(batch(heads=heads)), hot._target(batch(heads=heads)))


@pytest.mark.parametrize(
    ("config", "heads"),
    [
        (CONFIG, HEADS),
        (SACConfig(networks=SMALL, critic="two-hot", bins=21), ActionHeads(2, (3, 2), 2, (0, 1, 1, 0))),
        (SACConfig(networks=SMALL, critic="hl-gauss", actor_every=2, bf16=True), ActionHeads(0, (3,))),
    ],
)
def test_the_same_seed_gives_the_same_bits_and_resuming_changes_none(config, heads, tmp_path) -> None:
    before = torch.random.get_rng_state()
    whole, parts, other = (learner(config, heads, seed) for seed in (0, 0, 1))
    given = batch(heads=heads)
    for sac in (whole, parts, other):
        for _ in range(3):
            sac.update(given)
            sac.act(given.now.observation)
    save_file(parts.state_dict(), tmp_path / "sac")
    resumed = learner(config, heads, seed=7)
    resumed.load_state_dict(load_file(tmp_path / "sac"))
    for sac in (whole, resumed):
        for _ in range(3):
            sac.update(given)
    acts = [sac.act(given.now.observation) for sac in (whole, resumed, other)]
    assert same(whole.state_dict(), resumed.state_dict())
    assert same(acts[0], acts[1])
    assert not same(acts[0], acts[2])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_acting_changes_no_update() -> None:
    quiet, busy = learner(), learner()
    busy.act(torch.zeros(5, 4))
    assert same(quiet.update(batch()), busy.update(batch()))
    assert same(quiet.actor.state_dict(), busy.actor.state_dict())


def test_acting_greedily_is_the_same_each_time_and_draws_nothing() -> None:
    sac = learner()
    state = sac.rngs["act"].get_state()
    one, two = (sac.act(torch.ones(3, 4), greedy=True) for _ in range(2))
    assert same(one, two)
    assert torch.equal(sac.rngs["act"].get_state(), state)


def test_cloning_alone_learns_edits() -> None:
    observation = torch.randn(256, 4, generator=torch_generator(0, "observations"))
    known = torch.ones(256, dtype=torch.bool)
    heads = {"delta": torch.tanh(observation[:, :2]), "choice": (observation[:, :2] > 0).long()}
    sac = learner(SACConfig(networks=SMALL, actor_rate=1e-2))
    losses = [sac.clone(Observed(observation, edits=Edits(heads, known))).item() for _ in range(300)]
    assert losses[-1] < 0.1 < losses[0]
    with pytest.raises(UsageError, match="edits"):
        sac.clone(Observed(observation))


@pytest.mark.parametrize("critic", ["squared", "two-hot", "hl-gauss"])
def test_it_learns_deltas_and_choices_of_a_bandit(critic: str) -> None:
    """Reward by delta and by the options chosen, which depend on what is seen; random actions get about -0.8."""
    heads = ActionHeads(2, (3, 3, 3, 3), choice_rate=0.1)
    config = SACConfig(
        networks=NetworkConfig((64, 64)), discount=0.0, critic=critic, actor_rate=3e-3, critic_rate=3e-3,
        temperature_rate=3e-3, value_range=(-4.0, 2.0), bins=61,
    )  # fmt: skip

    def reward(seen: torch.Tensor, action: dict[str, torch.Tensor]) -> torch.Tensor:
        wanted = (seen > 0).long() + 1  # keep is never right
        return (action["choice"] == wanted).float().mean(-1) - (action["delta"] - 0.5 * seen[:, :2].tanh()).abs().mean(
            -1
        )

    sac, rng = learner(config, heads), torch_generator(0, "bandit")
    no = torch.zeros(128, dtype=torch.bool)
    for _ in range(400):
        seen = torch.randn(128, 4, generator=rng)
        action = sac.act(seen)
        sac.update(Batch(Observed(seen), action, reward(seen, action), ~no, no, Observed(seen)))
    fresh = torch.randn(1000, 4, generator=rng)
    assert reward(fresh, sac.act(fresh, greedy=True)).mean() > 0.8


def test_it_swings_up_a_pendulum() -> None:
    """Doing nothing or anything at random brings about -1,200; seeds 0 to 3 brought -210 to -325."""
    networks, rate = NetworkConfig((64, 64)), 1e-3
    config = SACConfig(networks, 0.95, 128, rate, rate, rate, temperature=1.0)
    env = gymnasium.make("Pendulum-v1")
    sac = train(env, config, 3000, seed=0)
    assert np.mean(returns(env, greedy(sac, env.action_space), 8, seed=1000)) > -500.0


@pytest.mark.parametrize(
    "settings",
    [
        {"critic": "vibes"},
        {"discount": 1.0},
        {"target_rate": 0.0},
        {"bins": 1},
        {"value_range": (1.0, 1.0)},
        {"clone_floor": 3.0},
        {"batch": 0},
        {"actor_rate": -1.0},
        {"warm_up": -1},
    ],
)
def test_a_setting_out_of_range_is_refused_in_a_sentence(settings) -> None:
    with pytest.raises(UsageError, match=r"^[A-Za-z_]+ .*\.$"):
        SACConfig(**settings)


def test_weights_of_other_networks_are_refused_in_a_sentence() -> None:
    other = learner(SACConfig(networks=NetworkConfig(hidden=(8,))))
    with pytest.raises(UsageError, match="other networks"):
        learner().load_state_dict(other.state_dict())
