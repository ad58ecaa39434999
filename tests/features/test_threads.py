"""Torch's threads: one inside, as many as before afterwards."""

from __future__ import annotations

import os
import threading
import time

import pytest
import torch

from myna.features import each_item, lasting_thread, one_core


@pytest.fixture(autouse=True)
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_items_come_back_in_order_each_computed_on_one_core(threads: int) -> None:
    assert each_item(lambda i: (i, torch.get_num_threads()), 7, threads) == [(i, 1) for i in range(7)]
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_comes_through_and_the_threads_come_back(threads: int) -> None:
    with pytest.raises(ZeroDivisionError):
        each_item(lambda i: 1 // i, 3, threads)
    assert torch.get_num_threads() == 3


def test_inside_another_it_stays_on_one_core() -> None:
    def work(i: int) -> tuple[list[int], int]:
        return each_item(lambda j: i + j, 2), torch.get_num_threads()

    assert each_item(work, 2, threads=2) == [([0, 1], 1), ([1, 2], 1)]


def test_inside_another_of_as_many_threads_it_does_not_wait_for_itself() -> None:
    assert each_item(lambda i: each_item(lambda j: i + j, 3, threads=2), 4, threads=2) == [
        [i, i + 1, i + 2] for i in range(4)
    ]


def test_the_threads_last_and_are_shared_by_whoever_calls() -> None:
    def idents() -> set[int]:
        both = threading.Barrier(2)
        return set(each_item(lambda _: both.wait(10) * 0 + threading.get_ident(), 2, threads=2))

    first, others = idents(), []
    other = threading.Thread(target=lambda: others.append(idents()))
    other.start()
    other.join()
    assert others == [first]


def test_an_error_waits_for_what_was_begun() -> None:
    ended: list[int] = []

    def work(i: int) -> None:
        if i == 0:
            raise ValueError("first")
        time.sleep(0.2)
        ended.append(i)

    with pytest.raises(ValueError, match="first"):
        each_item(work, 2, threads=2)
    assert ended in ([], [1])
    kept = list(ended)
    time.sleep(0.3)
    assert ended == kept


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_was_forked_begins_threads_of_its_own() -> None:
    assert each_item(lambda i: i, 2, threads=2) == [0, 1]
    child = os.fork()
    if child == 0:
        os._exit(0 if each_item(lambda i: i * 3, 3, threads=2) == [0, 3, 6] else 1)
    for _ in range(100):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        time.sleep(0.1)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the child waits for threads that it does not have")
    assert os.waitstatus_to_exitcode(status) == 0


def test_several_threads_at_once_leave_the_number_as_it_was() -> None:
    both, first_left = threading.Barrier(2), threading.Event()

    def first() -> None:
        with one_core():
            both.wait(10)
        first_left.set()

    def second() -> None:
        with one_core():
            both.wait(10)
            assert first_left.wait(10)

    runners = [threading.Thread(target=run) for run in (first, second)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    seen: list[int] = []
    later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert (seen, torch.get_num_threads()) == ([3], 3)


def test_no_items_are_no_work() -> None:
    assert each_item(lambda i: i, 0, threads=2) == []


def test_a_lasting_thread_that_begins_inside_leaves_the_number_as_it_was_outside() -> None:
    with lasting_thread("lasting") as pool:
        with one_core():
            assert pool.submit(torch.get_num_threads).result() == 3
        assert pool.submit(one_core()(torch.get_num_threads)).result() == 1
        assert pool.submit(torch.get_num_threads).result() == 3
        with lasting_thread("later") as other:
            assert other.submit(torch.get_num_threads).result() == 3
    assert torch.get_num_threads() == 3
