"""How the Runs page puts things: ages, states, numbers, and what a figure's name means."""

from __future__ import annotations

import functools
import re
import time

from myna.envs.tags import TAGS
from myna.evaluation.report.charts import TERMS
from myna.runs import Run

__all__ = ["STATES", "age", "meaning", "number", "state_badge", "title_of"]

STATES = {"running": ("green", "running"), "finished": ("gray", "finished"), "stopped": ("orange", "stopped")}
_TITLES = {
    "eval/score": "Score: what the best is chosen by",
    "match/loss": "Loss of what is played",
    "match/best_loss": "Lowest loss of an episode",
    "match/improvement": "Improvement of an episode",
    "rollout/ep_rew_mean": "Return",
    "rollout/success_rate": "Targets reached",
    "curriculum/stage": "Stage",
    "train/loss": "Loss of what learns",
}


def age(changed_s: float) -> str:
    """How long ago, in words.

    >>> age(time.time() - 90.0)
    '1 min ago'
    """
    gone_s = max(0.0, time.time() - changed_s)
    for size_s, unit in ((86_400.0, "day"), (3600.0, "h"), (60.0, "min")):
        if gone_s >= size_s:
            count = int(gone_s / size_s)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return "just now"


def state_badge(run: Run) -> str:
    """The state of a run as Markdown."""
    colour, word = STATES[run.status]
    return f":{colour}-badge[{word}]"


def number(value: float | None) -> str:
    """A figure as people read it.

    >>> number(0.123456), number(178219.0), number(2.16e-05), number(None)
    ('0.1235', '178,219', '2.16e-05', '–')
    """
    if value is None:
        return "–"
    if abs(value) >= 1000.0:
        return f"{value:,.0f}"
    return f"{value:.4g}".replace("-", "−", 1) if value < 0 else f"{value:.4g}"


def title_of(name: str) -> str:
    """A figure's name as a title."""
    if name in _TITLES:
        return _TITLES[name]
    term = re.fullmatch(r"(match|eval/\w+)/loss_(\w+)", name)
    plain = (term.group(2) if term else name.partition("/")[2] or name).replace("_", " ").replace("/", " · ")
    words = TERMS[term.group(2)][0] if term and term.group(2) in TERMS else plain
    return words[:1].upper() + words[1:]


def meaning(name: str) -> str:
    """What a figure is, from the table of names; empty where it is not in there."""
    return next((words for pattern, words in _patterns() if pattern.fullmatch(name)), "")


@functools.cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(re.sub(r"<\w+>", r"[^/]+", name)), words) for name, words in TAGS.items())
