"""Paired ratios, their intervals and tests, against known values and what must hold of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from myna.errors import UsageError
from myna.evaluation.statistics import holm, median_interval, paired_ratio
from myna.seeding import generator


def losses(count: int, seed: int = 0) -> np.ndarray:
    return np.exp(generator(seed, "test", "losses").normal(-1.0, 0.5, count))


def test_a_method_that_halves_every_loss_has_the_ratio_one_half_without_doubt() -> None:
    b = losses(40)
    ratio = paired_ratio(b / 2, b, generator(0))
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((0.5, 0.5, 0.5))
    assert (ratio.wins, ratio.count) == (1.0, 40)
    assert ratio.p < 1e-6


def test_a_method_against_itself_has_the_ratio_one_and_nothing_to_claim() -> None:
    ratio = paired_ratio(losses(40), losses(40), generator(0))
    assert (ratio.median, ratio.low, ratio.high, ratio.p, ratio.wins) == (1.0, 1.0, 1.0, 1.0, 0.0)


def test_the_median_is_of_ratios_and_not_the_ratio_of_medians() -> None:
    a, b = np.array([1.0, 2.0, 9.0]), np.array([2.0, 1.0, 3.0])
    assert paired_ratio(a, b, generator(0)).median == pytest.approx(2.0)
    assert np.median(a) / np.median(b) == pytest.approx(1.0)


def test_turning_the_comparison_round_turns_the_ratio_and_its_interval_round() -> None:
    a, b = losses(51, 1), losses(51, 2)
    there, back = paired_ratio(a, b, generator(3)), paired_ratio(b, a, generator(3))
    assert (there.median, there.low, there.high) == pytest.approx((1 / back.median, 1 / back.high, 1 / back.low))
    assert there.p == pytest.approx(back.p)


def test_the_test_is_scipys_on_log_ratios() -> None:
    a, b = losses(30, 1), losses(30, 2)
    assert paired_ratio(a, b, generator(0)).p == pytest.approx(stats.wilcoxon(np.log(a / b)).pvalue)


def test_the_interval_covers_the_true_median_about_as_often_as_it_says() -> None:
    rng = generator(0, "test", "coverage")
    covered = 0
    for _ in range(200):
        ratio = paired_ratio(np.exp(rng.normal(-0.2, 0.4, 60)), np.ones(60), rng, 400)
        covered += ratio.low <= np.exp(-0.2) <= ratio.high
    assert 0.90 <= covered / 200 <= 0.99


def test_the_same_generator_gives_the_same_interval_and_another_one_nearly() -> None:
    a, b = losses(60, 1), losses(60, 2)
    first, again, other = (paired_ratio(a, b, generator(seed)) for seed in (0, 0, 1))
    assert first == again
    assert (other.low, other.high) != (first.low, first.high)
    assert (other.low, other.high) == pytest.approx((first.low, first.high), rel=0.05)


def test_a_loss_of_zero_gives_a_finite_ratio() -> None:
    ratio = paired_ratio(np.array([0.0, 0.1]), np.array([0.1, 0.0]), generator(0))
    assert np.isfinite([ratio.median, ratio.low, ratio.high]).all()
    assert ratio.median == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("a", "b", "sentence"),
    [
        ([], [], "at least one target"),
        ([[[1.0]]], [[[1.0]]], "shape"),
        ([[1.0, 2.0], [1.0, 2.0]], [1.0], "same targets; got 2 and 1"),
        ([1.0, 2.0], [1.0], "same targets; got 2 and 1"),
        ([np.nan], [1.0], "finite and 0 or more"),
        ([1.0], [-1.0], "finite and 0 or more"),
        ([1.0], [np.inf], "finite and 0 or more"),
    ],
)
def test_what_cannot_be_compared_is_refused(a: list, b: list, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        paired_ratio(np.array(a), np.array(b), generator(0))


def test_holm_multiplies_by_the_hypotheses_left_never_falls_and_stops_at_one() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_one_training_says_what_losses_without_trainings_say() -> None:
    a, b, groups = losses(20, 1), losses(20, 2), [str(place // 2) for place in range(20)]
    assert paired_ratio(a[None], b, generator(0), 300, groups) == paired_ratio(a, b, generator(0), 300, groups)
    assert median_interval(a[None], generator(0)) == median_interval(a, generator(0))


def test_trainings_that_differ_widen_the_interval_to_them_and_leave_the_ratio_of_their_mean() -> None:
    b = losses(40)
    ratio = paired_ratio(np.stack([0.5 * b, 1.0 * b]), b, generator(0), 500)
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((0.75, 0.5, 1.0))
    assert ratio.count == 40
    sure = paired_ratio(np.stack([0.75 * b, 0.75 * b]), b, generator(0), 500)
    assert (sure.low, sure.high) == pytest.approx((0.75, 0.75))


def test_methods_of_the_same_trainings_are_drawn_alike() -> None:
    trained = np.stack([losses(12, 1), 3 * losses(12, 2), 9 * losses(12, 3)])
    ratio = paired_ratio(0.5 * trained, trained, generator(0), 200)
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((0.5, 0.5, 0.5))


def test_the_interval_of_trainings_is_that_of_both_drawn_by_hand() -> None:
    values, names = np.stack([losses(7, 1), losses(7, 2), losses(7, 3)]), list("aabbbcd")
    members = [np.flatnonzero(np.array(names) == name) for name in dict.fromkeys(names)]
    rng, medians = generator(5), []
    for _ in range(300):
        drawn = values[rng.integers(3, size=3)].mean(axis=0)
        places = np.concatenate([members[place] for place in rng.integers(len(members), size=len(members))])
        medians.append(np.median(drawn[places]))
    assert median_interval(values, generator(5), 300, names) == tuple(np.percentile(medians, (2.5, 97.5)))


@pytest.mark.parametrize(("targets", "instruments"), [(7, 3), (60, 36), (61, 20)])
def test_the_interval_of_groups_is_that_of_whole_groups_drawn_by_hand(targets: int, instruments: int) -> None:
    values = generator(0, "groups", "values", str(targets)).normal(size=targets)
    names = [str(number) for number in generator(0, "groups", str(targets)).integers(instruments, size=targets)]
    found = median_interval(values, generator(1, "groups"), 300, names)
    members = [np.flatnonzero(np.array(names) == name) for name in dict.fromkeys(names)]
    chosen = generator(1, "groups").integers(len(members), size=(300, len(members)))
    medians = [np.median(values[np.concatenate([members[place] for place in row])]) for row in chosen]
    assert found == tuple(np.percentile(medians, (2.5, 97.5)))
