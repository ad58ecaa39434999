"""Colours of agents, the same in every chart: the hue says where an agent starts, a solid line that search follows.

Hues are told apart with any common colour blindness (after Okabe and Ito); labels and dashes say the same once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from myna.evaluation.summary import BASELINE

__all__ = ["HUES", "Look", "looks"]

# Class in evaluation.css → colour on a light ground, as there.
HUES = {
    "ink": "#1b1d24",
    "red": "#d55e00",
    "blue": "#0072b2",
    "green": "#008f68",
    "pink": "#b8508c",
    "gold": "#b87d00",
    "violet": "#7057c2",
    "grey": "#7d8493",
}
SEARCHED = f"+{BASELINE}"
_KNOWN = {
    BASELINE: "ink",
    "random": "grey",
    "mean-preset": "grey",
    "auto": "red",
    "policy": "blue",
    "sac": "blue",
    "cloning": "green",
    "regression": "pink",
    "retrieval": "gold",
    "proxy": "violet",
}
_ALONE = (BASELINE, "random", "auto")


@dataclass(frozen=True)
class Look:
    """Of an agent.

    Attributes:
        hue: one of `HUES`.
        solid: whether its line is; else it is dashed.
    """

    hue: str
    solid: bool


def looks(agents: Sequence[str]) -> Mapping[str, Look]:
    """By label. Labels that are not known take hues that are free, and share them where none is left.

    >>> looks(["cma-es", "sac", "policy+cma-es", "mine"])["mine"]
    Look(hue='red', solid=True)
    """
    starts = dict.fromkeys(agent.removesuffix(SEARCHED) for agent in agents)
    taken = {_KNOWN[start] for start in starts if start in _KNOWN}
    free = [hue for hue in HUES if hue not in taken] or [*HUES]
    strange = [start for start in starts if start not in _KNOWN]
    hues = _KNOWN | {start: free[place % len(free)] for place, start in enumerate(strange)}
    return {agent: Look(hues[agent.removesuffix(SEARCHED)], _solid(agent)) for agent in agents}


def _solid(agent: str) -> bool:
    return agent.endswith(SEARCHED) or agent in _ALONE or agent.removesuffix(SEARCHED) not in _KNOWN
