"""Learns to edit any rendered preset towards any other: the edit is known exactly.

States and goals are rows of one group of a data set. Such a pair has no past, and a policy that never saw one would
trip over its own: so most states are given a past, as a step from another row of the group would have left it.

Shapes: B pairs, P parameters, K terms of the loss.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from myna.agents.ear import row_view
from myna.agents.foresight import foresight_of
from myna.agents.heads import ActionHeads
from myna.agents.networks import Actor, NetworkConfig, torch_generator
from myna.agents.replay import Observed, Rows
from myna.agents.rows import layout_of
from myna.agents.sac import cloning_loss, imagined_loss
from myna.agents.weights import fits, parts_of
from myna.envs.action import ActionConfig
from myna.envs.core import Core, CoreConfig, EndConfig
from myna.envs.task import TaskBatch
from myna.errors import UsageError
from myna.features import one_core
from myna.synth.renderer import Renderer
from myna.training.config import TrainConfig
from myna.training.data import SOURCES, DataSet
from myna.training.held_out import BOUND, HORIZON, goal_rows, tasks_of
from myna.training.judging import over_sets, play_out
from myna.training.sac import HeadTargets
from myna.training.supervised import RowSettings, Supervised

__all__ = ["CloningLearner", "CloningSettings", "make"]

_WORST_GAP = 0.5  # of a past's lowest loss below the present one, as a share of it
_HELD_OUT_PAIRS = 2_048
_ON_CARD = {name: name for name in ("networks", "foresight", "heads", "mode", "bound", "horizon")}


@dataclass(frozen=True)
class CloningSettings(RowSettings):
    """How cloning learns.

    Attributes beside those of `RowSettings`:
        networks, heads: of the actor, as SAC has them, so that it can go on from here.
        mode: of actions, `all` or `module`.
        bound, horizon: of the episodes that it is for.
        from_default: share of pairs whose state is the default preset.
        close: share of the other pairs whose goal is the most alike of the row's goals.
        past: share of pairs whose state is given a past; the others begin an episode.
        clone: weight of the known edits in the loss.
        foresight: weights of a proxy of the synth, by name or path; empty for none.
        imagine: weight of the gain that foresight promises of drawn edits, see `agents.sac.imagined_loss`; it needs
            no preset of the goal, so goals may be recordings.
        curiosity: what a nat of the choices' entropy above its target counts beside that gain.
        played: of them so many are targets of episodes at an evaluation.

    Raises:
        UsageError: a setting that is out of range.
    """

    networks: NetworkConfig = field(default_factory=NetworkConfig)
    heads: HeadTargets = field(default_factory=HeadTargets)
    mode: str = "all"
    bound: float = BOUND
    horizon: int = HORIZON
    from_default: float = 0.15
    close: float = 0.25
    past: float = 0.75
    clone: float = 1.0
    foresight: str = ""
    imagine: float = 0.0
    curiosity: float = 0.003
    played: int = 128

    def __post_init__(self) -> None:
        """See the class."""
        super().__post_init__()
        for name in ("from_default", "close", "past"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"{name} is a share, 0 to 1; got {getattr(self, name)}.")
        if min(self.clone, self.imagine, self.curiosity) < 0.0 or self.clone + self.imagine == 0.0:
            raise UsageError("clone, imagine and curiosity must be 0 or more, and clone or imagine more.")
        if self.imagine and not self.foresight:
            raise UsageError("To imagine takes foresight: name a proxy, or set imagine to 0.")
        if self.played < 1 or self.horizon < 2 or not 0.0 < self.bound <= 1.0:
            raise UsageError("played must be 1 or more, horizon 2 or more, and bound above 0 up to 1.")


def make(config: TrainConfig) -> CloningLearner:
    """The learner of a configuration.

    Raises:
        MynaError: a setting or data that cannot be used.
    """
    return CloningLearner(config.settings(CloningSettings), config.run.steps, config.seed, device=config.device)


class _Starts(NamedTuple):
    """Rows that pairs begin with: all, and those of the default preset."""

    rows: torch.Tensor
    defaults: torch.Tensor

    @classmethod
    def of(cls, data: DataSet, rows: torch.Tensor) -> _Starts:
        defaults = rows[data["source"].to(rows.device)[rows] == SOURCES["default"]]
        return cls(rows, defaults if len(defaults) else rows)


class CloningLearner(Supervised[CloningSettings, Actor]):
    """See `training.learner.Learner`.

    Args:
        settings: how it learns.
        total: steps of the whole training.
        seed: of weights and draws.
        data: rows; None opens the settings' folders.
        renderer: plays episodes at an evaluation, on the CPU; one of its own where none is given.
        device: of the network and the rows.

    Raises:
        UsageError, MynaError: data that cannot be opened, split or used.
    """

    name = "cloning"
    on_card, stream = _ON_CARD, "pairs"

    def __init__(
        self,
        settings: CloningSettings,
        total: int,
        seed: int,
        *,
        data: DataSet | None = None,
        renderer: Renderer | None = None,
        device: str = "cpu",
    ) -> None:
        """See the class."""
        super().__init__(settings, total, seed, data=data, device=device)
        self.renderer = renderer or Renderer()
        names = ("u", "summary", "played", "goals", "judged")
        self._rows = {name: self.data[name].to(device) for name in names}
        self._learnt = _Starts.of(self.data, self.learnt.to(device))

    def begun(self, rng: torch.Generator) -> Actor:
        """See `Supervised`."""
        own = self.settings
        self.view = row_view(self.data.table, own.mode, self.device)
        heads = ActionHeads.of(self.view.decoder.layout, **dataclasses.asdict(own.heads))
        layout = layout_of(self.view.layout)
        self._foresight = foresight_of(self.data.table, layout, heads, own.foresight, self.device)
        return Actor(layout, heads, own.networks, rng, self._foresight)

    # Pairs

    def draw(self) -> dict[str, torch.Tensor]:
        """See `Supervised`: pairs, as `Rows` flattened."""
        return self._pairs(self._learnt, self.settings.batch, self.rng)

    def _pairs(self, starts: _Starts, count: int, rng: torch.Generator) -> dict[str, torch.Tensor]:
        """Drawn pairs: `row`, the column `goal` of its goals, the column `before` of where it came from, and `step`."""
        said, draw = self.settings, functools.partial(torch.rand, count, generator=rng, device=rng.device)
        default = draw() < said.from_default
        row = torch.where(default, _one_of(starts.defaults, draw()), _one_of(starts.rows, draw()))
        columns = self._rows["goals"].shape[1]
        goal = (draw() * columns).long().clamp_max(columns - 1)
        alike = self._rows["judged"][row, :, -1].float().argmin(1)
        goal = torch.where(~default & (draw() < said.close), alike, goal)
        before = (draw() * columns).long().clamp_max(columns - 1)
        step = 1 + (draw() * (said.horizon - 1)).long().clamp_max(said.horizon - 2)
        step = torch.where(draw() < said.past, step, 0)
        gap = torch.where(draw() < 0.5, 0.0, _WORST_GAP * draw())
        return {"row": row, "goal": goal, "before": before, "step": step, "gap": gap}

    def observed(self, pairs: Mapping[str, torch.Tensor]) -> Observed:
        """What a policy would observe there, and the edits that it should make."""
        row, table = pairs["row"], self._rows
        goal = table["goals"][row, pairs["goal"]].long()
        judged = table["judged"][row, pairs["goal"]].float()
        u, begun = self.view.decoder.twin.snap(table["u"][row]), pairs["step"] > 0
        moved = self._moved(u, table["u"][table["goals"][row, pairs["before"]].long()].double())
        state = {
            "raw_u": u,
            "summary": table["summary"][row][:, None],
            "played": table["played"][row][:, None],
            "moved": moved * begun[:, None],
            "open": torch.ones_like(u, dtype=torch.bool),
            "bound": torch.full_like(u[:, 0], self.settings.bound),
            "step": pairs["step"],
            "horizon": torch.full_like(pairs["step"], self.settings.horizon),
        }
        aim = {"raw_u": self.view.decoder.twin.snap(table["u"][goal]), "summary": table["summary"][goal][:, None]}
        loss = judged[:, -1]
        said = {"loss": loss, "best": loss * (1.0 - pairs["gap"] * begun), "terms": judged[:, :-1]}
        return self.view(Rows(state, aim, said))

    def _moved(self, u: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """What a step from presets `before` towards u (B, P) would have moved."""
        bound, decoder = self.settings.bound, self.view.decoder
        way = u - before
        moved = way.clamp(-bound, bound)
        changed = way[:, decoder.choices].abs() > 0.5 / decoder.options
        return moved.index_copy(1, decoder.choices, bound * changed.double())

    def losses(self, batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """See `Supervised`."""
        return self._losses(batch, self.rng)

    def _losses(self, batch: Mapping[str, torch.Tensor], rng: torch.Generator) -> dict[str, torch.Tensor]:
        observed = self.observed(batch)
        observation, live, edits = observed.observation, observed.live, observed.edits
        assert live is not None and edits is not None  # noqa: S101 - a `RowView` gives both
        outlook = self.net.see(observation, rng)
        policy = self.net(observation, live, outlook)
        told = {"clone": cloning_loss(policy, edits, live)}
        loss = self.settings.clone * told["clone"]
        if self.settings.imagine and self._foresight and outlook:
            drawn = self.net.draw(policy, self.net.noise(len(observation), rng), live)
            gain = self._foresight.gain(outlook, drawn.action)
            told |= {"imagine": imagined_loss(policy, drawn, gain, live), "promised": gain.mean()}
            curious = self.settings.curiosity * drawn.surplus[:, 1].mean()
            loss = loss + self.settings.imagine * (told["imagine"] - curious)
        return {"loss": loss, **told}

    # Judging

    @one_core()
    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """On rows that were held out: the loss, and episodes towards them from the default preset.

        `eval/score` is the median of the episodes' lowest training losses.
        """
        starts = _Starts.of(self.data, self.held.to(self.device))
        rng = torch_generator(0, self.name, "held-out", device=self.device)
        loss = float(self._losses(self._pairs(starts, _HELD_OUT_PAIRS, rng), rng)["loss"])
        played = play_out(self._core, self._tasks, self._greedy)
        self.shown, figures = played.shown, played.figures("in")
        told = {**figures, **over_sets(figures, ["in"]), **played.term_figures("in")}
        return {**told, "eval/loss": loss, "eval/score": figures["eval/in/best"]}

    def _greedy(self, observation: torch.Tensor, live: Any) -> dict[str, torch.Tensor]:
        live = type(live)(*(mask.to(self.device) for mask in live))
        return self.net.best(self.net(observation.to(self.device), live))

    @functools.cached_property
    def _core(self) -> Core:
        return Core(self.renderer, CoreConfig(ActionConfig(self.settings.mode), ends=EndConfig(patience=None)))

    @functools.cached_property
    def _tasks(self) -> TaskBatch:
        rows = goal_rows(self.data, self.held, self.settings.played)
        return tasks_of(self.data, rows, self.renderer, self.settings.bound, self.settings.horizon)

    def fits(self) -> dict[str, Any]:
        """See `Supervised`."""
        foresight = self._foresight.sha256 if self._foresight else ""
        return fits(self.name, self.data.table, parts_of(self.view.layout.parts)) | {"foresight_sha256": foresight}


def _one_of(rows: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Rows (B,) at shares (B,) in [0, 1) of all."""
    return rows[(share * len(rows)).long().clamp_max(len(rows) - 1)]
