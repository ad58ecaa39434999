"""The suite of real recordings: complete, unchanged, apart from what is trained on, and loaded with what is known."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from myna.audio.collection import INDEX, Recording, read_index
from myna.errors import BadAudioError, UsageError
from myna.evaluation.suites import SUITES, load_suite

ROOT = Path(__file__).parents[2]
TRAINING = ROOT / "recordings" / "train"
EXAMPLES = ROOT / "examples" / "targets"


def test_real_holds_sixty_notes_and_every_file_of_its_folder() -> None:
    suite = load_suite("real")
    assert len(suite) == len({one.path for one in suite}) == 60
    assert {one.path for one in suite} == set(suite[0].path.parent.glob("*.flac"))


@pytest.mark.parametrize("name", SUITES)
def test_every_recording_of_a_suite_loads_with_its_known_note_and_gate(name: str) -> None:
    for one in load_suite(name):
        target = one.target()
        assert (target.note_midi, target.gate_s) == (one.note_midi, min(one.gate_s, target.total_s))
        assert (target.sample_rate, target.audio.shape[0], target.name) == (44_100, 2, one.path.stem)
        assert np.abs(target.audio).max() > 0.05


def test_no_instrument_of_the_suite_is_trained_on() -> None:
    trained, judged = read_index(TRAINING), load_suite("real")
    assert {one.instrument for one in trained}.isdisjoint(one.instrument for one in judged)
    assert {one.program for one in trained}.isdisjoint(one.program for one in judged)
    assert {one.sha256 for one in trained}.isdisjoint(one.sha256 for one in judged)


def test_the_twelve_examples_are_in_the_suite_byte_for_byte() -> None:
    suite = {one.path.name: one.path for one in load_suite("real")}
    examples = sorted(EXAMPLES.glob("*.flac"))
    assert len(examples) == 12
    assert all(path.read_bytes() == suite[path.name].read_bytes() for path in examples)


def test_a_licence_lies_beside_the_recordings() -> None:
    for folder in (TRAINING.parent, load_suite("real")[0].path.parent):
        text = (folder / "LICENSE").read_text(encoding="utf-8")
        assert "Frank Wen" in text
        assert "MIT License" in text


def test_an_unknown_suite_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="no suite 'unreal'; choose one of real"):
        load_suite("unreal")


def folder_with(tmp_path: Path, **changes: str) -> Path:
    """A folder with the first note of the suite, its row changed."""
    one = load_suite("real")[0]
    (tmp_path / one.path.name).write_bytes(one.path.read_bytes())
    row = {"file": one.path.name, "gm_program": "1", "instrument": "piano", "note_midi": "46", "gate_s": "0.3"}
    with (tmp_path / INDEX).open("w", newline="") as file:
        writer = csv.DictWriter(file, [*row, "sha256"])
        writer.writeheader()
        writer.writerow({**row, "sha256": one.sha256, **changes})
    return tmp_path


def test_a_file_that_is_not_the_one_of_the_index_is_refused(tmp_path: Path) -> None:
    one = only(folder_with(tmp_path))
    one.path.write_bytes(one.path.read_bytes()[:-1])
    with pytest.raises(BadAudioError, match=r"46_60\.flac is not the file that its index names"):
        one.target()


def test_a_file_that_is_gone_is_told_in_a_sentence(tmp_path: Path) -> None:
    one = only(folder_with(tmp_path))
    one.path.unlink()
    with pytest.raises(BadAudioError, match=r"is in the index but cannot be read: No such file or directory\.$"):
        one.target()


def only(folder: Path) -> Recording:
    (one,) = read_index(folder)
    return one


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"note_midi": "C4"}, "line 2: a number is missing or unreadable"),
        ({"note_midi": "nan"}, "line 2: a file beside the index, a MIDI note and a gate are needed"),
        ({"gate_s": "0"}, "line 2: a file beside the index"),
        ({"gate_s": "inf"}, "line 2: a file beside the index"),
        ({"file": "../secret.flac"}, "line 2: a file beside the index"),
    ],
)
def test_an_impossible_row_is_refused_with_its_line(tmp_path: Path, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadAudioError, match=sentence):
        read_index(folder_with(tmp_path, **changes))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read"),
        (b"", "names no recordings"),
        (b"file\nx.flac\n", "has no column 'note_midi'"),
        (b"\xff\xfe", "not a table in UTF-8"),
    ],
)
def test_a_folder_without_a_usable_index_is_refused(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / INDEX).write_bytes(content)
    with pytest.raises(BadAudioError, match=sentence):
        read_index(tmp_path)
