"""What the tests of the documentation share: a small bank of sounds, and a small data set."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agents.conftest import small_bank  # noqa: F401 - a fixture that all of these use

import myna.training.ablation
from myna.cli.main import main

FEWER = {
    "envs = 64": "envs = 4",
    "held_out = 32": "held_out = 2",
    "count = 64": "count = 2",
    "batch = 128": "batch = 4",
}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 128 rows."""
    folder = tmp_path_factory.mktemp("data") / "random"
    assert main(["collect", "--out", str(folder), "--rows", "128"]) == 0
    return folder


@pytest.fixture(scope="session", autouse=True)
def small_ablations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The ablations as they are, upon a base that trains for a second."""
    folder = tmp_path_factory.mktemp("ablations") / "ablations"
    shutil.copytree(myna.training.ablation.FOLDER, folder)
    base = (folder / "base.toml").read_text(encoding="utf-8")
    for found, put in FEWER.items():
        assert found in base
        base = base.replace(found, put)
    (folder / "base.toml").write_text(base, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(myna.training.ablation, "FOLDER", folder)
        yield


@pytest.fixture(autouse=True)
def own_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of whoever runs the tests."""
    monkeypatch.setenv("MYNA_DATA_DIR", str(tmp_path / "library"))
