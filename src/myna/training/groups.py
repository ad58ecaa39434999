"""Groups of rows: sounds that share a probe, so that any of them is a goal for any other.

Shapes: n rows of a group, P parameters, G goals, K terms of the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from myna.envs.statistics import load_statistics
from myna.envs.summary import summarise
from myna.errors import UsageError
from myna.features import Features
from myna.loss import TRAINING_LOSS, Heard, LossBreakdown, PerceptualLoss
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.training.data import SOURCES
from myna.training.drawn import DrawnSounds, draw_probe, hear, played_of

__all__ = ["Group", "Groups", "RandomGroups", "Tell", "draw_goals", "judge", "put_first", "rows_of"]

Tell = Callable[[int], None]
_CHUNK = 64  # sounds compared at once: fewer pay for torch's calls, more for memory


@dataclass(frozen=True, eq=False)
class Group:
    """Sounds of one probe, before they are rows.

    Attributes:
        probe: that plays all of them.
        u: (n, P) float64 presets, as `drawn.stored` gives them.
        features: (n,) training features.
        source: (n,) of SOURCES.
        loss: (n,) a search's own loss to its target, or NaN.
        goals: (n, G) rows of the group, from 0.
    """

    probe: Probe
    u: np.ndarray
    features: Features
    source: np.ndarray
    loss: np.ndarray
    goals: np.ndarray


class Groups(Protocol):
    """A kind of group."""

    @property
    def rows(self) -> int:
        """Of every group, n."""
        ...

    @property
    def batch(self) -> int:
        """Groups that are best made at once."""
        ...

    @property
    def said(self) -> dict[str, Any]:
        """All that the rows hang on besides seed and synth, for the manifest; `goals` among it."""
        ...

    def make(self, numbers: Sequence[int], tell: Tell) -> list[Group]:
        """The groups of these numbers, each the same bits whatever the others are.

        Args:
            numbers: of groups, from 0.
            tell: called with how many of their rows there are so far.
        """
        ...


class RandomGroups:
    """The default preset and draws of the curriculum, at a drawn probe."""

    kind, rows, batch = "random", 64, 8

    def __init__(self, renderer: Renderer, seed: int, stage: int, musical: float, goals: int) -> None:
        """See `collect.Settings`."""
        self.said = {"stage": stage, "musical": musical, "goals": goals}
        self._renderer, self._seed, self._goals = renderer, seed, goals
        self._drawn = DrawnSounds(renderer, stage, musical)

    def make(self, numbers: Sequence[int], tell: Tell) -> list[Group]:
        """See `Groups`."""
        rngs = [generator(self._seed, "collect", self.kind, number) for number in numbers]
        probes = [draw_probe(rng) for rng in rngs]
        goals = [draw_goals(self.rows, self._goals, rng) for rng in rngs]
        drawn = self.rows - 1
        u, features = self._drawn(
            [probe for probe in probes for _ in range(drawn)], [one for rng in rngs for one in rng.spawn(drawn)]
        )
        default_u = self._drawn.default_u[None]
        defaults = hear(self._renderer, np.repeat(default_u, len(probes), axis=0), probes)
        source = np.array([SOURCES["default"], *[SOURCES["drawn"]] * drawn], np.uint8)
        groups = []
        for i, probe in enumerate(probes):
            own = slice(i * drawn, (i + 1) * drawn)
            heard = Features.cat([defaults[i : i + 1], features[own]])
            group = Group(
                probe, np.concatenate([default_u, u[own]]), heard, source, np.full(self.rows, np.nan), goals[i]
            )
            groups.append(group)
        tell(len(groups) * self.rows)
        return groups


def draw_goals(rows: int, goals: int, rng: np.random.Generator) -> np.ndarray:
    """For each of n rows G other ones, all different, (n, G).

    Raises:
        UsageError: more goals than there are other rows.
    """
    if goals >= rows:
        raise UsageError(f"A row of a group of {rows} can have at most {rows - 1} goals; got {goals}.")
    steps = np.empty((rows, 0), np.int64)
    for taken in range(goals):
        step = rng.integers(1, rows - taken, rows)
        for before in np.sort(steps, axis=1).T:
            step += step >= before  # so that the free ones are counted
        steps = np.column_stack([steps, step])
    return (np.arange(rows)[:, None] + steps) % rows


def put_first(goals: np.ndarray, targets: Mapping[int, int]) -> None:
    """Make `targets` the first goals of their rows in goals (n, G), row → goal; a row's goals all differ as before."""
    for row, target in targets.items():
        own = goals[row]
        own[own == target] = own[0]
        own[0] = target


def rows_of(group: Group, number: int, first_row: int) -> dict[str, torch.Tensor]:
    """The rows of a group, as `DataSet` describes them.

    Args:
        group: of n sounds.
        number: of the group in its folder.
        first_row: where in the folder its rows begin.
    """
    count = len(group.u)
    summary = load_statistics().standardise(summarise(group.features))
    return {
        "u": torch.from_numpy(group.u).float(),
        "summary": summary.half(),
        "played": torch.from_numpy(played_of(group.probe)).expand(count, 3).contiguous(),
        "group": torch.full((count,), number, dtype=torch.int32),
        "loss": torch.from_numpy(group.loss).half(),
        "source": torch.from_numpy(group.source),
        "goals": torch.from_numpy(first_row + group.goals).int(),
        "judged": judge(group.features, group.goals).half(),
    }


def judge(features: Features, goals: np.ndarray) -> torch.Tensor:
    """The training loss of sounds (n,) towards goals (n, G) among them, term by term and in sum: (n, G, K) float32."""
    loss, heard = PerceptualLoss(TRAINING_LOSS), Heard(features).derived()
    columns = []
    for column in torch.from_numpy(goals).T:
        chunks = zip(torch.arange(len(column)).split(_CHUNK), column.split(_CHUNK), strict=True)
        columns.append(torch.cat([_stacked(loss(_picked(heard, own), _picked(heard, goal))) for own, goal in chunks]))
    return torch.stack(columns, 1)


def _picked(heard: Heard, rows: torch.Tensor) -> Heard:
    return heard.map(lambda tensor: tensor[rows])


def _stacked(breakdown: LossBreakdown) -> torch.Tensor:
    """(n, K) in the order of TERMS."""
    return torch.stack([*breakdown.terms.values(), *breakdown.penalties.values(), breakdown.total], -1)
