"""The best so far, per item: the first of equals, forgotten on reset, with its history."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from myna.errors import UsageError
from myna.loss import BestSoFar


def presets(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None]


def test_each_item_keeps_its_own_best() -> None:
    best = BestSoFar(2, 1)
    assert best.update(torch.tensor([0.5, 0.9]), presets(0.1, 0.2)).tolist() == [True, True]
    assert best.update(torch.tensor([0.7, 0.3]), presets(0.3, 0.4)).tolist() == [False, True]
    assert best.loss.tolist() == pytest.approx([0.5, 0.3])
    assert best.u[:, 0].tolist() == pytest.approx([0.1, 0.4])
    assert best.step.tolist() == [0, 1]


def test_a_tie_keeps_the_first() -> None:
    best = BestSoFar(1, 1)
    best.update(torch.tensor([0.5]), presets(0.1))
    assert not best.update(torch.tensor([0.5]), presets(0.9)).item()
    assert best.u.item() == pytest.approx(0.1)
    assert best.step.item() == 0


def test_nan_is_never_best() -> None:
    best = BestSoFar(1, 1)
    assert not best.update(torch.tensor([float("nan")]), presets(0.1)).item()
    assert best.step.item() == -1
    assert best.update(torch.tensor([0.5]), presets(0.2)).item()


def test_a_reset_forgets_the_marked_items_alone() -> None:
    best = BestSoFar(2, 1)
    best.update(torch.tensor([0.1, 0.2]), presets(0.1, 0.2))
    best.reset(torch.tensor([True, False]))
    assert best.loss.tolist() == [torch.inf, pytest.approx(0.2)]
    assert best.u[:, 0].tolist() == [0.0, pytest.approx(0.2)]
    best.update(torch.tensor([0.9, 0.9]), presets(0.5, 0.6))
    assert best.loss.tolist() == pytest.approx([0.9, 0.2])
    assert best.step.tolist() == [0, 0]
    assert best.history(0).tolist() == pytest.approx([0.9])
    assert best.history(1).tolist() == pytest.approx([0.2, 0.2])


def test_history_before_any_update_is_empty() -> None:
    assert BestSoFar(3, 2).history(1).shape == (0,)


def test_history_does_not_outgrow_the_longest_search() -> None:
    best = BestSoFar(2, 1)
    for _ in range(20):
        for _ in range(5):
            best.update(torch.rand(2, generator=torch.Generator().manual_seed(0)), presets(0.1, 0.2))
        best.reset(torch.tensor([True, True]))
    assert best._rows == []


def test_what_is_put_in_may_change_afterwards() -> None:
    best = BestSoFar(1, 1)
    loss, u = torch.tensor([0.5]), presets(0.1)
    best.update(loss, u)
    loss.zero_()
    u.zero_()
    assert best.loss.item() == pytest.approx(0.5)
    assert best.u.item() == pytest.approx(0.1)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\(2,\) and \(2, 3\)"):
        BestSoFar(2, 3).update(torch.zeros(2), torch.zeros(2, 4))


@given(st.lists(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3), min_size=1, max_size=12))
def test_history_is_the_running_minimum(losses: list[list[float]]) -> None:
    best = BestSoFar(3, 1)
    for i, row in enumerate(losses):
        best.update(torch.tensor(row), torch.full((3, 1), float(i)))
    running = torch.tensor(losses).cummin(0).values
    first = torch.tensor(losses).argmin(0)
    for item in range(3):
        assert torch.equal(best.history(item), running[:, item])
        assert best.step[item] == first[item] == best.u[item, 0]
