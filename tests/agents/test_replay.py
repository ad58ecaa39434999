"""The replay: whole episodes, their goals, exact relabelling, memory, determinism and resuming."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from myna.agents.networks import torch_generator
from myna.agents.replay import Episodes, Observed, Replay, ReplayConfig, Rows, judged_by
from myna.errors import UsageError

STATE = {"u": (torch.float32, (2,)), "heard": (torch.float16, (3,))}
ACTION = {"delta": (torch.float32, (2,)), "choice": (torch.uint8, (1,))}
JUDGED = {"loss": (torch.float32, ()), "best": (torch.float32, ())}


def assemble(rows: Rows) -> Observed:
    """Who, when, whose goal, its loss, and what is heard of the goal."""
    return Observed(
        torch.cat([rows.state["u"], rows.goal["u"], rows.judged["loss"][:, None], rows.goal["heard"].float()], -1)
    )


def replay(rows: int = 60, goals: int = 2, relabelled: float = 0.5, seed: int = 0) -> Replay:
    config = ReplayConfig(rows, goals, relabelled)
    return Replay(config, STATE, ACTION, JUDGED, assemble, torch_generator(seed, "replay"))


def episodes(names: list[int], lengths: list[int], goals: int = 2, longest: int = 5) -> Episodes:
    """Episode n is in state (n, t) at step t; goal g of it is (-n, g); its loss is n + t/10 + g/100."""
    n, t, g = np.array(names)[:, None], np.arange(longest + 1)[None], np.arange(goals)
    at = np.stack(np.broadcast_arrays(n, t), -1)
    goal = np.stack(np.broadcast_arrays(-n, g[None]), -1)
    loss = torch.tensor(n[..., None] + t[:, None] / 10 + g[None, :, None] / 100, dtype=torch.float32)
    last = torch.tensor(t[:, :-1] == np.array(lengths)[:, None] - 1)
    return Episodes(
        length=torch.tensor(lengths),
        states={"u": torch.tensor(at), "heard": torch.tensor(at[..., [0, 1, 1]] / 8)},
        actions={"delta": torch.tensor(at[:, :-1] / 100), "choice": torch.tensor(at[:, :-1, 1:] + 1)},
        goals={"u": torch.tensor(goal), "heard": torch.tensor(goal[..., [0, 1, 1]] / 8)},
        judged={"loss": loss, "best": loss},
        reward=loss[:, :, :-1] - loss[:, :, 1:],
        terminated=(last & torch.tensor(n % 2 == 1))[:, None].expand(-1, goals, -1),
        truncated=last & torch.tensor(n % 2 == 0),
    )


def steps_in(store: Replay) -> set[tuple[int, int]]:
    """(episode, step) of all that is sampled from many draws."""
    now = store.sample(3000).now.observation
    return {(int(n), int(t)) for n, t in now[:, :2].tolist()}


def test_samples_are_the_steps_that_were_stored() -> None:
    store = replay()
    store.add(episodes([1, 2, 3], [5, 3, 1]))
    assert len(store) == 9
    assert steps_in(store) == {(1, t) for t in range(5)} | {(2, t) for t in range(3)} | {(3, 0)}


def test_everything_in_a_sample_belongs_together() -> None:
    store = replay()
    store.add(episodes([1, 2, 3], [5, 3, 4]))
    batch = store.sample(500)
    (n, t, goal_n, g, loss, *heard), after = batch.now.observation.T, batch.after.observation.T
    assert torch.equal(after[:2], torch.stack([n, t + 1]))
    assert torch.equal(goal_n, -n)
    assert torch.equal(torch.stack(heard), torch.stack([-n, g, g]) / 8)
    assert torch.equal(after[2:4], torch.stack([goal_n, g]))
    assert torch.allclose(loss, n + t / 10 + g / 100)
    assert torch.allclose(batch.reward, torch.full_like(n, -0.1), atol=1e-5)
    assert torch.allclose(batch.action["delta"], torch.stack([n, t], -1) / 100)
    assert torch.equal(batch.action["choice"][:, 0], (t + 1).to(torch.uint8))


def test_ends_and_cuts_are_kept_apart_and_lie_at_the_last_step() -> None:
    store = replay()
    store.add(episodes([1, 2], [3, 4]))
    batch = store.sample(500)
    n, t = batch.now.observation[:, 0], batch.now.observation[:, 1]
    assert torch.equal(batch.terminated, (n == 1) & (t == 2))
    assert torch.equal(batch.truncated, (n == 2) & (t == 3))


@pytest.mark.parametrize(("goals", "relabelled"), [(2, 0.0), (2, 0.25), (3, 0.6), (2, 1.0)])
def test_the_share_of_relabelled_samples_is_what_the_config_says(goals: int, relabelled: float) -> None:
    store = replay(60, goals, relabelled)
    store.add(episodes([1, 2], [5, 5], goals))
    goal = store.sample(8000).now.observation[:, 3].long()
    shares = torch.bincount(goal, minlength=goals) / 8000
    wanted = torch.tensor([1 - relabelled, *[relabelled / (goals - 1)] * (goals - 1)])
    assert torch.allclose(shares, wanted, atol=0.02)


def test_the_oldest_episodes_give_way_whole() -> None:
    store = replay(rows=20)  # an episode of 5 steps takes 8
    for n in range(1, 8):
        store.add(episodes([n], [5]))
        kept = {m for m, _ in steps_in(store)}
        assert kept == ({n - 1, n} if n > 1 else {n})
        assert len(store) == 5 * len(kept)


def test_an_episode_that_does_not_fit_the_end_begins_at_the_start() -> None:
    store = replay(rows=20)
    for n, length in enumerate([1] * 5 + [5] * 5, start=1):  # 4 rows each, then 8
        store.add(episodes([n], [length]))
    assert steps_in(store) == {(n, t) for n in (9, 10) for t in range(5)}
    assert len(store) == 10


def test_episodes_of_many_lengths_never_mix() -> None:
    store, rng = replay(rows=50), np.random.Generator(np.random.PCG64(0))
    for n in range(1, 60):
        store.add(episodes([n], [int(rng.integers(1, 6))]))
        batch = store.sample(200)
        now, after = batch.now.observation, batch.after.observation
        assert torch.equal(now[:, 0], after[:, 0])
        assert torch.equal(now[:, 1] + 1, after[:, 1])
        assert torch.equal(now[:, 2], -now[:, 0])
        assert now[:, 0].min() > n - 20


def test_the_same_generator_draws_the_same_samples() -> None:
    stores = [replay(seed=0), replay(seed=0), replay(seed=1)]
    for store in stores:
        store.add(episodes([1, 2, 3], [5, 3, 4]))
    before = torch.random.get_rng_state()
    one, two, other = (store.sample(64).now.observation for store in stores)
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("stored", [0, 3, 17])
def test_a_saved_replay_goes_on_to_the_bit(stored: int, tmp_path: Path) -> None:
    store, fresh = replay(), replay(seed=5)
    fresh.add(episodes([30, 31], [5, 5]))
    for n in range(1, stored + 1):
        store.add(episodes([n], [1 + n % 5]))
    if stored:
        store.sample(7)
    save_file({name: tensor.contiguous() for name, tensor in store.state_dict().items()}, tmp_path / "replay")
    fresh.load_state_dict(load_file(tmp_path / "replay"))
    for each in (store, fresh):
        for n in range(40, 44):
            each.add(episodes([n], [4]))
    one, two = store.sample(300), fresh.sample(300)
    assert torch.equal(one.now.observation, two.now.observation)
    assert torch.equal(one.reward, two.reward)
    for name, tensor in store.state_dict().items():
        assert torch.equal(tensor, fresh.state_dict()[name])


def test_300_000_steps_of_the_whole_synth_fit_4_gib() -> None:
    """Measured on tensors of the real shapes: 145 parameters, two notes a sound, 16 steps, one random preset."""
    steps, length, goals, notes = 300_000, 16, 2, 2
    rows = steps // length * (length + 1 + goals)
    state = {
        "raw_u": (torch.float32, (145,)),
        "heard": (torch.float16, (notes, 441)),  # log-mel 12 × 32, MFCC 20, envelope 24, centroid 12, loudness
        "previous": (torch.float16, (145,)),
        "open": (torch.bool, (145,)),
        "probe": (torch.float32, (notes, 3)),
        "more": (torch.float32, (4,)),  # bound, horizon, step, target id
    }
    action = {"delta": (torch.float32, (102,)), "choice": (torch.uint8, (43,)), "module": (torch.uint8, ())}
    judged = {"terms": (torch.float16, (16,)), "loss": (torch.float32, ()), "best": (torch.float32, ())}
    store = Replay(ReplayConfig(rows, goals), state, action, judged, assemble, torch_generator(0, "replay"), "cpu")
    assert sum(t.nbytes for t in (*store.table.values(), store.first, store.step)) == store.nbytes
    assert rows >= steps
    assert 0.5 * 2**30 < store.nbytes < 2**30 * 4


def test_relabelled_rewards_are_those_of_the_loss_itself() -> None:
    rng = torch_generator(0, "sounds")
    trail = [torch.randn(3, 7, generator=rng) for _ in range(5)]
    goals = [torch.randn(3, 7, generator=rng) for _ in range(2)]

    def loss(heard: torch.Tensor, goal: torch.Tensor) -> dict[str, torch.Tensor]:
        each = (heard - goal).abs()
        return {"loss": each.mean(-1), "terms": each[:, :2]}

    def reward(before, after):
        return 4.0 * (before["loss"] - after["loss"]), after["loss"] < 0.9

    said = judged_by(trail, goals, loss, reward)
    assert said["judged"]["terms"].shape == (3, 2, 5, 2)
    for g, goal in enumerate(goals):
        losses = torch.stack([(heard - goal).abs().mean(-1) for heard in trail], 1)
        assert torch.equal(said["judged"]["loss"][:, g], losses)
        assert torch.equal(said["judged"]["best"][:, g], losses.cummin(1).values)
        assert torch.equal(said["reward"][:, g], 4.0 * (losses[:, :-1] - losses[:, 1:]))
        assert torch.equal(said["terminated"][:, g], losses[:, 1:] < 0.9)


def test_features_are_kept_in_half_precision_and_once() -> None:
    store = replay()
    store.add(episodes([1], [5]))
    assert store.table["state.heard"].dtype == torch.float16
    assert int((store.table["state.u"][:, 0] == 1).sum()) == 6  # one row a state, of which 5 are also someone's next


def test_what_cannot_be_is_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match="empty"):
        replay().sample(1)
    with pytest.raises(UsageError, match="does not fit"):
        replay(rows=7).add(episodes([1], [5]))
    with pytest.raises(UsageError, match="other settings"):
        replay(goals=1).load_state_dict({"cursor": torch.tensor(0)})
    with pytest.raises(UsageError, match="share"):
        ReplayConfig(100, relabelled=1.5)
    with pytest.raises(UsageError, match="rows"):
        ReplayConfig(2)
