"""Weights go into the package whole, with what a user must know; what is packaged is fit to be used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from myna.agents.registry import make_agent
from myna.agents.weights import FOLDER, load_weights, packaged, save_weights
from myna.errors import UsageError
from myna.synth.renderer import Renderer
from myna.training.ship import ship

TOLD = ("commit", "command", "evaluation", "limits", "seed", "settings")
MOST_BYTES = 10_000_000


def test_what_is_shipped_has_both_what_the_training_and_what_the_shipper_tells(tmp_path: Path) -> None:
    save_weights(tmp_path / "found", {"a": torch.arange(3.0)}, {"kind": "sac", "seed": 7})
    path = ship(tmp_path / "found", "named", {"limits": "none"}, tmp_path)
    shipped = load_weights(path)
    assert torch.equal(shipped.tensors["a"], torch.arange(3.0))
    assert (shipped.card["kind"], shipped.card["seed"], shipped.card["limits"]) == ("sac", 7, "none")


def test_what_is_not_there_is_not_shipped(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no weights"):
        ship(tmp_path / "nothing", "named", {}, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", packaged())
def test_packaged_weights_fit_this_synth_and_say_where_they_come_from(name: str) -> None:
    card = load_weights(name).card
    assert all(card.get(key) not in (None, "", {}) for key in TOLD), sorted(card)
    assert (FOLDER / f"{name}.safetensors").stat().st_size < MOST_BYTES
    make_agent(card["kind"], Renderer(), weights=name)


def test_the_learned_agents_are_packaged() -> None:
    assert {"regression", "cloning", "sac"} <= set(packaged())
