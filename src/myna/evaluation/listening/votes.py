"""Reading votes and keys: files of strangers' browsers, so strictly; joined, they say who was preferred where."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myna.errors import IncompatibleVersionError, MynaError, printable
from myna.evaluation.listening.formats import (
    KEY_FORMAT,
    KEY_VERSION,
    QUESTIONS,
    SCHEMAS,
    VOTES_FORMAT,
    VOTES_VERSION,
)
from myna.presets.strict_json import parse, read_file

__all__ = ["Ballot", "Key", "KeyTrial", "read_ballots", "read_key"]


@dataclass(frozen=True)
class KeyTrial:
    """Who is who in a trial.

    Attributes:
        id: of the trial.
        target: its name; a stranger's, perhaps.
        trap: whether one side is the target itself.
        sides: `a` and `b` → contender; None is the target.
    """

    id: str
    target: str
    trap: bool
    sides: Mapping[str, str | None]


@dataclass(frozen=True)
class Key:
    """What a test's page hides.

    Attributes:
        test: the test's number.
        contenders: the two labels.
        trials: by their id.
    """

    test: str
    contenders: tuple[str, str]
    trials: Mapping[str, KeyTrial]


@dataclass(frozen=True)
class Ballot:
    """The votes of one listener.

    Attributes:
        listener: the name that was typed in.
        votes: id of the trial → question → who was preferred: a contender, or None for the target of a trap.
    """

    listener: str
    votes: Mapping[str, Mapping[str, str | None]]


def read_key(path: str | os.PathLike[str]) -> Key:
    """Read the key of a test.

    Raises:
        MynaError: it is no sound key.
        IncompatibleVersionError: a newer myna wrote it.
    """
    found = _read(path, KEY_FORMAT, KEY_VERSION, "key")
    a, b = found["contenders"]
    trials: dict[str, KeyTrial] = {}
    for one in found["trials"]:
        sides, trap = {side: one[side] for side in "ab"}, one["kind"] == "trap"
        if one["id"] in trials or not _sound_sides(list(sides.values()), trap, (a, b)):
            raise MynaError(f"“{_shown(path)}” is no sound key: its trial {one['id']} contradicts the rest.")
        trials[one["id"]] = KeyTrial(one["id"], one["target"], trap, sides)
    return Key(found["test"], (a, b), trials)


def _sound_sides(sides: Sequence[str | None], trap: bool, contenders: tuple[str, str]) -> bool:
    if trap:
        return sides.count(None) == 1 and all(side is None or side in contenders for side in sides)
    return set(sides) == set(contenders)


def read_ballots(paths: Sequence[str | os.PathLike[str]], key: Key) -> list[Ballot]:
    """Read the votes of all listeners of a test; not all trials need to be voted on.

    Raises:
        MynaError: a file that is no sound votes file, is of another test or votes on a trial that is unknown, or two
            files of one listener.
        IncompatibleVersionError: one is from the page of a newer myna.
    """
    ballots: dict[str, tuple[Ballot, Path]] = {}
    for path in map(Path, paths):
        ballot = _ballot(path, key)
        name = ballot.listener.strip().casefold()
        if name in ballots:
            first = _shown(ballots[name][1])
            raise MynaError(f"“{first}” and “{_shown(path)}” are of one listener, {_name(ballot)}: keep one of them.")
        ballots[name] = ballot, path
    return [ballot for ballot, _ in ballots.values()]


def _ballot(path: Path, key: Key) -> Ballot:
    found = _read(path, VOTES_FORMAT, VOTES_VERSION, "votes")
    if found["test"] != key.test:
        raise MynaError(f"“{_shown(path)}” holds votes on the test {found['test']}, and the key is of {key.test}.")
    votes: dict[str, dict[str, str | None]] = {}
    for vote in found["votes"]:
        trial = key.trials.get(vote["trial"])
        if trial is None:
            raise MynaError(f"“{_shown(path)}” votes on the trial {vote['trial']}, which the test does not have.")
        if trial.id in votes:
            raise MynaError(f"“{_shown(path)}” votes twice on the trial {trial.id}.")
        votes[trial.id] = {question: trial.sides[vote[question]] for question in QUESTIONS}
    return Ballot(found["listener"], votes)


def _read(path: str | os.PathLike[str], kind: str, version: int, what: str) -> dict[str, Any]:
    found = parse(read_file(path, what, MynaError), _shown(path), f"{what} file", MynaError)
    told = found.get("version")
    if found.get("format") == kind and type(told) is int and told > version:
        raise IncompatibleVersionError(f"“{_shown(path)}” has version {told}, newer than this myna reads: update myna.")
    error = next(_validator(kind).iter_errors(found), None)
    if error is not None:
        where = ".".join(str(part) for part in error.path) or "the file"
        raise MynaError(f"“{_shown(path)}” is no sound {what} file: in {where}, {printable(error.message, 120)}.")
    return found


@functools.cache
def _validator(kind: str) -> Any:
    from jsonschema import Draft202012Validator  # late: importing it takes a tenth of a second

    return Draft202012Validator(SCHEMAS[kind])


def _shown(path: str | os.PathLike[str]) -> str:
    return printable(os.fspath(path))


def _name(ballot: Ballot) -> str:
    return f"'{printable(ballot.listener, 40)}'"
