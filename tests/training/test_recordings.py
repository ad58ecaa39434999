"""Recordings to train on: complete, split by instrument, and augmented without telling anything wrong of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from myna.audio.collection import read_index
from myna.errors import UsageError
from myna.training.recordings import load_recordings, split_by_instrument

TRAINING = Path(__file__).parents[2] / "recordings" / "train"


def test_198_notes_of_50_instruments_are_there_and_no_file_is_beside_the_index() -> None:
    index = read_index(TRAINING)
    assert len(index) == len({one.path for one in index}) == 198
    assert len({one.instrument for one in index}) == 50
    assert {one.path for one in index} == set(TRAINING.glob("*.flac"))


def test_every_tenth_instrument_is_for_validation_and_none_is_in_both_parts() -> None:
    train, validation = split_by_instrument(read_index(TRAINING))
    assert len(train) + len(validation) == 198
    assert len({one.instrument for one in validation}) == 5
    assert {one.instrument for one in train}.isdisjoint(one.instrument for one in validation)


def test_the_parts_load_with_their_known_notes_and_gates() -> None:
    index = read_index(TRAINING)
    targets = load_recordings(TRAINING, "train") + load_recordings(TRAINING, "validation")
    known = {one.path.stem: (one.note_midi, one.gate_s) for one in index}
    assert {target.name for target in targets} == set(known)
    for target in targets:
        note_midi, gate_s = known[target.name]
        assert (target.note_midi, target.gate_s) == (note_midi, min(gate_s, target.total_s))


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(UsageError, match="no part 'test'"):
        load_recordings(TRAINING, "test")
