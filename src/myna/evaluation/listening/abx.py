"""A blind ABX test: in each trial X is A or B, and the listener says which. Can the two be told apart at all?

What could let a hope in is fixed before the first trial: how many trials there are, and which sound X is in each, by
coins of the seed tree from an entropy that nobody has seen. A commitment to it (SHA-256) is told at once, the entropy
itself after the last vote, so that anybody can check that no coin was turned afterwards. There is no verdict before
the last vote: to stop when it looks good makes chance look like hearing.

The test is exact and one-sided: under chance the number of right answers is binomial with p = 1/2. The interval of
the share of right answers is Clopper and Pearson's (Biometrika 26, 1934).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scipy import stats

from myna.errors import UsageError
from myna.evaluation.listening.tally import Preference, preference
from myna.files import sha256_hex
from myna.seeding import generator

__all__ = ["FORMAT", "LEVEL", "MOST_TRIALS", "VERSION", "Abx", "AbxVote", "needed"]

FORMAT, VERSION = "myna-abx", 1
LEVEL = 0.05
MOST_TRIALS = 100
SIDES = ("A", "B")


def needed(count: int) -> int | None:
    """Right answers of so many from which on chance is unlikely (p ≤ 0.05); None where all of them are too few.

    >>> needed(10), needed(16), needed(4)
    (9, 12, None)
    """
    found = (right for right in range(count + 1) if stats.binom.sf(right - 1, count, 0.5) <= LEVEL)
    return next(found, None)


@dataclass(frozen=True)
class AbxVote:
    """What was said in a trial: that X is `A` or `B`, and when, in seconds since the test began."""

    said: str
    at_s: float


@dataclass
class Abx:
    """One listener's test of one pair.

    Attributes:
        names: of A and B.
        count: trials, fixed.
        entropy: where the coins come from; of `secrets.randbits`, and shown to nobody before the last vote.
        about: what else belongs to the record: gains, date; as JSON holds it.
        votes: so far, in order.

    Raises:
        UsageError: no trials, or too many.
    """

    names: tuple[str, str]
    count: int
    entropy: int = field(repr=False)
    about: dict[str, Any] = field(default_factory=dict)
    votes: list[AbxVote] = field(default_factory=list)

    def __post_init__(self) -> None:
        """See the class."""
        if not 1 <= self.count <= MOST_TRIALS:
            raise UsageError(f"A test has 1 to {MOST_TRIALS} trials; got {self.count}.")

    @property
    def trial(self) -> int:
        """The trial that waits for its vote, from 0 on; `count` after the last."""
        return len(self.votes)

    @property
    def done(self) -> bool:
        """Whether the last vote is cast."""
        return self.trial >= self.count

    def x_is(self, trial: int) -> str:
        """Which of SIDES X is in a trial; whatever shows a page must not tell."""
        return SIDES[int(generator(self.entropy, "abx", trial).integers(2))]

    def vote(self, said: str, at_s: float) -> None:
        """Say which X is in the trial that waits.

        Args:
            said: of SIDES.
            at_s: seconds since the test began.

        Raises:
            UsageError: it is over, or there is no such side.
        """
        if said not in SIDES:
            raise UsageError("X is A or B: vote for one of them.")
        if self.done:
            raise UsageError("This test is over: start another.")
        self.votes.append(AbxVote(said, round(at_s, 3)))

    def result(self) -> Preference:
        """Right and wrong answers as wins and losses, p one-sided.

        Raises:
            UsageError: trials are left.
        """
        if not self.done:
            raise UsageError("There is no result before the last trial: vote on all of them.")
        right = sum(vote.said == self.x_is(trial) for trial, vote in enumerate(self.votes))
        return preference(right, self.count - right, "greater")

    def as_json(self) -> dict[str, Any]:
        """The record: votes with their times, and key and result once it is over."""
        record: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "names": list(self.names),
            "trials": self.count,
            **self.about,
            "commitment": sha256_hex(str(self.entropy)),
            "finished": self.done,
            "votes": [{"trial": i, "said": vote.said, "at_s": vote.at_s} for i, vote in enumerate(self.votes, 1)],
        }
        return record | self._revealed() if self.done else record

    def _revealed(self) -> dict[str, Any]:
        found = self.result()
        return {
            "entropy": str(self.entropy),
            "key": [self.x_is(trial) for trial in range(self.count)],
            "right": found.wins,
            "p": found.p,
            "interval": [found.low, found.high],
        }
