"""The result of a listening test as text for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from myna.cli.messages import shown

if TYPE_CHECKING:
    from myna.evaluation.listening.tally import Listener, Preference, Tally

__all__ = ["tally_text"]


def tally_text(found: Tally) -> str:
    """For each question a line a listener, and where there are several, all votes and the test by pair."""
    first, second = (shown(label) for label in found.contenders)
    lines = [f"{first} against {second}, {found.pairs} pairs, {_count(len(found.listeners), 'listener')}"]
    for question in found.pooled:
        lines += ["", f"{question}:"]
        lines += _table([(one.name, one.answers[question]) for one in found.listeners])
        if len(found.listeners) > 1:
            lines += _table([("all votes", found.pooled[question])])
            lines += [f"{line}{_ties(found.ties[question])}" for line in _table([("by pair", found.by_pair[question])])]
    if len(found.listeners) > 1:
        lines += ["", "Votes of several listeners on one pair are not independent: quote the test by pair."]
    lines += [""] + [_heed(one) for one in found.listeners if one.traps or one.missing]
    return "\n".join(lines).rstrip()


def _table(rows: list[tuple[str, Preference]]) -> list[str]:
    return [f"  {shown(name):<16} {_sentence(one)}" for name, one in rows]


def _sentence(one: Preference) -> str:
    if one.share is None:
        return "no votes"
    interval = f"95 % interval {100 * one.low:.0f} to {100 * one.high:.0f} %"
    return f"{one.wins:>3} to {one.losses:<3} {100 * one.share:3.0f} % ({interval}), p = {one.p:.2g}"


def _ties(ties: int) -> str:
    return f", {_count(ties, 'tie')} left out" if ties else ""


def _heed(one: Listener) -> str:
    traps = f"heard the target in {one.traps_passed} of {_count(one.traps, 'trap')}" if one.traps else ""
    missing = f"left out {_count(one.missing, 'trial')}" if one.missing else ""
    return f"{shown(one.name)} {' and '.join(filter(None, (traps, missing)))}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
