"""How far magnitudes lie apart, against the plain formula, and where products of ratios could overflow."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from myna.loss.apart import magnitudes_apart
from myna.seeding import generator


def magnitudes(*shape: int, seed: int = 0) -> torch.Tensor:
    """From far below the floor to full scale."""
    return torch.from_numpy(10 ** generator(seed, "apart").uniform(-8, 0, shape)).float()


def plain(one: torch.Tensor, other: torch.Tensor) -> list[float]:
    a, b = one.double().numpy(), other.double().numpy()
    logs = np.log(np.maximum(a, 1e-4)) - np.log(np.maximum(b, 1e-4))
    return [float(np.sqrt(((a - b) ** 2).sum())), float(np.abs(logs).mean())]


@pytest.mark.parametrize("shape", [(1, 1), (7, 129), (29, 5), (30, 5), (61, 1025)])
def test_it_is_the_norm_of_the_difference_and_the_mean_of_the_logarithms(shape: tuple[int, int]) -> None:
    one, other = magnitudes(*shape), magnitudes(*shape, seed=1)
    assert magnitudes_apart(one, other).tolist() == pytest.approx(plain(one, other), rel=1e-5)


def test_the_loudest_sound_against_silence_overflows_nothing() -> None:
    loud, silent = torch.full((90, 17), 1e6), torch.zeros(90, 17)
    for one, other in ((loud, silent), (silent, loud)):
        assert magnitudes_apart(one, other).tolist() == pytest.approx(plain(one, other), rel=1e-5)


def test_a_sound_is_not_apart_from_itself_nor_from_what_lies_below_the_floor_with_it() -> None:
    one = magnitudes(12, 33)
    assert magnitudes_apart(one, one).tolist() == [0.0, 0.0]
    assert magnitudes_apart(torch.full((3, 4), 1e-5), torch.full((3, 4), 9e-5))[1] == 0.0


def test_leading_dimensions_are_matched_as_tensors_are_and_an_items_bits_are_its_own() -> None:
    some, target = magnitudes(4, 2, 9, 17), magnitudes(2, 9, 17, seed=1)
    found = magnitudes_apart(some, target)
    assert found.shape == (4, 2, 2)
    for i in range(4):
        for j in range(2):
            assert torch.equal(found[i, j], magnitudes_apart(some[i, j], target[j]))
    assert torch.equal(magnitudes_apart(some, target[:1]), magnitudes_apart(some, target[0].expand(4, 2, 9, 17)))
