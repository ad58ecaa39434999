"""SAC under the harness: the order of a cycle, resuming, what it starts from, and what it ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.training.tiny import tiny

from myna.agents.heads import ActionHeads
from myna.agents.networks import Actor, torch_generator
from myna.agents.policy import network_config
from myna.agents.rows import layout_of
from myna.agents.weights import load_weights
from myna.envs.tags import is_tag
from myna.errors import MynaError, UsageError
from myna.training.checkpoint import checkpoints, read_checkpoint, write_checkpoint
from myna.training.config import load_config
from myna.training.judging import SLOTS
from myna.training.learner import BrokenError
from myna.training.logging import Loggers
from myna.training.media import Media
from myna.training.run import Training
from myna.training.sac import SACLearner, SACTraining, make, weighted

INTERVAL = 24


def state_of(learner: SACLearner, folder: Path) -> bytes:
    path = write_checkpoint(folder, learner.steps_done, learner.state_dict())
    return (path / "state.safetensors").read_bytes() + (path / "state.json").read_bytes()


def stepped(learner: SACLearner, cycles: int) -> SACLearner:
    for _ in range(cycles):
        learner.step()
    return learner


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict]]:
    """A whole training, small, and its log."""
    out = tmp_path_factory.mktemp("smoke")
    assert Training(tiny(), out).run()
    return out, [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_a_training_plays_learns_and_tells(smoke: tuple[Path, list[dict]]) -> None:
    _, lines = smoke
    figures = [line["scalars"] for line in lines if "scalars" in line]
    learnt = [line for line in figures if "train/critic_loss" in line]
    assert len(learnt) > 5 and learnt[-1]["match/loss"] > 0.0 and learnt[-1]["curriculum/stage"] == 1.0
    assert {"time/share_play", "time/share_updates_beside", "rollout/reward_improvement", "time/steps_per_s"} <= set(
        learnt[-1]
    )
    assert {"eval/stage_1/best", "eval/in/best", "eval/in/start", "eval/score"} <= set(figures[-1])
    assert {name for line in figures for name in line if not is_tag(name)} == set()


def test_rollouts_are_told_as_stable_baselines3_tells_them(smoke: tuple[Path, list[dict]]) -> None:
    lines = [line["scalars"] for line in smoke[1] if "rollout/ep_rew_mean" in line.get("scalars", {})]
    assert all(
        0.0 < line["rollout/ep_len_mean"] <= 4.0 and 0.0 <= line["rollout/success_rate"] <= 1.0 for line in lines
    )
    lines = [line["scalars"] for line in smoke[1] if "match/loss" in line.get("scalars", {})]
    terms = [value for name, value in lines[-1].items() if name.startswith("match/loss_")]
    assert sum(terms) == pytest.approx(lines[-1]["match/loss"], rel=1e-4)
    assert lines[-1]["match/best_loss"] <= lines[-1]["match/loss"]
    updates = [line["train/n_updates"] for line in lines if "train/n_updates" in line]
    assert updates == sorted(updates) and updates[-1] == load_weights(smoke[0] / "final" / "sac").card["updates"]


def test_an_evaluation_leaves_sounds_pictures_and_words_of_fixed_tasks(smoke: tuple[Path, list[dict]]) -> None:
    out, lines = smoke
    told = {(line["step"], line["name"]): line for line in lines if "name" in line}
    steps = sorted({step for step, _ in told})
    kinds = ("target", "match", "spectrogram", "knobs", "edits")
    assert {name for _, name in told} == {f"match/{slot}/{kind}" for slot in SLOTS for kind in kinds}
    assert all((out / line.get("audio", line.get("image", "."))).exists() for line in told.values())
    target, *others = [(out / told[step, "match/fixed_1/target"]["audio"]).read_bytes() for step in steps]
    assert others and all(other == target for other in others)
    assert told[steps[-1], "match/best/edits"]["text"].startswith("stage 6, ")


def test_what_is_shipped_is_the_actor_with_a_card_that_tells_how_to_use_it(smoke: tuple[Path, list[dict]]) -> None:
    shipped = load_weights(smoke[0] / "final" / "sac")
    learner = make(tiny())
    layout, heads = layout_of(learner.world.core.layout), learner.sac.heads
    actor = Actor(layout, heads, network_config(shipped.card["networks"]), torch_generator(0, "any"))
    actor.load_state_dict(shipped.tensors)
    assert [shipped.card[name] for name in ("kind", "mode", "horizon")] == ["sac", "all", 4]
    newest = checkpoints(smoke[0] / "checkpoints")[0]
    assert newest.name == f"step-{shipped.card['steps']:012d}" and shipped.card["steps"] >= 96
    assert ActionHeads.of(learner.world.core.decoder.layout, **shipped.card["heads"]) == heads


@pytest.mark.parametrize(
    ("cycles", "overrides"),
    [(0, ()), (1, ()), (7, ()), (10, ()), (16, ()), (8, ("sac.foresight=proxy", "sac.learner.draws=2"))],
)
def test_a_resumed_training_is_bit_equal_to_one_never_stopped(
    cycles: int, overrides: tuple[str, ...], tmp_path: Path
) -> None:
    whole = stepped(make(tiny(*overrides)), cycles)
    again = make(tiny("seed=0", *overrides))
    again.load_state_dict(read_checkpoint(write_checkpoint(tmp_path / "kept", 1, whole.state_dict())))
    assert state_of(stepped(whole, 9), tmp_path / "whole") == state_of(stepped(again, 9), tmp_path / "again")


def test_another_seed_is_another_training(tmp_path: Path) -> None:
    found = {state_of(stepped(make(tiny(f"seed={seed}")), 6), tmp_path / str(i)) for i, seed in enumerate((0, 1, 0))}
    assert len(found) == 2


def test_actions_of_a_cycle_come_from_the_actor_before_its_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = stepped(make(tiny("sac.learner.warm_up=0")), 7)
    assert not learner.batches.over and len(learner.replay) >= 8
    before = [weight.clone() for weight in learner.sac.actor.parameters()]
    seen, act = [], learner.sac.act

    def watched(*arguments, **settings):
        seen.append([weight.clone() for weight in learner.sac.actor.parameters()])
        return act(*arguments, **settings)

    monkeypatch.setattr(learner.sac, "act", watched)
    learner.step()
    after = [*learner.sac.actor.parameters()]
    assert all(map(torch.equal, seen[0], before)) and not all(map(torch.equal, before, after))


UNDOING = ("sac.world.undo_worse=true", "sac.relabelled=0.0", "sac.known=gains", "sac.world.reward.lambda_=0.0")


def test_edits_that_helped_are_what_the_actor_is_held_to_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner = make(tiny(*UNDOING, "sac.learner.warm_up=0"))
    seen, update = [], learner.sac.update
    monkeypatch.setattr(learner.sac, "update", lambda batch: seen.append(batch) or update(batch))
    stepped(learner, 14)
    assert len(seen) > 8
    for batch in seen:
        assert batch.reward.min() >= 0.0  # what made it worse was taken back
        assert torch.equal(batch.now.helped.known, batch.reward > 0.0)
        assert torch.equal(batch.now.helped.heads["delta"], batch.action["delta"])
    assert any(bool(batch.now.helped.known.any()) for batch in seen)


def test_edits_that_helped_more_count_more_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = make(tiny(*UNDOING, "sac.known=weighted gains", "sac.learner.warm_up=0"))
    seen, update = [], learner.sac.update
    monkeypatch.setattr(learner.sac, "update", lambda batch: seen.append(batch) or update(batch))
    stepped(learner, 14)
    for batch in seen:
        assert torch.equal(batch.now.helped.known, weighted(batch.reward)) and batch.now.helped.drawn
    assert len(torch.cat([batch.now.helped.known for batch in seen]).unique()) > 3


@pytest.mark.parametrize(("known", "towards_presets"), [("weighted gains", False), ("both", True)])
def test_the_actor_can_be_held_to_presets_and_to_what_helped_at_once(
    known: str, towards_presets: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = make(tiny(*UNDOING, f"sac.known={known}", "sac.learner.warm_up=0"))
    seen, update = [], learner.sac.update
    monkeypatch.setattr(learner.sac, "update", lambda batch: seen.append(batch) or update(batch))
    stepped(learner, 14)
    for batch in seen:
        assert batch.now.helped is not None and (batch.now.edits is not None) is towards_presets
    if towards_presets:
        assert any(bool(batch.now.edits.known.any()) for batch in seen)


def test_examples_are_weighted_by_their_reward_next_to_the_mean_of_those_that_helped() -> None:
    assert weighted(torch.tensor([3.0, 0.0, 1.0, -5.0])).tolist() == [1.5, 0.0, 0.5, 0.0]
    assert weighted(torch.tensor([1.0] * 9 + [91.0])).tolist() == pytest.approx([0.1] * 9 + [4.0])
    assert weighted(torch.tensor([0.0, -1.0])).tolist() == [0.0, 0.0]


def test_a_policy_that_takes_back_is_judged_by_the_same_draws_every_time() -> None:
    learner = stepped(make(tiny(*UNDOING)), 3)
    assert learner.evaluate() == learner.evaluate()
    assert learner.evaluate()["eval/in/best"] < learner.evaluate()["eval/in/start"]


def test_what_was_taken_back_cannot_be_judged_by_other_goals() -> None:
    with pytest.raises(UsageError, match="set relabelled to 0"):
        make(tiny("sac.world.undo_worse=true"))


def test_only_known_edits_that_there_are_can_be_asked_for() -> None:
    with pytest.raises(UsageError, match="known must be presets, gains, weighted gains, both; got 'luck'"):
        make(tiny("sac.known=luck"))


def test_the_replay_of_300_000_steps_stays_under_4_gib() -> None:
    learner = make(load_config("laptop", ["sac.world.recordings.folder=''"]))
    assert learner.config.replay_steps == 300_000
    episode = 16 + 3  # rows of an episode of 16 steps
    assert learner.replay.config.rows // episode * 16 >= 299_000
    assert learner.replay.nbytes <= 4 * 2**30


def test_a_loss_that_is_no_number_stops_with_the_batch(tmp_path: Path) -> None:
    learner = stepped(make(tiny()), 6)
    learner.replay.table["reward"][:] = torch.nan
    with pytest.raises(BrokenError, match=r"critic_loss .*ceased to be a number") as error:
        stepped(learner, 3)
    assert torch.isnan(error.value.batch["reward"]).all() and "now" in error.value.batch


def test_a_gradient_that_is_no_number_stops_too() -> None:
    learner = stepped(make(tiny()), 6)
    batch = learner.replay.sample(8)
    told = learner.sac.update(batch)
    weight = next(iter(learner.sac.critics.parameters()))
    weight.grad = torch.full_like(weight, torch.inf)
    with pytest.raises(BrokenError, match="a gradient ceased"):
        learner._check(told, batch)


def test_an_actor_may_begin_with_weights_that_were_learnt_before(smoke: tuple[Path, list[dict]]) -> None:
    learner = make(tiny(f"sac.init={smoke[0] / 'final' / 'sac'}", "seed=5"))
    shipped = load_weights(smoke[0] / "final" / "sac").tensors
    assert all(torch.equal(learner.sac.actor.state_dict()[name], tensor) for name, tensor in shipped.items())
    with pytest.raises(UsageError, match=r"of other networks: set learner\.networks"):
        make(tiny(f"sac.init={smoke[0] / 'final' / 'sac'}", "sac.learner.networks.hidden=[8, 8]"))
    with pytest.raises(MynaError, match="There are no weights"):
        make(tiny("sac.init=nowhere"))


def test_actions_may_be_positions_and_weights_are_kept_apart_by_it(
    smoke: tuple[Path, list[dict]], tmp_path: Path
) -> None:
    learner = stepped(make(tiny("sac.world.absolute=true")), 6)
    assert learner.world.core.decoder.config.absolute and learner.world.judge.decoder.config.absolute
    learner.save(tmp_path)
    assert load_weights(tmp_path / "sac").card["absolute"] is True
    make(tiny("sac.world.absolute=true", f"sac.init={tmp_path / 'sac'}"))
    for init, absolute in ((tmp_path / "sac", "false"), (smoke[0] / "final" / "sac", "true")):
        with pytest.raises(UsageError, match=r"of other actions: set world\.absolute"):
            make(tiny(f"sac.init={init}", f"sac.world.absolute={absolute}"))
    with pytest.raises(UsageError, match="Foresight promises of steps"):
        make(tiny("sac.world.absolute=true", "sac.foresight=proxy"))


def test_held_out_targets_move_the_curriculum_unless_the_stage_is_settled() -> None:
    easy = "sac.world.curriculum.stages.oscillators.promotion={below = 90.0, after = 1}"
    moved = "sac.world.curriculum.stages.oscillators.demotion={above = 99.0, after = 3}"
    learner = make(tiny(easy, moved))
    told = learner.evaluate()
    assert learner.world.curriculum.stage == 2 and {"eval/stage_1/best", "eval/in/best"} <= set(told)
    settled = make(tiny(easy, moved, "sac.world.promote=false"))
    assert settled.world.curriculum.stage == 1 and "eval/stage_1/best" not in settled.evaluate()


def test_evaluating_and_showing_change_nothing_that_is_learnt(tmp_path: Path) -> None:
    settings = tiny("sac.world.promote=false")
    one, other = stepped(make(settings), 6), stepped(make(settings), 6)
    assert one.evaluate() == one.evaluate()
    Media(tmp_path / "media", 4).write(1, one.shown, Loggers([]))
    assert state_of(stepped(one, 5), tmp_path / "one") == state_of(stepped(other, 5), tmp_path / "other")


@pytest.mark.parametrize("name", ["envs", "learn_after", "replay_steps"])
def test_a_setting_that_cannot_be_is_told_in_a_sentence(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} must be 1 or more"):
        SACTraining(**{name: 0})
