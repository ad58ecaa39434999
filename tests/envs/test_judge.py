"""The judge: the loss and the summary as they are alone, traced or not, to the bit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from myna.envs import judge as judges
from myna.envs.judge import MOST_SCRIPTS, Judge, Judged
from myna.envs.statistics import load_statistics
from myna.envs.summary import summarise
from myna.errors import UsageError
from myna.features import TRAINING, Features, analyse
from myna.loss import TRAINING_LOSS, Heard, PerceptualLoss
from myna.seeding import generator

RATE = 44_100


@pytest.fixture(autouse=True)
def early(monkeypatch) -> None:
    """Tracing is worth it after ten sounds."""
    monkeypatch.setattr(judges, "WORTH_IT", 10)


@pytest.fixture
def judge() -> Judge:
    return Judge(TRAINING_LOSS, torch.device("cpu"))


def sounds(count: int, seed: int, samples: int = 6615) -> Features:
    """Noise of many levels that dies away, one of it broken."""
    audio = torch.from_numpy(generator(seed, "judge").normal(0.0, 0.1, (count, 2, samples))).float()
    audio *= torch.logspace(-3, 0.5, count)[:, None, None] * torch.linspace(1.0, 0.0, samples)
    audio[0, 0, 7] = torch.nan
    return analyse(audio, RATE, TRAINING, on_bad="mark")


def pair(count: int, seed: int, samples: int = 6615) -> tuple[Features, Heard]:
    return sounds(count, seed, samples), Heard(sounds(count, seed + 100, samples)).derived()


def same(one: Judged, other: Judged) -> bool:
    return torch.equal(one.parts, other.parts) and torch.equal(one.summary, other.summary)


def test_it_says_what_the_loss_and_the_summary_say(judge: Judge) -> None:
    features, goal = pair(5, seed=1)
    judged, breakdown = judge(features, goal), PerceptualLoss(TRAINING_LOSS)(features, goal)
    assert torch.equal(judged.parts[0], breakdown.total)
    by_name = dict(zip(judge.names, judged.parts[1:], strict=True))
    alone = {**breakdown.terms, **breakdown.penalties}
    assert list(by_name) == list(alone) and all(torch.equal(by_name[name], alone[name]) for name in alone)
    assert torch.equal(judged.summary, load_statistics().standardise(summarise(features)))


@pytest.mark.parametrize("count", [1, 6])
def test_traced_it_has_the_bits_of_every_call_alone(judge: Judge, count: int) -> None:
    for seed in range(2, 16):
        features, goal = pair(count, seed)
        assert same(judge(features, goal, again=True), judge(features, goal))
    assert len(judge._scripts) == 1


def test_what_does_not_come_again_is_not_traced_and_only_some_sizes_are(judge: Judge) -> None:
    features, goal = pair(12, seed=1)
    judge(features, goal)
    assert not judge._scripts
    for samples in range(3000, 3000 + 100 * (MOST_SCRIPTS + 2), 100):
        features, goal = pair(12, 1, samples)
        assert same(judge(features, goal, again=True), judge(features, goal))
    assert len(judge._scripts) == MOST_SCRIPTS


def test_another_length_is_refused_though_its_size_was_traced(judge: Judge) -> None:
    features, goal = pair(12, seed=1)
    judge(features, goal, again=True)
    assert len(judge._scripts) == 1
    with pytest.raises(UsageError, match="equal length"):
        judge(sounds(12, 2, samples=6000), goal, again=True)


def test_several_threads_may_come_at_once(judge: Judge) -> None:
    features, goal = pair(6, seed=1)
    wanted = judge(features, goal)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: judge(features, goal, again=True), range(16)))
    assert len(judge._scripts) == 1
    assert all(same(one, wanted) for one in found)
