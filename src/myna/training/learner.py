"""What the harness drives: anything that learns step by step, can be put away and taken up again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from myna.envs.callbacks import Episode
from myna.errors import MynaError

__all__ = ["BrokenError", "Learner"]


class Learner(Protocol):
    """One training, from its first step to its last.

    The harness calls `step` until `steps_done` reaches `total`, and between two calls whatever else it likes; nothing
    but `step` may change what is learnt.

    Attributes:
        name: of its kind, such as `sac`.
        settings: its own, a dataclass.
        total: steps of the whole training, in its own unit: renders, or gradient updates.
        steps_done: of them, so far.
        shown: by slot, episodes of the last evaluation to look at and listen to; none where nothing is played.
    """

    name: str
    total: int
    steps_done: int
    shown: Mapping[str, Episode]

    @property
    def settings(self) -> Any:
        """See the class."""
        ...

    def step(self) -> Mapping[str, float]:
        """Learn a little, well under a second; figures of it, by names of `envs.tags`.

        Beside those `seconds/<what>`, of which the log tells shares, and `clips`: see `Meter`.

        Raises:
            BrokenError: a loss or gradient is not a number.
        """
        ...

    def evaluate(self) -> Mapping[str, float]:
        """Figures on fixed held-out sets, `eval/score` among them: the lower, the better."""
        ...

    def state_dict(self) -> Mapping[str, Any]:
        """All that changes: tensors by name, and what JSON can hold; mappings of them, too."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there, to the bit.

        Raises:
            UsageError: the state of another training.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write what was learnt into an empty folder, as it is shipped.

        Raises:
            MynaError: it cannot be written.
        """
        ...


class BrokenError(MynaError):
    """Learning met a number that is none; `batch` is what it happened on, by name."""

    def __init__(self, cause: str, batch: Mapping[str, torch.Tensor]) -> None:
        """See the class."""
        super().__init__(cause)
        self.batch = dict(batch)
