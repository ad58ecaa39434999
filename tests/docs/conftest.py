"""What the tests of the documentation share: a small bank of sounds, and a small data set."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.agents.conftest import small_bank  # noqa: F401 - a fixture that all of these use

from myna.cli.main import main


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 128 rows."""
    folder = tmp_path_factory.mktemp("data") / "random"
    assert main(["collect", "--out", str(folder), "--rows", "128"]) == 0
    return folder
