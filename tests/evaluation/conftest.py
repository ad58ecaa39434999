"""What the tests of an evaluation's page and of its words share."""

from __future__ import annotations

import pytest

from myna.evaluation.report.evaluation_board import Board

from .boards import board, halved, scripted


@pytest.fixture(scope="session")
def told() -> Board:
    """Who is best where is known, see `halved`."""
    return board(scripted(halved))
