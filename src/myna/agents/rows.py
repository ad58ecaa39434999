"""What a row of experience keeps, and the observation, masks and known edit that are made of it again.

The environment observes a `State`; here the same function observes rows of a replay, of a data set, or of a search that
is going on, so that an agent sees one thing in all of them.

Shapes: S rows, N probes, P parameters, O ordered parameters, C choices, D numbers of a summary, K terms of the loss.
"""

from __future__ import annotations

from types import SimpleNamespace

import torch

from myna.agents.heads import Live
from myna.agents.knobs import audible_knobs
from myna.agents.replay import Edits, Fields, Observed, Rows
from myna.envs.action import ActionDecoder
from myna.envs.observation import ObservationLayout, observe
from myna.envs.oracle import Journey, oracle
from myna.envs.summary import SIZE

__all__ = ["RowView", "layout_of"]


def layout_of(layout: ObservationLayout) -> dict[str, tuple[slice, tuple[int, ...]]]:
    """An observation's parts as networks read them: name → where it lies, and its shape."""
    return {part.name: (layout.slices[part.name], part.shape) for part in layout.parts}


class RowView:
    """Makes observations of rows.

    A row's state holds `raw_u` (P,), `summary` (N, D) standardised, `played` (N, 3), `moved` (P,), `open` (P,),
    `bound`, `step` and `horizon`; its goal `raw_u`, NaN where no preset is known to make that sound, and `summary`;
    what is judged of both `loss`, `best` and `terms` (K,).

    Args:
        layout: of the observation.
        decoder: of the actions.
    """

    def __init__(self, layout: ObservationLayout, decoder: ActionDecoder) -> None:
        """See the class."""
        self.layout, self.decoder = layout, decoder

    @property
    def state(self) -> Fields:
        """Types and shapes of what a state keeps."""
        count, probes = len(self.layout.table), self.layout.probes
        return {
            "raw_u": (torch.float64, (count,)),  # float32 would put integers on the wrong side of a bin's edge
            "summary": (torch.float16, (probes, SIZE)),
            "played": (torch.float64, (probes, 3)),
            "moved": (torch.float16, (count,)),
            "open": (torch.bool, (count,)),
            "bound": (torch.float32, ()),
            "step": (torch.int64, ()),
            "horizon": (torch.int64, ()),
        }

    @property
    def action(self) -> Fields:
        """Types and shapes of what an action keeps."""
        heads = self.decoder.layout
        fields: dict[str, tuple[torch.dtype, tuple[int, ...]]] = {
            "delta": (torch.float32, (len(heads.ordered),)),
            "choice": (torch.uint8, (len(heads.choices),)),
        }
        return {**fields, "module": (torch.uint8, ())} if "module" in heads.slices else fields

    @property
    def judged(self) -> Fields:
        """Types and shapes of what a goal says of a state."""
        terms = (len(self.layout.terms),)
        return {"loss": (torch.float32, ()), "best": (torch.float32, ()), "terms": (torch.float32, terms)}

    def __call__(self, rows: Rows) -> Observed:
        """Observations, what may move, and the edits that lead to goals whose preset is known."""
        kept, bound = rows.state, rows.state["bound"].double()
        raw_u, open_ = kept["raw_u"].double(), kept["open"]
        u = self.decoder.twin.snap(raw_u)
        state = SimpleNamespace(
            target_summary=rows.goal["summary"].float(),
            summary=kept["summary"].float(),
            terms=dict(zip(self.layout.terms, rows.judged["terms"].float().unbind(-1), strict=True)),
            loss=rows.judged["loss"],
            best_loss=rows.judged["best"],
            played=kept["played"].double(),
            raw_u=raw_u,
            u=u,
            moved=kept["moved"].double(),
            step=kept["step"],
            tasks=SimpleNamespace(open=open_, bound=bound, horizon=kept["horizon"]),
        )
        goal_u = rows.goal["raw_u"].double()
        heads = oracle(self.decoder, Journey(raw_u, u, goal_u, open_, bound))
        known = torch.isfinite(goal_u).all(-1)
        edits = Edits(heads, known, self._heard(goal_u, known))
        return Observed(observe(self.layout, state), self.live(open_), edits)  # pyright: ignore[reportArgumentType] - it reads nothing else

    def _heard(self, goal_u: torch.Tensor, known: torch.Tensor) -> Live:
        """What can be heard in goals (S, P): a knob of a module that is off there may stand anywhere."""
        heard = torch.zeros_like(goal_u, dtype=torch.bool)
        if known.any():
            audible = audible_knobs(self.layout.table, goal_u[known].cpu().numpy())
            heard[known] = torch.from_numpy(audible).to(heard.device)
        return self.live(heard)

    def live(self, open_: torch.Tensor) -> Live:
        """What may move, by head, of what is open (S, P)."""
        none = torch.zeros(len(open_), 0, dtype=torch.bool, device=open_.device)
        return Live(**{"module": none, **self.decoder.live_heads(open_)})
