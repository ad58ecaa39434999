"""What the environment's tests share: one renderer, and torch on one core."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from myna.features import one_core
from myna.synth.renderer import Renderer


@pytest.fixture(scope="module", autouse=True)
def single_core() -> Iterator[None]:
    """Tensors as small as these are not worth torch's threads."""
    with one_core():
        yield


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    """Of one thread; nothing in it changes."""
    return Renderer(threads=1)
