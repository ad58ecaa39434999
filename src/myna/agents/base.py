"""What every agent is, and what it returns: a search for one goal, run for many in lock-step.

Shapes: P parameters, C channels, T samples.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from myna.agents import lockstep
from myna.agents.archive import Archive
from myna.agents.objective import Goal, Objective, Search, Watch
from myna.envs.history import Edit, edits
from myna.errors import UsageError
from myna.features import one_core
from myna.params import ParameterTable
from myna.synth.renderer import Renderer

__all__ = ["Agent", "Goal", "Match", "Objective", "Search", "Watch"]


@dataclass(frozen=True)
class Match:
    """The outcome of a search.

    Attributes:
        u: (P,) the best preset, and `loss` its scaled loss.
        audio: (C, T) how it sounds.
        renders: spent on the target.
        trail: (renders, best loss so far, its preset (P,)) at each improvement.
        archive: all that was tried; `archive.best` gives alternatives.
    """

    u: np.ndarray
    loss: float
    audio: np.ndarray
    renders: int
    trail: list[tuple[int, float, np.ndarray]]
    archive: Archive

    @property
    def curve(self) -> list[tuple[int, float]]:
        """(renders, best loss so far) at each improvement."""
        return [(at, loss) for at, loss, _ in self.trail]

    def best_at(self, renders: int) -> float:
        """The best loss after so many renders; infinite before the first."""
        return min((loss for at, loss, _ in self.trail if at <= renders), default=np.inf)

    def edits(self, table: ParameterTable) -> list[Edit]:
        """How the knobs moved from each best preset to the next; `myna.envs.history.sentences` puts it in words."""
        if not self.trail:
            return []
        _, losses, presets = zip(*self.trail, strict=True)
        return edits(table, np.array(presets), losses)


class Agent(ABC):
    """A method that searches for presets, bound to the renderer that plays them.

    Args:
        renderer: of candidates.
    """

    def __init__(self, renderer: Renderer) -> None:
        """See the class."""
        self.renderer = renderer

    @abstractmethod
    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """Search for one goal; every random draw comes from `rng`.

        It yields what is to be heard, and may read from the objective how that sounded. It need not count: it is closed
        when the budget is spent.
        """
        ...

    def match(
        self,
        targets: Sequence[Goal],
        budget: int,
        generator: np.random.Generator,
        *,
        watch: Watch | None = None,
    ) -> list[Match]:
        """Search for all targets in lock-step.

        What is found for a target depends on it, the budget and the generator's place in the tree of seeds, not on the
        other targets, nor on how much was drawn from the generator before, nor on threads.

        Args:
            targets: what is to be imitated.
            budget: renders for each target, never exceeded.
            generator: the root of every random draw.
            watch: who looks on.

        Returns:
            The matches in the order of the targets.

        Raises:
            UsageError: a budget under 1.
        """
        if budget < 1:
            raise UsageError(f"The budget must be at least 1 render for each target; got {budget}.")
        watch = watch or Watch()
        # Matrices of a hundred knobs: a second BLAS thread costs ten times what it saves, and may round differently.
        with threadpool_limits(1, user_api="blas"), one_core():
            ended = lockstep.run(self._searches(targets, budget, generator, watch), budget * len(targets), watch)
            matches = {objective.index: _match(objective) for objective in ended}
        return [matches[i] for i in range(len(targets))]

    def _searches(
        self, targets: Sequence[Goal], budget: int, generator: np.random.Generator, watch: Watch
    ) -> Iterator[tuple[Objective, Search]]:
        for index, goal in enumerate(targets):
            objective = Objective(self.renderer, goal, budget, watch, index)
            yield objective, self.search(objective, goal.generator(generator))


def _match(objective: Objective) -> Match:
    return Match(
        objective.best_u,
        objective.best_loss,
        objective.best_audio,
        objective.renders,
        objective.trail,
        objective.archive,
    )
