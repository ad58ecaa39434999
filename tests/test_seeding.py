"""One seed tree: stable, order free and collision free."""

from __future__ import annotations

import doctest
import itertools

import numpy as np
import pytest

from myna import seeding
from myna.seeding import generator


def draw(*place: str | int) -> tuple[int, ...]:
    seed, *path = place
    return tuple(generator(int(seed), *path).integers(1 << 62, size=4).tolist())


def test_the_worked_examples_hold() -> None:
    assert doctest.testmod(seeding).failed == 0


def test_the_same_place_gives_the_same_stream_in_any_order() -> None:
    first = draw(3, "a"), draw(3, "b")
    second = draw(3, "b"), draw(3, "a")
    assert first == second[::-1]


def test_places_that_look_alike_are_different_streams() -> None:
    places = [
        (0,),
        (1,),
        (0, "a", "b"),
        (0, "ab"),
        (0, "b", "a"),
        (0, 1),
        (0, "1"),
        (0, 1, 1),
        (0, 11),
        (0, ""),
        (2**80,),
    ]
    assert len({draw(*place) for place in places}) == len(places)


def test_neighbouring_streams_are_uncorrelated() -> None:
    streams = [generator(0, "row", index).standard_normal(20_000) for index in range(4)]
    for one, other in itertools.combinations(streams, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.03


def test_numpy_integers_count_as_integers() -> None:
    assert draw(5, 7) == tuple(generator(np.int64(5), np.int32(7)).integers(1 << 62, size=4).tolist())


def test_the_global_generator_is_not_touched() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the thing under test
    generator(0, "a").random(10)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("seed", [1.0, "1", None, True])
def test_a_seed_that_is_no_integer_is_refused(seed: object) -> None:
    with pytest.raises(TypeError, match="a seed is an integer"):
        generator(seed)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        generator(-1)


@pytest.mark.parametrize("part", [1.5, None, True, b"a"])
def test_a_path_of_something_else_is_refused(part: object) -> None:
    with pytest.raises(TypeError, match="text and integers"):
        generator(0, part)
