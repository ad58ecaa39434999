"""A data set is read whole, several as one, split by group; and what cannot be read is said in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from myna.envs.summary import SIZE
from myna.errors import IncompatibleVersionError, MynaError, UsageError
from myna.seeding import generator
from myna.synth.renderer import Renderer
from myna.training.collect import Settings, collect
from myna.training.data import DataSet, row_bytes, row_fields
from myna.training.manifest import TERMS


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


@pytest.fixture(scope="module")
def bank(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three groups of 64 rows in two shards; nobody changes it."""
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("myna.training.collect.SHARD_ROWS", 128)
        collect(folder, Settings(goals=3), renderer, most_rows=192, most_bytes=1 << 24)
    return folder


@pytest.fixture
def copy(bank: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bank, tmp_path / "copy"))


def test_a_row_holds_what_the_table_in_the_documentation_says(bank: Path, renderer: Renderer) -> None:
    data, count = DataSet.open(bank), len(renderer.table)
    assert len(data) == 192
    assert data.terms == TERMS
    for name, (kind, shape) in row_fields(count, 3).items():
        assert data[name].dtype == kind
        assert data[name].shape == (192, *shape)
        assert f"| `{name}` | " in str(DataSet.__doc__)
    assert row_bytes(count, 3) == sum(tensor[0].numel() * tensor.element_size() for tensor in data.tensors.values())
    assert data["summary"].shape[1] == SIZE
    assert torch.isfinite(data["summary"]).all()


def test_groups_lie_side_by_side_and_goals_stay_inside(bank: Path) -> None:
    data = DataSet.open(bank)
    assert data["group"].tolist() == [row // 64 for row in range(192)]
    assert (data["group"][data["goals"].long()] == data["group"][:, None]).all()
    assert (data["goals"] != torch.arange(192)[:, None]).all()


def test_several_data_sets_are_opened_as_one(bank: Path, renderer: Renderer, tmp_path: Path) -> None:
    collect(tmp_path, Settings(seed=1, goals=3), renderer, most_rows=64, most_bytes=1 << 24)
    first, second, both = DataSet.open(bank), DataSet.open(tmp_path), DataSet.open(bank, tmp_path)
    assert len(both) == 192 + 64
    for name in ("u", "summary", "played", "source", "judged"):
        assert torch.equal(both[name], torch.cat([first[name], second[name]]))
    assert torch.equal(both["group"][192:], second["group"] + 3)
    assert torch.equal(both["goals"][192:], second["goals"] + 192)


@pytest.mark.parametrize("share", [0.01, 0.34, 0.99])
def test_a_split_puts_every_row_on_one_side_and_no_group_on_both(bank: Path, share: float) -> None:
    data = DataSet.open(bank)
    train, held_out = data.split(share, generator(0, "split"))
    assert sorted([*train.tolist(), *held_out.tolist()]) == list(range(192))
    sides = [set(data["group"][rows].tolist()) for rows in (train, held_out)]
    assert all(sides) and not sides[0] & sides[1]
    again = data.split(share, generator(0, "split"))
    assert torch.equal(train, again[0]) and torch.equal(held_out, again[1])


def test_what_cannot_be_split_is_said(bank: Path, renderer: Renderer, tmp_path: Path) -> None:
    for share in (0.0, 1.0, np.nan):
        with pytest.raises(UsageError, match="between 0 and 1"):
            DataSet.open(bank).split(share, generator(0, "split"))
    collect(tmp_path, Settings(), renderer, most_rows=64, most_bytes=1 << 24)
    with pytest.raises(UsageError, match="one group"):
        DataSet.open(tmp_path).split(0.5, generator(0, "split"))


def test_an_unknown_name_and_no_folder_are_said(bank: Path) -> None:
    with pytest.raises(UsageError, match="holds no 'audio'; choose from u, summary"):
        DataSet.open(bank)["audio"]
    with pytest.raises(UsageError, match="name a folder"):
        DataSet.open()


def test_folders_with_different_numbers_of_goals_are_not_opened_as_one(
    bank: Path, renderer: Renderer, tmp_path: Path
) -> None:
    collect(tmp_path, Settings(goals=2), renderer, most_rows=64, most_bytes=1 << 24)
    with pytest.raises(UsageError, match="has 2 goals a row and the first data set 3"):
        DataSet.open(bank, tmp_path)


def test_a_folder_without_a_data_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(MynaError, match="holds no data set: make one"):
        DataSet.open(tmp_path)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_shard_is_named(copy: Path, harm: str, number: int) -> None:
    path = copy / f"shard-0000{number}.safetensors"
    content = bytearray(path.read_bytes())
    if harm == "remove":
        path.unlink()
    else:
        content[-1] ^= harm == "flip"
        path.write_bytes(content[: len(content) - (harm == "cut")])
    with pytest.raises(MynaError, match=rf"shard-0000{number}.safetensors is missing or damaged.*--resume"):
        DataSet.open(copy)


def origin(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda manifest: manifest["origin"].update({name: value})


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (origin("parameters", "0" * 64), MynaError, "other parameters of serum-lite"),
        (origin("statistics", "0" * 64), MynaError, "other statistics"),
        (origin("terms", ["total"]), MynaError, "other terms of the loss"),
        (origin("synth", "moog"), UsageError, "no synth 'moog'"),
        (origin("settings", {}), MynaError, "cannot be read"),
        (origin("more", 1), MynaError, "cannot be read"),
        (lambda manifest: manifest.update(version=2), IncompatibleVersionError, "of version 2, and this myna reads"),
        (lambda manifest: manifest.update(format="other"), MynaError, "cannot be read"),
        (lambda manifest: manifest.update(shards=[]), MynaError, "holds no rows yet"),
        (lambda manifest: manifest["shards"][0].update(rows=-1), MynaError, "cannot be read"),
        (lambda manifest: manifest["shards"][0].update(rows=1), MynaError, "cannot be read"),
        (lambda manifest: manifest["shards"][0].update(rows=127), MynaError, "missing or damaged"),
        (lambda manifest: manifest["shards"][0].update(sha256="no"), MynaError, "missing or damaged"),
        (lambda manifest: manifest.pop("shards"), MynaError, "cannot be read"),
    ],
)
def test_a_manifest_that_does_not_fit_is_one_sentence(
    copy: Path, change: Callable[[dict[str, Any]], Any], error: type[MynaError], words: str
) -> None:
    manifest = json.loads((copy / "manifest.json").read_bytes())
    change(manifest)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(error, match=words) as caught:
        DataSet.open(copy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"format": "myna-dataset"}'])
def test_a_manifest_that_is_none_is_one_sentence(copy: Path, content: bytes) -> None:
    (copy / "manifest.json").write_bytes(content)
    with pytest.raises(MynaError, match="cannot be read"):
        DataSet.open(copy)
