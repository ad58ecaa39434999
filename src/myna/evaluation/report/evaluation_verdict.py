"""Who is best after so many renders, by how much, and who cannot be told from the best: numbers put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from myna.evaluation.report.evaluation_board import Panel
from myna.evaluation.statistics import Ratio
from myna.evaluation.summary import Standing, ratio_of
from myna.seeding import generator

__all__ = ["Verdict", "ratio", "verdict", "verdicts"]

ASKED = 3
"""As many runners-up are asked whether they are level with the best."""


@dataclass(frozen=True)
class Verdict:
    """On one kind of sound, after so many renders.

    Attributes:
        renders: so many.
        best: the agent with the lowest median loss.
        agents: how many were compared.
        baseline: what it is measured against.
        level: agents that are not told to be worse on the same targets: the interval of the best's loss over theirs
            reaches 1. It may lie above, as the lowest median need not be the lower loss on most targets.
    """

    renders: int
    best: Standing
    agents: int
    baseline: str
    level: tuple[str, ...]

    @property
    def after(self) -> str:
        """When."""
        return f"After {self.renders:,} render{'s' if self.renders > 1 else ''}"

    @property
    def level_with_baseline(self) -> bool:
        """Whether the best one's loss is not told to be below the baseline's."""
        return self.best.ratio_high is not None and self.best.ratio_high >= 1.0

    @property
    def says(self) -> str:
        """What there is to say of the best one, to follow its name."""
        best = self.best
        if self.agents == 1:
            return f"was run alone: median loss {best.median:.3f}."
        says = f"is best: median loss {best.median:.3f}"
        if best.agent != self.baseline and best.ratio is not None:
            interval = f"95 % {best.ratio_low:.2f} to {best.ratio_high:.2f}"
            if self.level_with_baseline:
                says += f", level with {self.baseline} ({best.ratio:.2f} of its loss, {interval})"
            else:
                says += f"; on the same sound it has {best.ratio:.2f} of {self.baseline}'s loss ({interval})"
        return says + "." + self._ties()

    def _ties(self) -> str:
        if not self.level:
            return ""
        *others, last = self.level
        names = f"{', '.join(others)} and {last}" if others else last
        return f" {names} {'are' if others else 'is'} level with it."

    @property
    def short(self) -> str:
        """The loss, and how it stands to the baseline's on the same sounds."""
        best = self.best
        if best.agent == self.baseline or best.ratio is None:
            return f"{best.median:.3f}"
        if self.level_with_baseline:
            return f"{best.median:.3f}, level with {self.baseline}"
        return (
            f"{best.median:.3f}, ×{best.ratio:.2f} of {self.baseline} ({best.ratio_low:.2f} to {best.ratio_high:.2f})"
        )

    @property
    def sentence(self) -> str:
        """All of it."""
        return f"{self.after} {self.best.agent} {self.says}"


def verdict(panel: Panel, renders: int, baseline: str) -> Verdict | None:
    """None where nothing was run with so many renders."""
    ranked = panel.ranked(renders)
    if not ranked:
        return None
    best, *others = ranked
    told = best.ratio is not None  # how it stands to the baseline is said anyway
    asked = [one for one in others if not (told and one.agent == baseline)][:ASKED]
    level = tuple(one.agent for one in asked if _level(panel, best, one))
    return Verdict(renders, best, len(ranked), baseline, level)


def _level(panel: Panel, best: Standing, other: Standing) -> bool:
    found = ratio(panel, best.agent, other.agent, best.renders)
    return found is not None and found.high >= 1.0


def ratio(panel: Panel, agent: str, other: str, renders: int) -> Ratio | None:
    """Losses of one agent over another's after as many renders; None where they have no target in common."""
    rng = generator(0, "report", "ratio", panel.name, agent, other, str(renders))
    return ratio_of(panel.at(agent, renders), panel.at(other, renders), rng)


def verdicts(panel: Panel, renders: Sequence[int], baseline: str) -> list[Verdict]:
    """Those that there are."""
    found = [verdict(panel, mark, baseline) for mark in renders]
    return [one for one in found if one is not None]
