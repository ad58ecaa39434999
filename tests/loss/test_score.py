"""Analysing and comparing in one go says the same as one after the other, in less memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from myna.errors import UsageError
from myna.features import CONFIGS as EARS
from myna.features import analyse
from myna.loss import BROKEN, CONFIGS, Heard, PerceptualLoss, score

from .conftest import RATE, note, white

SOUNDS = np.stack([note(i, gain_db=-i) for i in range(5)] + [0.1 * white(i) for i in range(32)])


@pytest.mark.parametrize("name", list(CONFIGS))
@pytest.mark.parametrize("threads", [1, 2])
def test_it_says_what_analyse_and_loss_say_bit_by_bit(name: str, threads: int) -> None:
    target = analyse(note()[None], RATE, EARS[name])
    loss = PerceptualLoss(CONFIGS[name])
    found, features = score(SOUNDS, RATE, target, loss, threads)
    whole = analyse(SOUNDS, RATE, EARS[name])
    wanted = loss(whole, target)
    assert torch.equal(found.total, wanted.total)
    assert all(torch.equal(part, wanted.terms[term]) for term, part in found.terms.items())
    assert all(torch.equal(part, wanted.penalties[penalty]) for penalty, part in found.penalties.items())
    assert features.magnitudes == ()
    assert all(torch.equal(tensor, whole.lean().tensors()[part]) for part, tensor in features.tensors().items())


def test_long_sounds_are_scored_one_by_one_and_alike() -> None:
    long = np.tile(SOUNDS[:3], (1, 1, 40))  # 20 s
    target = analyse(long[:1], RATE, EARS["training"])
    loss = PerceptualLoss(CONFIGS["training"])
    found, _ = score(long, RATE, target, loss)
    assert torch.equal(found.total, loss(analyse(long, RATE, EARS["training"]), target).total)


def test_each_sound_may_have_its_own_target() -> None:
    targets = analyse(SOUNDS[::-1].copy(), RATE)
    found, _ = score(SOUNDS, RATE, targets)
    assert torch.equal(found.total, PerceptualLoss()(analyse(SOUNDS, RATE), targets).total)
    assert found.total[18] == 0.0


def test_a_target_without_a_batch_or_kept_between_calls_will_do() -> None:
    target = analyse(note(), RATE)
    assert target.shape == ()
    single, _ = score(SOUNDS[:3], RATE, target)
    kept, _ = score(SOUNDS[:3], RATE, Heard(target))
    assert single.total.shape == (3,)
    assert torch.equal(single.total, kept.total)


def test_tensors_are_scored_as_arrays_are() -> None:
    target = analyse(note(), RATE)
    assert torch.equal(
        score(torch.from_numpy(SOUNDS[:4]), RATE, target)[0].total, score(SOUNDS[:4], RATE, target)[0].total
    )


def test_a_broken_sound_stops_nobody_else() -> None:
    bad = SOUNDS[:3].copy()
    bad[1, 0, 50] = np.inf
    found, features = score(bad, RATE, analyse(note(), RATE))
    assert found.total[1] == BROKEN
    assert features.finite.tolist() == [True, False, True]
    assert torch.equal(found.total[[0, 2]], score(SOUNDS[[0, 2]], RATE, analyse(note(), RATE))[0].total)


@pytest.mark.parametrize("shape", [(0, 2, 100), (2, 100), (3, 2, 0)])
def test_audio_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"shape \(B, C, T\)"):
        score(np.zeros(shape, np.float32), RATE, analyse(note(), RATE))


def test_some_targets_for_more_sounds_are_refused() -> None:
    with pytest.raises(UsageError, match="as many as the 5 sounds; got 3"):
        score(SOUNDS[:5], RATE, analyse(SOUNDS[:3], RATE))


def test_a_breakdown_can_be_indexed() -> None:
    found, _ = score(SOUNDS[:4], RATE, analyse(note(), RATE))
    assert torch.equal(found[2:].total, found.total[2:])
    assert torch.equal(found[2:].terms["log_mel"], found.terms["log_mel"][2:])
    assert torch.equal(found[2:].penalties["noise"], found.penalties["noise"][2:])
