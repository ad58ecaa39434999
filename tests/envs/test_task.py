"""Tasks can be picked, joined, replaced and made of recordings."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
import torch

from myna.audio.files import Audio
from myna.audio.target import Target, target_from_audio
from myna.envs.task import TaskBatch, tasks_from_recordings
from myna.errors import UsageError
from myna.features import TRAINING, analyse
from myna.synth.base import Probe
from myna.synth.serum_lite.parameters import TABLE

RATE = 44_100
TENSORS = ("target_u", "start_u", "open", "bound", "horizon", "stage")


@functools.cache
def recording(frequency_hz: float, seconds: float = 0.3, rate: int = RATE) -> Target:
    time_s = np.arange(round(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * frequency_hz * time_s)[None].astype(np.float32)
    return target_from_audio(Audio(wave, rate, rate), name=f"{frequency_hz:g} Hz")


def tasks(count: int = 4, seconds: float = 0.3, **settings) -> TaskBatch:
    made = tasks_from_recordings([recording(220.0 * (i + 1), seconds) for i in range(count)], TABLE, **settings)
    return dataclasses.replace(made, stage=torch.arange(count), bound=torch.linspace(0.1, 0.2, count).double())


def assert_same(one: TaskBatch, other: TaskBatch) -> None:
    assert (one.names, one.probes) == (other.names, other.probes)
    for name in TENSORS:
        assert torch.equal(torch.nan_to_num(getattr(one, name)), torch.nan_to_num(getattr(other, name))), name
    for name, tensor in one.target.tensors().items():
        assert torch.equal(tensor, other.target.tensors()[name]), name


def test_an_index_picks_the_same_rows_of_everything() -> None:
    some = tasks()[[2, 0]]
    assert some.stage.tolist() == [2, 0]
    assert some.names == ("660 Hz", "220 Hz")
    assert [own[0].note_midi for own in some.probes] == [76.0, 57.0]
    assert torch.equal(some.target.level_db, tasks().target.level_db[[2, 0]])


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (1, [1]),
        (-1, [3]),
        (np.int64(2), [2]),
        (slice(1, 3), [1, 2]),
        (np.array([3, 1]), [3, 1]),
        (torch.tensor([3, 1]), [3, 1]),
        (np.array([True, False, False, True]), [0, 3]),
        (torch.tensor([True, False, False, True]), [0, 3]),
        ([True, False, False, True], [0, 3]),
        ([], []),
    ],
)
def test_every_kind_of_index_works(index, rows: list[int]) -> None:
    assert tasks()[index].stage.tolist() == rows


def test_cat_undoes_picking() -> None:
    whole = tasks()
    assert_same(TaskBatch.cat([whole[:1], whole[1:]]), whole)


def test_put_replaces_rows_in_order_and_leaves_the_rest_and_the_old_batch() -> None:
    whole = tasks()
    mixed = whole.put(torch.tensor([3, 1]), whole[[0, 2]])
    assert_same(mixed, whole[[0, 2, 2, 0]])
    assert_same(whole, tasks())


def test_put_refuses_another_number_of_tasks() -> None:
    with pytest.raises(UsageError, match="2 tasks cannot take the place of 1"):
        tasks().put([0], tasks()[:2])


def test_tasks_with_other_probes_lengths_or_no_parts_cannot_be_joined() -> None:
    with pytest.raises(UsageError, match="one number of probes"):
        TaskBatch.cat([tasks(), tasks(notes=2)])
    with pytest.raises(UsageError, match="length"):
        TaskBatch.cat([tasks(), tasks(seconds=0.4)])
    with pytest.raises(UsageError, match="no features"):
        TaskBatch.cat([])


def test_audio_is_kept_only_where_all_have_it() -> None:
    kept, bare = tasks(keep_audio=True), tasks()
    both = TaskBatch.cat([kept, kept]).target_audio
    assert both is not None and len(both) == 8
    assert TaskBatch.cat([kept, bare]).target_audio is None
    picked = kept[[1]].target_audio
    assert picked is not None and kept.target_audio is not None
    assert torch.equal(picked[0], kept.target_audio[1])


def test_parts_that_do_not_fit_are_refused() -> None:
    whole = tasks()
    with pytest.raises(UsageError, match="4 tasks need as many entries of bound; got 1"):
        dataclasses.replace(whole, bound=whole.bound[:1])
    with pytest.raises(UsageError, match="needs 1 probes"):
        dataclasses.replace(whole, probes=tuple(own * 2 for own in whole.probes))


def test_moving_to_the_same_device_changes_nothing() -> None:
    assert_same(tasks(keep_audio=True).to("cpu"), tasks())


def test_a_recording_is_a_task_without_a_preset_from_the_default_with_all_open() -> None:
    made = tasks_from_recordings([recording(440.0)], TABLE, bound=0.25, horizon=9)
    assert torch.isnan(made.target_u).all()
    assert not made.known.any()
    assert made.open.all()
    assert np.array_equal(made.start_u[0], TABLE.encode(TABLE.defaults))
    assert (made.bound.item(), made.horizon.item(), made.stage.item()) == (0.25, 9, 0)
    assert made.names == ("440 Hz",)


def test_a_recording_is_played_at_its_own_note_and_gate_and_as_long_as_it_is() -> None:
    target = recording(440.0)
    probe = tasks_from_recordings([target], TABLE).probes[0][0]
    assert probe == Probe(69.0, 100.0, target.gate_s, target.total_s)


def test_recordings_of_several_lengths_share_the_longest() -> None:
    short, long = recording(220.0, 0.2), recording(220.0, 0.5)
    made = tasks_from_recordings([short, long], TABLE, keep_audio=True)
    assert made.target_audio is not None
    samples = short.audio.shape[1]
    assert made.target_audio.shape == (2, 1, 2, long.audio.shape[1])
    assert np.array_equal(made.target_audio[0, 0, :, :samples], short.audio)
    assert not made.target_audio[0, 0, :, samples:].any()
    assert made.probes[0][0].total_s == made.probes[1][0].total_s == long.total_s


def test_a_recording_that_is_too_long_is_faded_out() -> None:
    made = tasks_from_recordings([recording(220.0, 0.5)], TABLE, total_s=0.25, keep_audio=True)
    assert made.target_audio is not None
    sound = made.target_audio[0, 0]
    assert sound.shape == (2, round(0.25 * RATE))
    assert not sound[:, -1].any()
    assert np.array_equal(sound[:, :8000], recording(220.0, 0.5).audio[:, :8000])
    assert made.probes[0][0].gate_s <= 0.25


def test_a_recording_fills_all_probes_alike() -> None:
    made = tasks_from_recordings([recording(220.0), recording(330.0)], TABLE, notes=3, keep_audio=True)
    assert made.target.shape == (2, 3)
    assert made.target_audio is not None
    assert made.target_audio.shape[:2] == (2, 3)
    assert made.probes[1][0] == made.probes[1][2]
    assert torch.equal(made.target.mels[0][:, 0], made.target.mels[0][:, 2])


def test_the_features_of_a_recording_are_those_of_its_sound() -> None:
    target = recording(330.0)
    heard = analyse(target.audio, RATE, TRAINING)
    made = tasks_from_recordings([recording(220.0), target], TABLE)
    for name, tensor in heard.tensors().items():
        assert torch.equal(made.target.tensors()[name][1, 0], tensor), name


def test_no_recordings_or_one_of_another_rate_are_refused() -> None:
    with pytest.raises(UsageError, match="no recordings"):
        tasks_from_recordings([], TABLE)
    with pytest.raises(UsageError, match="“220 Hz” has a sample rate of 22050 Hz; load it at the synth's 44100"):
        tasks_from_recordings([recording(220.0, rate=22_050)], TABLE)
