"""Episodes stored once, observations made of them when they are sampled.

All sounds lie in one ring of rows: for each episode first its goals (the sound that was the target, then random
presets), then the states it went through. What a goal says of a state (loss, terms, reward) is worked out when the
episode comes in, from full features, so it is exact; a row keeps only the small ones that observations need. (Full
lean features are 37 kB a sound in half precision: 300,000 would be 11 GB.)

Shapes: B episodes, T most steps of one, G goals of each, R rows of the ring, S samples, D observation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from myna.agents.heads import Live
from myna.errors import UsageError

__all__ = ["Batch", "Edits", "Episodes", "Observed", "Replay", "ReplayConfig", "Rows", "judged_by"]

Fields = Mapping[str, tuple[torch.dtype, tuple[int, ...]]]
"""Name → type and shape of what one row keeps."""


class Edits(NamedTuple):
    """The edit that is known to lead to the goal: `heads` as an action's, `known` (S,) how much it counts, 0 for none.

    `matters` tells of each delta and choice whether it can be heard in the goal; all can where it is left out.
    `drawn`: a policy drew them, so that how far they spread is worth learning as well as where they lie.
    """

    heads: Mapping[str, torch.Tensor]
    known: torch.Tensor
    matters: Live | None = None
    drawn: bool = False


class Observed(NamedTuple):
    """What is made of rows: `observation` (S, D); `live` where not all is open; `edits` where some are known.

    `helped` are edits, too: those that were made, where they are good examples.
    """

    observation: torch.Tensor
    live: Live | None = None
    edits: Edits | None = None
    helped: Edits | None = None


class Rows(NamedTuple):
    """Sampled states and what their goal says of them, each name → (S, …)."""

    state: Mapping[str, torch.Tensor]
    goal: Mapping[str, torch.Tensor]
    judged: Mapping[str, torch.Tensor]


class Batch(NamedTuple):
    """Transitions to learn from: `now` and `after` are observed, `action` by head, the others (S,)."""

    now: Observed
    action: Mapping[str, torch.Tensor]
    reward: torch.Tensor
    terminated: torch.Tensor
    truncated: torch.Tensor
    after: Observed


@dataclass(frozen=True)
class Episodes:
    """B episodes that were played.

    Attributes:
        length: (B,) steps made, 1 to T.
        states: name → (B, T + 1, …).
        actions: name → (B, T, …).
        goals: name → (B, G, …), of `states`' names those that goals have; the first goal was played for.
        judged: name → (B, G, T + 1, …), what a goal says of a state.
        reward: (B, G, T).
        terminated: (B, G, T) bool: no value comes after.
        truncated: (B, T) bool: cut off; the state after it counts.
    """

    length: torch.Tensor
    states: Mapping[str, torch.Tensor]
    actions: Mapping[str, torch.Tensor]
    goals: Mapping[str, torch.Tensor]
    judged: Mapping[str, torch.Tensor]
    reward: torch.Tensor
    terminated: torch.Tensor
    truncated: torch.Tensor


@dataclass(frozen=True)
class ReplayConfig:
    """How much is kept and how it is sampled.

    Attributes:
        rows: of the ring; an episode of T steps takes T + 1 + G.
        goals: per episode, G: 1, and one more for each random preset that it is judged against; 0 where a task has no
            goals, and rewards have G = 1 all the same.
        relabelled: share of samples that aim at a random preset, where G is 2 or more.
    """

    rows: int
    goals: int = 2
    relabelled: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: names the setting.
        """
        if self.goals < 0 or self.rows < self.goals + 2:
            raise UsageError(f"rows must hold {max(self.goals, 0) + 2} or more, and goals be 0 or more.")
        if not 0.0 <= self.relabelled <= 1.0:
            raise UsageError(f"relabelled is a share, 0 to 1; got {self.relabelled}.")

    @property
    def views(self) -> int:
        """Rewards of each step."""
        return max(self.goals, 1)


class Replay:
    """A ring of rows on one device.

    Args:
        config: how much.
        state, action, judged: what a row keeps of each; features in half precision.
        assemble: makes observations of rows; types come as they are stored.
        rng: draws the samples; on the device.
        device: where everything lies.
    """

    def __init__(
        self,
        config: ReplayConfig,
        state: Fields,
        action: Fields,
        judged: Fields,
        assemble: Callable[[Rows], Observed],
        rng: torch.Generator,
        device: torch.device | str = "cpu",
    ) -> None:
        """See the class."""
        self.config, self.assemble, self.rng, self.device = config, assemble, rng, torch.device(device)
        views = (config.views,)
        fields = {f"state.{name}": field for name, field in state.items()}
        fields |= {f"action.{name}": field for name, field in action.items()}
        fields |= {f"judged.{name}": (kind, views + shape) for name, (kind, shape) in judged.items()}
        fields |= {"reward": (torch.float32, views), "terminated": (torch.bool, views), "truncated": (torch.bool, ())}
        # Pages that were never written take no memory.
        self.table = {
            name: torch.empty((config.rows, *shape), dtype=kind, device=self.device)
            for name, (kind, shape) in fields.items()
        }
        self.first = torch.full((config.rows,), -1, dtype=torch.int64, device=self.device)  # of the row's episode
        self.step = torch.zeros(config.rows, dtype=torch.bool, device=self.device)  # an action was taken here
        self.cursor = 0
        self._blocks: deque[tuple[int, int]] = deque()  # first and last + 1 row of each episode, the oldest first
        self._steps: torch.Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Memory of a full ring."""
        return sum(t.numel() * t.element_size() for t in (*self.table.values(), self.first, self.step))

    def __len__(self) -> int:
        """Steps that can be sampled."""
        return len(self._index())

    def add(self, episodes: Episodes) -> None:
        """Store episodes; the oldest give way.

        Raises:
            UsageError: one that is longer than the ring.
        """
        for row, length in enumerate(episodes.length.tolist()):
            self._add(episodes, row, length)
        self._steps = None

    def _add(self, episodes: Episodes, row: int, length: int) -> None:
        goals = self.config.goals
        begin = self._room(goals + length + 1)
        for name, values in episodes.goals.items():
            self.table[f"state.{name}"][begin : begin + goals] = values[row].to(self.device)
        start = begin + goals
        for name, values in episodes.states.items():
            self.table[f"state.{name}"][start : start + length + 1] = values[row, : length + 1].to(self.device)
        for name, values in episodes.judged.items():
            by_row = values[row, :, : length + 1].transpose(0, 1)
            self.table[f"judged.{name}"][start : start + length + 1] = by_row.to(self.device)
        for name, values in episodes.actions.items():
            self.table[f"action.{name}"][start : start + length] = values[row, :length].to(self.device)
        for name in ("reward", "terminated"):
            values = getattr(episodes, name)[row, :, :length].T
            self.table[name][start : start + length] = values.to(self.device)
        self.table["truncated"][start : start + length] = episodes.truncated[row, :length].to(self.device)
        self.first[begin : start + length + 1] = begin
        self.step[start : start + length] = True

    def _room(self, size: int) -> int:
        """Where the next `size` rows begin; episodes that lie there go, whole, as one is no use without its goals."""
        if size > self.config.rows:
            raise UsageError(f"An episode of {size} rows does not fit a replay of {self.config.rows}.")
        if self.cursor + size > self.config.rows:
            self._forget(self.cursor, self.config.rows)
            self.cursor = 0
        begin, self.cursor = self.cursor, self.cursor + size
        self._forget(begin, self.cursor)
        self._blocks.append((begin, self.cursor))
        for tensor in self.table.values():
            tensor[begin : self.cursor] = 0
        return begin

    def _forget(self, begin: int, end: int) -> None:
        while self._blocks and begin <= self._blocks[0][0] < end:
            first, last = self._blocks.popleft()
            self.step[first:last] = False
            self.first[first:last] = -1

    def _index(self) -> torch.Tensor:
        if self._steps is None:
            self._steps = self.step.nonzero().squeeze(-1)
        return self._steps

    def sample(self, count: int) -> Batch:
        """Draw S = count steps alike, with replacement, each with one of its goals.

        Raises:
            UsageError: nothing was stored yet.
        """
        index = self._index()
        if len(index) == 0:
            raise UsageError("The replay is empty: store an episode first.")
        where = index[torch.randint(len(index), (count,), generator=self.rng, device=self.device)]
        view = self._draw_views(count)
        action = {name: self.table[f"action.{name}"][where] for name in self._names("action.")}
        reward, terminated = self.table["reward"][where, view], self.table["terminated"][where, view]
        now, after = (self.assemble(self._rows(at, view)) for at in (where, where + 1))
        return Batch(now, action, reward, terminated, self.table["truncated"][where], after)

    def _draw_views(self, count: int) -> torch.Tensor:
        others = self.config.views - 1
        if others == 0:
            return torch.zeros(count, dtype=torch.int64, device=self.device)
        pick = torch.randint(1, others + 1, (count,), generator=self.rng, device=self.device)
        return pick * (torch.rand(count, generator=self.rng, device=self.device) < self.config.relabelled)

    def _rows(self, where: torch.Tensor, view: torch.Tensor) -> Rows:
        goal = self.first[where] + view
        names = self._names("state.")
        return Rows(
            {name: self.table[f"state.{name}"][where] for name in names},
            {name: self.table[f"state.{name}"][goal] for name in names} if self.config.goals else {},
            {name: self.table[f"judged.{name}"][where, view] for name in self._names("judged.")},
        )

    def _names(self, prefix: str) -> list[str]:
        return [name.removeprefix(prefix) for name in self.table if name.startswith(prefix)]

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All of it, as tensors; rows that were never written are left out."""
        filled = int((self.first >= 0).nonzero().max()) + 1 if bool((self.first >= 0).any()) else 0
        tensors = {f"table.{name}": tensor[:filled] for name, tensor in self.table.items()}
        tensors |= {"first": self.first[:filled], "step": self.step[:filled]}
        return tensors | {"cursor": torch.tensor(self.cursor), "rng": self.rng.get_state()}

    def load_state_dict(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from there, to the bit.

        Raises:
            UsageError: of a replay that keeps other things, or was larger.
        """
        names = {f"table.{name}" for name in self.table} | {"first", "step", "cursor", "rng"}
        if names != set(tensors) or len(tensors["first"]) > self.config.rows:
            raise UsageError("This replay was saved with other settings: resume with those it was made with.")
        filled = len(tensors["first"])
        self.first.fill_(-1)
        self.step.fill_(False)
        for name, tensor in self.table.items():
            tensor[:filled] = tensors[f"table.{name}"]
        self.first[:filled], self.step[:filled] = tensors["first"], tensors["step"]
        self.cursor, self._steps = int(tensors["cursor"]), None
        begins, sizes = self.first[self.first >= 0].unique_consecutive(return_counts=True)
        blocks = [(a, a + n) for a, n in zip(begins.tolist(), sizes.tolist(), strict=True)]
        self._blocks = deque(sorted(blocks, key=lambda block: (block[0] < self.cursor, block)))
        self.rng.set_state(tensors["rng"].cpu())


def judged_by(
    trail: Sequence[Any],
    goals: Sequence[Any],
    loss: Callable[[Any, Any], Mapping[str, torch.Tensor]],
    reward: Callable[[Mapping[str, torch.Tensor], Mapping[str, torch.Tensor]], tuple[torch.Tensor, torch.Tensor]],
) -> dict[str, Any]:
    """What goals say of B episodes: `judged`, `reward` and `terminated` of `Episodes`.

    `judged` holds what `loss` gives, and `best`, the lowest `loss` so far.

    Args:
        trail: features of T + 1 states, of B sounds each.
        goals: features of G goals, of B sounds each, played like the episodes.
        loss: (features, goal) → name → (B, …), with a name `loss`.
        reward: (judged before, judged after) of all steps, name → (B, G, T, …) → reward and terminated (B, G, T).
    """
    by_goal = [[loss(heard, goal) for heard in trail] for goal in goals]
    judged = {
        name: torch.stack([torch.stack([said[name] for said in states], 1) for states in by_goal], 1)
        for name in by_goal[0][0]
    }
    judged["best"] = judged["loss"].cummin(2).values
    before, after = (
        {name: values[:, :, part] for name, values in judged.items()} for part in (slice(-1), slice(1, None))
    )
    rewards, terminated = reward(before, after)
    return {"judged": judged, "reward": rewards, "terminated": terminated}
