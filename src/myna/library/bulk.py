"""Changes to many entries at once. They are checked first, so that a mistake changes none of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, select, update

from myna.errors import UsageError, printable
from myna.library.entry import as_json, checked_rating, is_text
from myna.library.schema import ENTRIES, PRESETS
from myna.library.store import Library, each_of, now_utc

__all__ = ["MAX_TAGS", "favour", "rate", "tag"]

MAX_TAGS, MAX_TAG_LENGTH = 32, 40  # as in the schema of presets
_BATCH = 500  # in one transaction: others that write need not wait for all of them


def favour(library: Library, ids: Iterable[str], favourite: bool = True) -> int:
    """Make entries favourites, or not; how many there were."""
    return _set(library, ids, favourite=favourite)


def rate(library: Library, ids: Iterable[str], rating: int) -> int:
    """Give entries a rating, 0 to 5; how many there were.

    Raises:
        UsageError: no such rating.
    """
    return _set(library, ids, rating=checked_rating(rating))


def tag(library: Library, ids: Iterable[str], add: Sequence[str] = (), remove: Sequence[str] = ()) -> int:
    """Add tags to entries and take others away; a tag that is there in another case stays as it is.

    Returns:
        How many entries there were.

    Raises:
        UsageError: a tag that a preset cannot hold, or more of them than it can; nothing is changed then.
    """
    new, chosen = [_checked(name) for name in add], list(ids)
    _check_counts(library, chosen, new, remove)
    parts = [chosen[start : start + _BATCH] for start in range(0, len(chosen), _BATCH)]
    return sum(_tag_some(library, part, new, remove) for part in parts)


def _check_counts(library: Library, ids: list[str], add: Sequence[str], remove: Sequence[str]) -> None:
    wanted = select(ENTRIES.c.name, ENTRIES.c.tags).where(ENTRIES.c.id.in_(each_of(ids)))
    with library.database.reading() as connection:
        for name, tags in connection.execute(wanted):
            _merged(name, json.loads(tags), add, remove)


def _tag_some(library: Library, ids: list[str], add: Sequence[str], remove: Sequence[str]) -> int:
    wanted = select(ENTRIES.c.seq, ENTRIES.c.name, PRESETS.c.preset).join(PRESETS)
    with library.database.writing() as connection:
        rows = connection.execute(wanted.where(ENTRIES.c.id.in_(each_of(ids)))).all()
        changes = [_retagged(seq, name, preset, add, remove) for seq, name, preset in rows]
        if changes:
            about = {name: bindparam(name) for name in ("tags", "tag_keys", "changed_utc")}
            connection.execute(update(ENTRIES).where(ENTRIES.c.seq == bindparam("at")).values(about), changes)
            preset = update(PRESETS).where(PRESETS.c.seq == bindparam("at")).values(preset=bindparam("preset"))
            connection.execute(preset, changes)
    return len(rows)


def _set(library: Library, ids: Iterable[str], **values: Any) -> int:
    chosen = ENTRIES.c.id.in_(each_of(ids))
    with library.database.writing() as connection:
        return connection.execute(update(ENTRIES).where(chosen).values(**values, changed_utc=now_utc())).rowcount


def _checked(name: str) -> str:
    stripped = name.strip()
    if not 0 < len(stripped) <= MAX_TAG_LENGTH or not is_text(stripped):
        raise UsageError(f"A tag has 1 to {MAX_TAG_LENGTH} characters; got “{printable(name, 60)}”.")
    return stripped


def _merged(name: str, tags: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> dict[str, str]:
    """The tags of an entry of that name by what tells them apart, those added last.

    Raises:
        UsageError: more of them than a preset can hold.
    """
    away = {tag.strip().casefold() for tag in remove}
    by_key = {tag.casefold(): tag for tag in tags if tag.casefold() not in away}
    for tag in add:
        by_key.setdefault(tag.casefold(), tag)
    if len(by_key) > MAX_TAGS:
        raise UsageError(f"“{printable(name)}” would have {len(by_key)} tags, and {MAX_TAGS} are the most.")
    return by_key


def _retagged(seq: int, name: str, preset: str, add: Sequence[str], remove: Sequence[str]) -> dict[str, Any]:
    """The columns of an entry with other tags; its preset was checked when it came, and only the tags change."""
    document = json.loads(preset)
    by_key = _merged(name, document["tags"], add, remove)
    document["tags"] = list(by_key.values())
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    about = {"tags": as_json(by_key.values()), "tag_keys": as_json(by_key), "changed_utc": now_utc()}
    return {"at": seq, "preset": text, **about}
