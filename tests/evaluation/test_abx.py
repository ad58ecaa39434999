"""The blind ABX test: fixed before it begins, fair coins, exact figures, and no verdict before the last vote."""

from __future__ import annotations

import hashlib

import pytest

from myna.errors import UsageError
from myna.evaluation.listening.abx import MOST_TRIALS, Abx, needed
from myna.evaluation.listening.tally import preference


def voted(right: int, count: int) -> Abx:
    """A test with so many right answers."""
    test = Abx(("a", "b"), count, 7)
    for trial in range(count):
        truth = test.x_is(trial)
        test.vote(truth if trial < right else "AB".replace(truth, ""), float(trial))
    return test


@pytest.mark.parametrize(
    ("right", "count", "p"),
    [(9, 10, 11 / 1024), (12, 16, 2517 / 65536), (8, 8, 1 / 256), (0, 8, 1.0), (4, 8, 163 / 256)],
)
def test_p_is_the_sum_of_binomial_terms_that_one_gets_by_hand(right: int, count: int, p: float) -> None:
    assert voted(right, count).result().p == pytest.approx(p, rel=1e-12)


def test_the_interval_is_clopper_and_pearsons() -> None:
    found = voted(8, 8).result()
    assert (found.low, found.high) == (pytest.approx(0.025 ** (1 / 8), rel=1e-9), 1.0)
    found = voted(9, 10).result()
    assert (found.low, found.high) == (pytest.approx(0.5550, abs=5e-5), pytest.approx(0.9975, abs=5e-5))


def test_one_sided_and_two_sided_differ_in_p_alone() -> None:
    one, two = preference(9, 1, "greater"), preference(9, 1)
    assert two.p == pytest.approx(2 * one.p) and (one.low, one.high) == (two.low, two.high)


@pytest.mark.parametrize(("count", "right"), [(4, None), (5, 5), (8, 7), (10, 9), (12, 10), (16, 12), (20, 15)])
def test_what_is_needed_is_the_least_that_chance_hardly_reaches(count: int, right: int | None) -> None:
    assert needed(count) == right
    if right is not None:
        assert voted(right, count).result().p <= 0.05 < voted(right - 1, count).result().p


def test_coins_are_fair_and_each_trial_has_its_own() -> None:
    tests = [Abx(("a", "b"), 4, entropy) for entropy in range(1000)]
    coins = [[test.x_is(trial) == "A" for trial in range(4)] for test in tests]
    assert all(430 < sum(column) < 570 for column in zip(*coins, strict=True))
    assert 430 < sum(first == second for first, second, *_ in coins) < 570


def test_there_is_no_verdict_before_the_last_vote() -> None:
    test = Abx(("a", "b"), 3, 2**127)
    for _ in range(2):
        test.vote("A", 0.0)
        record = test.as_json()
        assert not {"key", "entropy", "right", "p", "interval"} & set(record) and str(test.entropy) not in str(record)
        with pytest.raises(UsageError, match="before the last trial"):
            test.result()
    test.vote("B", 1.0)
    assert test.done and test.as_json()["right"] == test.result().wins


def test_the_entropy_told_at_the_end_is_that_committed_to_at_the_start() -> None:
    test = Abx(("a", "b"), 1, 123456789)
    before = test.as_json()["commitment"]
    test.vote("A", 0.0)
    after = test.as_json()
    assert before == after["commitment"] == hashlib.sha256(after["entropy"].encode()).hexdigest()
    assert after["key"] == [Abx(("", ""), 1, int(after["entropy"])).x_is(0)]


def test_a_vote_is_a_or_b_and_one_a_trial() -> None:
    test = Abx(("a", "b"), 1, 0)
    for said in ("X", "a", "", "AB"):
        with pytest.raises(UsageError):
            test.vote(said, 0.0)
    test.vote("A", 0.0)
    with pytest.raises(UsageError, match="over"):
        test.vote("A", 0.0)


@pytest.mark.parametrize("count", [0, -1, MOST_TRIALS + 1])
def test_a_test_has_some_trials_and_not_too_many(count: int) -> None:
    with pytest.raises(UsageError):
        Abx(("a", "b"), count, 0)
