"""Weights come back as they were written, fit what they are used for, or are refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from myna.agents.regression import READS
from myna.agents.weights import fits, load_weights, save_weights
from myna.errors import IncompatibleVersionError, MynaError, UsageError
from myna.params import Parameter, ParameterTable

TENSORS = {"a": torch.tensor([[1.0, 1e-9], [3.0, -4.0]]), "b": torch.tensor([2], dtype=torch.int64)}


@pytest.fixture
def card(renderer) -> dict:
    return {**fits("regression", renderer.table, READS), "seed": 3}


@pytest.fixture
def path(tmp_path: Path, card: dict) -> Path:
    save_weights(tmp_path / "mine.v1", TENSORS, card)
    return tmp_path / "mine.v1"


@pytest.mark.parametrize("suffix", ["", ".safetensors", ".json"])
def test_weights_come_back_to_the_bit_with_what_is_known_of_them(path: Path, card: dict, suffix: str) -> None:
    loaded = load_weights(f"{path}{suffix}", card)
    assert loaded.tensors.keys() == TENSORS.keys()
    assert all(torch.equal(loaded.tensors[name], tensor) for name, tensor in TENSORS.items())
    assert loaded.card["seed"] == 3


def test_half_precision_halves_the_file_and_comes_back_as_float32(tmp_path: Path, card: dict) -> None:
    big = {"w": torch.linspace(-1.0, 1.0, 10_000)}
    for half in (False, True):
        save_weights(tmp_path / f"half-{half}", big, card, half)
    sizes = [(tmp_path / f"half-{half}.safetensors").stat().st_size for half in (False, True)]
    assert sizes[1] < 0.51 * sizes[0]
    back = load_weights(tmp_path / "half-True").tensors["w"]
    assert back.dtype == torch.float32
    assert (back - big["w"]).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("kind", "cloning", "for the kind “regression”, not “cloning”"),
        ("table", "0" * 64, "another table of parameters"),
        ("reads", [["target_mel", [1, 8, 16]]], "another observation"),
        ("statistics", "0", "other statistics"),
    ],
)
def test_weights_for_something_else_are_refused(path: Path, card: dict, key: str, value, told: str) -> None:
    with pytest.raises(IncompatibleVersionError, match=told):
        load_weights(path, {**card, key: value})


def test_one_knob_of_another_range_is_another_table(renderer) -> None:
    knobs = list(renderer.table.parameters)
    other = ParameterTable("serum-lite", 1, [*knobs[:-1], Parameter(knobs[-1].name, "continuous", 0.0, 2.0, 1.0)])
    assert fits("sac", other, READS)["table"] != fits("sac", renderer.table, READS)["table"]


def test_unknown_names_are_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There are no weights “nothing”"):
        load_weights("nothing")


def test_tensors_of_another_card_are_refused(path: Path, tmp_path: Path, card: dict) -> None:
    save_weights(tmp_path / "other", {"a": torch.zeros(2)}, card)
    path.with_name("mine.v1.safetensors").write_bytes((tmp_path / "other.safetensors").read_bytes())
    with pytest.raises(MynaError, match="not those that their card describes"):
        load_weights(path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "1"}', "[" * 100_000, "\xff"])
def test_a_card_that_is_none_is_told_in_a_sentence(path: Path, text: str) -> None:
    path.with_name("mine.v1.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(MynaError, match="is no card"):
        load_weights(path)


def test_a_missing_card_is_told_in_a_sentence(path: Path) -> None:
    path.with_name("mine.v1.json").unlink()
    with pytest.raises(MynaError, match=r"Cannot read .*mine\.v1\.json"):
        load_weights(path)


def test_weights_of_a_newer_myna_are_refused(path: Path) -> None:
    file = path.with_name("mine.v1.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))
    with pytest.raises(IncompatibleVersionError, match="newer myna"):
        load_weights(path)


def test_a_file_that_is_no_safetensors_is_told_in_a_sentence(path: Path) -> None:
    import hashlib

    junk = b"\x80\x04." * 100
    path.with_name("mine.v1.safetensors").write_bytes(junk)
    file = path.with_name("mine.v1.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "sha256": hashlib.sha256(junk).hexdigest()}))
    with pytest.raises(MynaError, match="are damaged"):
        load_weights(path)
