"""Checkpoints: what is written comes back to the bit, and there is never half of one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import myna.training.checkpoint as module
from myna.errors import MynaError
from myna.training.checkpoint import (
    checkpoints,
    clean_up,
    read_checkpoint,
    replace_folder,
    write_checkpoint,
    write_tensors,
)

KINDS = {
    "f64": torch.tensor([0.1, -2.0], dtype=torch.float64),
    "f32": torch.tensor([[1.5], [float("nan")]]),
    "f16": torch.tensor([0.1], dtype=torch.float16),
    "bf16": torch.tensor([0.1], dtype=torch.bfloat16),
    "i64": torch.tensor(7),
    "i32": torch.tensor([1, 2, 3], dtype=torch.int32),
    "u8": torch.arange(5, dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "empty": torch.empty(0, 3),
    "turned": torch.arange(6.0).reshape(2, 3).T,
}


def test_tensors_of_every_kind_are_what_the_safetensors_library_reads(tmp_path: Path) -> None:
    write_tensors(tmp_path / "some.safetensors", KINDS)
    found = load_file(tmp_path / "some.safetensors")
    assert set(found) == set(KINDS)
    for name, tensor in KINDS.items():
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape
        assert torch.equal(found[name].nan_to_num(9.0), tensor.nan_to_num(9.0))


def test_a_state_comes_back_with_its_tensors_numbers_and_tables(tmp_path: Path) -> None:
    state = {"a": torch.tensor([1.0]), "b": {"c": torch.tensor(2), "d": [1, "x"], "e": {}}, "big": 2**200, "f": 0.1}
    path = write_checkpoint(tmp_path, 5, state)
    found = read_checkpoint(path)
    assert torch.equal(found["a"], state["a"]) and torch.equal(found["b"]["c"], state["b"]["c"])
    assert (found["b"]["d"], found["b"]["e"], found["big"], found["f"]) == ([1, "x"], {}, 2**200, 0.1)


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for step in (1, 20, 3_000_000):
        write_checkpoint(tmp_path, step, {"step": step})
    assert [read_checkpoint(path)["step"] for path in checkpoints(tmp_path)] == [3_000_000, 20]


def test_a_disk_that_fills_up_leaves_the_last_good_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = write_checkpoint(tmp_path, 1, {"step": 1})

    def full(path: Path, tensors) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "write_tensors", full)
    with pytest.raises(MynaError, match=r"cannot write the checkpoint .*step-0+2: No space left on device"):
        write_checkpoint(tmp_path, 2, {"step": 2})
    assert [*tmp_path.iterdir()] == [good] and read_checkpoint(good)["step"] == 1


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MynaError, match="cannot make the folder"):
        write_checkpoint(tmp_path / "file", 1, {})


def test_what_a_killed_process_left_is_no_checkpoint_and_is_removed(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, 1, {"step": 1})
    half = tmp_path / ".writing-step-000000000002"
    half.mkdir()
    (half / "state.safetensors").write_bytes(b"half")
    assert len(checkpoints(tmp_path)) == 1
    clean_up(tmp_path)
    assert not half.exists() and len(checkpoints(tmp_path)) == 1


@pytest.mark.parametrize("name", ["state.json", "state.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xff\xff\xff"])
def test_a_damaged_one_is_told_in_a_sentence(name: str, content: bytes, tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, 1, {"t": torch.tensor([1.0])})
    (path / name).write_bytes(content)
    with pytest.raises(MynaError, match="is damaged: remove it"):
        read_checkpoint(path)


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    def save(text: str):
        return lambda folder: (folder / text).write_text(text)

    def fails(folder: Path) -> None:
        save("half")(folder)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for text in ("one", "two"):
        replace_folder(tmp_path / "best", save(text))
        assert [path.name for path in (tmp_path / "best").iterdir()] == [text]
    with pytest.raises(MynaError, match="No space left"):
        replace_folder(tmp_path / "best", fails)
    assert [path.name for path in (tmp_path / "best").iterdir()] == ["two"]
    assert [path.name for path in tmp_path.iterdir()] == ["best"]
