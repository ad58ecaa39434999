"""What the votes say: for each question who won how often, and how likely chance alone is to do as much.

A vote is a coin under the hypothesis that nobody can tell or cares, so the test is exact: a two-sided binomial one with
p = 1/2, and Clopper and Pearson's interval (Biometrika 26, 1934). Votes of several listeners on one pair go together,
as they hear the same two sounds; the test by pairs takes the pair, not the vote, for one observation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scipy import stats

from myna.evaluation.listening.formats import QUESTIONS
from myna.evaluation.listening.votes import Ballot, Key

__all__ = ["Listener", "Preference", "Tally", "as_json", "preference", "tally"]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Preference:
    """How often the first contender was preferred.

    Attributes:
        wins: votes for the first.
        losses: votes for the second.
        share: of the first, in [0, 1]; None without votes.
        low, high: exact 95 % interval of that share.
        p: of the exact binomial test that the share is 1/2; two-sided where nothing else was asked for.
    """

    wins: int
    losses: int
    share: float | None
    low: float
    high: float
    p: float

    @property
    def count(self) -> int:
        """Votes, n."""
        return self.wins + self.losses


def preference(wins: int, losses: int, alternative: Literal["two-sided", "greater"] = "two-sided") -> Preference:
    """Test votes against chance; `greater` asks only whether there are more wins than chance gives.

    >>> found = preference(9, 1)
    >>> round(found.p, 4), round(found.low, 3), round(found.high, 3)
    (0.0215, 0.555, 0.997)
    """
    if wins + losses == 0:
        return Preference(0, 0, None, 0.0, 1.0, 1.0)
    # The interval is two-sided either way: it bounds the share, which may lie on both sides.
    interval = stats.binomtest(wins, wins + losses).proportion_ci(CONFIDENCE, "exact")
    p = stats.binomtest(wins, wins + losses, alternative=alternative).pvalue
    share = wins / (wins + losses)
    return Preference(wins, losses, share, float(interval.low), float(interval.high), float(p))


@dataclass(frozen=True)
class Listener:
    """One listener's votes.

    Attributes:
        name: that was typed in.
        answers: question → preference, of the pairs.
        missing: trials without a vote.
        traps_passed: traps in which the target was found to be closer to itself.
        traps: traps that were voted on.
    """

    name: str
    answers: dict[str, Preference]
    missing: int
    traps_passed: int
    traps: int


@dataclass(frozen=True)
class Tally:
    """The result of a test.

    Attributes:
        contenders: the first, whose wins are counted, and the second.
        pairs: in the test.
        listeners: in the order of their files.
        pooled: question → all votes on pairs together; not independent where there are several listeners.
        by_pair: question → pairs that the first wins by the majority of their votes, and those that the second wins.
        ties: question → pairs with as many votes for one as for the other, in neither.
    """

    contenders: tuple[str, str]
    pairs: int
    listeners: tuple[Listener, ...]
    pooled: dict[str, Preference]
    by_pair: dict[str, Preference]
    ties: dict[str, int]


def tally(key: Key, ballots: Sequence[Ballot]) -> Tally:
    """Count the votes of all listeners; traps are counted apart."""
    pairs = [trial.id for trial in key.trials.values() if not trial.trap]
    pooled, by_pair, ties = {}, {}, {}
    for question in QUESTIONS:
        # Lead of the first contender in each pair that was voted on.
        votes = {pair: [_sign(key, one) for one in _votes(ballots, pair, question)] for pair in pairs}
        pooled[question] = _of_signs(sign for signs in votes.values() for sign in signs)
        leads = [sum(signs) for signs in votes.values() if signs]
        by_pair[question], ties[question] = _of_signs(leads), leads.count(0)
    listeners = tuple(_listener(key, ballot, pairs) for ballot in ballots)
    return Tally(key.contenders, len(pairs), listeners, pooled, by_pair, ties)


def _votes(ballots: Iterable[Ballot], trial: str, question: str) -> list[str | None]:
    return [ballot.votes[trial][question] for ballot in ballots if trial in ballot.votes]


def _sign(key: Key, preferred: str | None) -> int:
    return 1 if preferred == key.contenders[0] else -1


def _of_signs(signs: Iterable[int]) -> Preference:
    found = list(signs)
    return preference(sum(sign > 0 for sign in found), sum(sign < 0 for sign in found))


def _listener(key: Key, ballot: Ballot, pairs: Sequence[str]) -> Listener:
    answers = {
        question: _of_signs(_sign(key, one) for pair in pairs for one in _votes([ballot], pair, question))
        for question in QUESTIONS
    }
    voted = [trial for trial in key.trials.values() if trial.id in ballot.votes]
    traps = [ballot.votes[trial.id]["closer"] for trial in voted if trial.trap]
    return Listener(ballot.listener, answers, len(key.trials) - len(voted), traps.count(None), len(traps))


def as_json(found: Tally) -> dict[str, Any]:
    """The result for a program."""
    return {
        "contenders": list(found.contenders),
        "pairs": found.pairs,
        "pooled": {question: _told(one) for question, one in found.pooled.items()},
        "by_pair": {question: {**_told(one), "ties": found.ties[question]} for question, one in found.by_pair.items()},
        "listeners": [
            {
                "listener": one.name,
                "missing": one.missing,
                "traps": {"passed": one.traps_passed, "count": one.traps},
                **{question: _told(answer) for question, answer in one.answers.items()},
            }
            for one in found.listeners
        ],
    }


def _told(one: Preference) -> dict[str, Any]:
    return {
        "wins": [one.wins, one.losses],
        "count": one.count,
        "share": one.share,
        "interval": [one.low, one.high],
        "p": one.p,
    }
