"""Votes come from strangers and are read strictly; what they say is counted exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from myna.errors import IncompatibleVersionError, MynaError
from myna.evaluation.listening.tally import as_json, preference, tally
from myna.evaluation.listening.votes import Key, read_ballots, read_key

GAINS = {"x": 0.0, "a": 1.0, "b": -2.5}
KEY = {
    "format": "myna-listening-key",
    "version": 1,
    "test": "0123456789abcdef",
    "contenders": ["policy", "cma"],
    "seed": 0,
    "about": {},
    "trials": [
        {"id": "t01", "target": "oboe", "kind": "pair", "a": "policy", "b": "cma", "gains_db": GAINS},
        {"id": "t02", "target": "<b>", "kind": "pair", "a": "cma", "b": "policy", "gains_db": GAINS},
        {"id": "t03", "target": "bell", "kind": "trap", "a": "cma", "b": None, "gains_db": GAINS},
    ],
}


def ballot(closer: str = "aab", better: str = "bba", listener: str = "Ann", **changes: Any) -> dict[str, Any]:
    votes = [
        {"trial": f"t{i:02d}", "closer": c, "better": b} for i, (c, b) in enumerate(zip(closer, better, strict=True), 1)
    ]
    return {"format": "myna-votes", "version": 1, "test": KEY["test"], "listener": listener, "votes": votes, **changes}


def written(path: Path, content: Any) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


@pytest.fixture
def key(tmp_path: Path) -> Key:
    return read_key(written(tmp_path / "key.json", KEY))


# Counting


@pytest.mark.parametrize(
    ("wins", "losses", "p", "low", "high"),
    [
        (9, 1, 22 / 1024, 0.55498, 0.99747),  # 2 (1 + 10) / 2^10
        (10, 0, 2 / 1024, 0.025 ** (1 / 10), 1.0),
        (12, 12, 1.0, 0.29124, 0.70876),
        (18, 6, 0.0226562, 0.53289, 0.90227),
        (0, 0, 1.0, 0.0, 1.0),
    ],
)
def test_p_and_interval_are_exact(wins: int, losses: int, p: float, low: float, high: float) -> None:
    found = preference(wins, losses)
    assert found.p == pytest.approx(p, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(0, 60), st.integers(0, 60))
def test_both_sides_are_treated_alike_and_p_is_the_tail_of_coins(wins: int, losses: int) -> None:
    one, other = preference(wins, losses), preference(losses, wins)
    assert one.p == pytest.approx(other.p) and one.low == pytest.approx(1 - other.high)
    tail = 2 * binom.cdf(min(wins, losses), wins + losses, 0.5)
    assert one.p == pytest.approx(min(1.0, tail))


def test_votes_are_joined_with_the_key_and_counted_by_listener_and_by_pair(tmp_path: Path, key: Key) -> None:
    files = [
        written(tmp_path / "1.json", ballot("aab", "aaa", "Ann")),  # closer: policy, cma; trap passed
        written(tmp_path / "2.json", ballot("abb", "bbb", "Bob")),  # closer: policy, policy; trap passed
        written(tmp_path / "3.json", ballot("aaa", "aba", "Cyd")),  # closer: policy, cma; trap failed
        written(tmp_path / "4.json", ballot("b", "b", "Dan")),  # one vote
    ]
    found = tally(key, read_ballots(files, key))
    assert found.contenders == ("policy", "cma") and found.pairs == 2
    closer = [(one.answers["closer"].wins, one.answers["closer"].losses) for one in found.listeners]
    assert closer == [(1, 1), (2, 0), (1, 1), (0, 1)]
    assert [(one.traps_passed, one.traps, one.missing) for one in found.listeners] == [
        (1, 1, 0), (1, 1, 0), (0, 1, 0), (0, 0, 2),
    ]  # fmt: skip
    assert (found.pooled["closer"].wins, found.pooled["closer"].losses) == (4, 3)
    # t01: 3 to 1 for policy; t02: 1 to 2.
    assert (found.by_pair["closer"].wins, found.by_pair["closer"].losses, found.ties["closer"]) == (1, 1, 0)
    # better: t01 policy, cma, policy, cma: a tie; t02 cma, policy, policy.
    assert (found.by_pair["better"].wins, found.by_pair["better"].losses, found.ties["better"]) == (1, 0, 1)
    told = json.loads(json.dumps(as_json(found)))
    assert told["pooled"]["closer"]["wins"] == [4, 3] and told["by_pair"]["better"]["ties"] == 1
    assert told["listeners"][2]["traps"] == {"passed": 0, "count": 1}


# Reading

VOTE = {"trial": "t01", "closer": "a", "better": "b"}
HOSTILE = {
    "nothing": (b"", "is not JSON"),
    "no JSON": (b"<html>", "is not JSON"),
    "a list": ([VOTE], "must be a JSON object"),
    "deep": (b"[" * 100_000, "nested deeper"),
    "NaN": (json.dumps(ballot(listener="x")).replace('"x"', "NaN").encode(), "finite numbers only"),
    "not UTF-8": (b"\xff\xfe", "not UTF-8"),
    "large": (json.dumps(ballot()).encode() + b" " * 2**20, "larger than a votes file"),
    "twice named": (b'{"format": "myna-votes", "format": "myna-votes"}', "twice"),
    "a preset": ({"format_version": 1, "parameters": {}}, "no sound votes file"),
    "an older format": (ballot(version=0), "in version"),
    "more than asked": (ballot(more=1), "'more' was unexpected"),
    "no listener": (ballot(listener=""), "in listener"),
    "a long listener": (ballot(listener="x" * 41), "in listener"),
    "a number for a name": (ballot(listener=7), "in listener"),
    "no votes": (ballot("", ""), "in votes"),
    "another side": (ballot(votes=[VOTE | {"closer": "x"}]), "in votes.0.closer"),
    "half a vote": (ballot(votes=[{"trial": "t01", "closer": "a"}]), "'better' is a required property"),
    "markup for a trial": (ballot(votes=[VOTE | {"trial": "<b>\x1b[2J"}]), "in votes.0.trial"),
    "an unknown trial": (ballot(votes=[VOTE | {"trial": "t99"}]), "t99, which the test does not have"),
    "a trial twice": (ballot(votes=[VOTE, VOTE]), "votes twice on the trial t01"),
    "another test": (ballot(test="f" * 16), "votes on the test ffff"),
}


@pytest.mark.parametrize(("content", "sentence"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_votes_file_that_is_not_sound_is_refused(tmp_path: Path, key: Key, content: Any, sentence: str) -> None:
    path = written(tmp_path / "bad.json", content)
    with pytest.raises(MynaError) as caught:
        read_ballots([path], key)
    message = str(caught.value)
    assert sentence in message and "bad.json" in message and message.isprintable() and len(message) < 400


def test_two_files_of_one_listener_are_refused(tmp_path: Path, key: Key) -> None:
    files = [written(tmp_path / f"{i}.json", ballot(listener=name)) for i, name in enumerate(("Ann", "Bob", "ann "))]
    assert len(read_ballots(files[:2], key)) == 2
    with pytest.raises(MynaError, match=r"0\.json” and “.*2\.json” are of one listener, 'ann '"):
        read_ballots(files, key)


def test_votes_of_a_newer_page_ask_for_an_update(tmp_path: Path, key: Key) -> None:
    with pytest.raises(IncompatibleVersionError, match="newer"):
        read_ballots([written(tmp_path / "new.json", ballot(version=2, shape="other"))], key)


@pytest.mark.parametrize(
    ("trial", "sides"),
    [("t01", ("policy", "policy")), ("t01", (None, "cma")), ("t03", (None, None)), ("t03", ("policy", "cma")),
     ("t02", ("policy", "other"))],
)  # fmt: skip
def test_a_key_that_contradicts_itself_is_refused(tmp_path: Path, trial: str, sides: tuple[Any, Any]) -> None:
    trials = [one | {"a": sides[0], "b": sides[1]} if one["id"] == trial else one for one in KEY["trials"]]
    with pytest.raises(MynaError, match=f"no sound key: its trial {trial}"):
        read_key(written(tmp_path / "key.json", KEY | {"trials": trials}))
    with pytest.raises(MynaError, match="contradicts"):
        read_key(written(tmp_path / "key.json", KEY | {"trials": KEY["trials"] + KEY["trials"][:1]}))
