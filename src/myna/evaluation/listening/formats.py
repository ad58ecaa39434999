"""The two files of a listening test: votes, which a listener's browser writes, and the key, which `make` writes.

    {"format": "myna-votes", "version": 1, "test": "16 hex digits", "listener": "…",
     "votes": [{"trial": "t01", "closer": "a", "better": "b"}, …]}

    {"format": "myna-listening-key", "version": 1, "test": …, "contenders": ["…", "…"], "seed": …, "about": {…},
     "trials": [{"id": "t01", "target": "…", "kind": "pair", "a": "…", "b": "…",
                 "gains_db": {"x": …, "a": …, "b": …}}, …]}

In a trial of kind `trap` one side is null: the target itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["KEY_FORMAT", "KEY_VERSION", "QUESTIONS", "SCHEMAS", "VOTES_FORMAT", "VOTES_VERSION"]

KEY_FORMAT, KEY_VERSION = "myna-listening-key", 1
VOTES_FORMAT, VOTES_VERSION = "myna-votes", 1
QUESTIONS = {
    "closer": {"asks": "Which is closer to X?", "hint": "The one that is more like X, whether you like it or not."},
    "better": {"asks": "Which sounds better?", "hint": "The one that you would rather use, whatever X is like."},
}
MOST_TRIALS = 1000
_SIDE = {"enum": ["a", "b"]}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 4096}
_TRIAL = {"type": "string", "pattern": "^t[0-9]{2,4}$"}
_TEST = {"type": "string", "pattern": "^[0-9a-f]{16}$"}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """All of these and nothing else."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _file(kind: str, version: int, properties: Mapping[str, Any]) -> dict[str, Any]:
    return _object({"format": {"const": kind}, "version": {"const": version}, "test": _TEST, **properties})


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "maxItems": MOST_TRIALS, "items": dict(items)}


SCHEMAS = {
    VOTES_FORMAT: _file(
        VOTES_FORMAT,
        VOTES_VERSION,
        {
            "listener": {"type": "string", "minLength": 1, "maxLength": 40},
            "votes": _list(_object({"trial": _TRIAL, **dict.fromkeys(QUESTIONS, _SIDE)})),
        },
    ),
    KEY_FORMAT: _file(
        KEY_FORMAT,
        KEY_VERSION,
        {
            "contenders": {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2, "uniqueItems": True},
            "seed": {"type": "integer"},
            "about": {"type": "object"},
            "trials": _list(
                _object(
                    {
                        "id": _TRIAL,
                        "target": {"type": "string"},
                        "kind": {"enum": ["pair", "trap"]},
                        "a": {"type": ["string", "null"]},
                        "b": {"type": ["string", "null"]},
                        "gains_db": _object({sound: {"type": "number"} for sound in "xab"}),
                    }
                )
            ),
        },
    ),
}
