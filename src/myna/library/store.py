"""The library itself: presets are added, read, changed and removed, each in a transaction of its own."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Select, delete, func, insert, select, update
from sqlalchemy.engine import RowMapping

from myna.errors import UsageError, printable
from myna.files import data_dir, sha256_hex
from myna.library.database import Database
from myna.library.entry import (
    Entry,
    Lineage,
    checked,
    checked_notes,
    checked_rating,
    sound_hashes,
    stored,
)
from myna.library.schema import ENTRIES, PRESETS, SOUNDS
from myna.params import ParameterTable
from myna.presets import Preset, dumps, loads
from myna.synth.registry import synth_table

__all__ = ["Library", "default_path", "open_library"]

_ID = re.compile("[0-9a-f]{4,32}")


def default_path() -> Path:
    """Where the user's own library is."""
    return data_dir() / "library.sqlite"


def open_library(path: str | os.PathLike[str] | None = None, synth: str = "serum-lite") -> Library:
    """Open a library, or begin one.

    Args:
        path: the file; the user's own library if absent.
        synth: whose presets it holds.

    Raises:
        MynaError: it cannot be made or read, or is none of ours.
        IncompatibleVersionError: a newer myna wrote it.

    Example:
        >>> with open_library("lib.sqlite") as library:  # doctest: +SKIP
        ...     entry = library.add(preset, Lineage("match", "trumpet.wav", loss=0.07))
    """
    return Library(Database(path or default_path()), synth_table(synth))


class Library:
    """Presets with what people say of them; may be shared between threads, and its file between processes.

    Args:
        database: open.
        table: parameters of the synth whose presets it holds.
    """

    def __init__(self, database: Database, table: ParameterTable) -> None:
        """See the class."""
        self.database, self.table = database, table

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self.database.close()

    def add(self, preset: Preset, lineage: Lineage | None = None) -> Entry:
        """Keep a preset; one that is there already, word for word, is returned as it is there.

        Raises:
            BadPresetError: a preset file could not hold it.
        """
        ((entry_id, _),) = self.add_many([(preset, lineage or Lineage())])
        return self.get(entry_id)

    def add_many(self, presets: Sequence[tuple[Preset, Lineage]]) -> list[tuple[str, bool]]:
        """Keep presets, all of them or, where one is bad, none.

        Returns:
            For each its id, and whether it is new.

        Raises:
            BadPresetError: a preset file could not hold one of them.
        """
        sound = [checked(preset, self.table) for preset, _ in presets]
        texts, hashes = [dumps(preset) for preset in sound], sound_hashes(sound, self.table)
        digests = [sha256_hex(text) for text in texts]
        rows: dict[str, dict[str, Any]] = {}
        for preset, (_, lineage), digest, text, heard in zip(sound, presets, digests, texts, hashes, strict=True):
            entry = {"id": uuid.uuid4().hex, "digest": digest, "sound": heard, "preset": text}
            rows.setdefault(digest, {**entry, **stored(preset), **asdict(lineage)})
        with self.database.writing() as connection:
            known = _ids(connection, digests)
            _insert(connection, [row for digest, row in rows.items() if digest not in known])
        fresh = {digest for digest in rows if digest not in known}
        ids = {**{digest: row["id"] for digest, row in rows.items()}, **known}
        return [(ids[digest], digest in fresh and digests.index(digest) == i) for i, digest in enumerate(digests)]

    def get(self, entry_id: str) -> Entry:
        """An entry by its id, or by the first four digits or more of it.

        Raises:
            UsageError: there is none, or several.
            BadPresetError: its preset is for other parameters than this myna's.
        """
        with self.database.reading() as connection:
            return self._entry(_row(connection, entry_id))

    def find_id(self, start: str) -> str:
        """The whole id of the entry that `get` would return; raises as it does."""
        with self.database.reading() as connection:
            return _row(connection, start)["id"]

    def update(
        self,
        entry_id: str,
        preset: Preset | None = None,
        *,
        favourite: bool | None = None,
        rating: int | None = None,
        notes: str | None = None,
    ) -> Entry:
        """Change what is given, and leave the rest.

        Args:
            entry_id: as for `get`.
            preset: in place of the one that is there: other knobs, or another name, author, category or tags.
            favourite: whether it is one.
            rating: 0 to 5.
            notes: free text.

        Raises:
            UsageError: no such entry, a bad rating or note, or another entry holds this very preset.
            BadPresetError: a preset file could not hold it.
        """
        told = {"favourite": favourite, "rating": rating, "notes": notes}
        changes = {name: value for name, value in told.items() if value is not None}
        checked_rating(rating or 0)
        checked_notes(notes or "")
        preset = None if preset is None else checked(preset, self.table)
        with self.database.writing() as connection:
            row = _row(connection, entry_id)
            if preset is not None:
                changes |= self._replace(connection, row, preset)
            connection.execute(
                update(ENTRIES).where(ENTRIES.c.seq == row["seq"]).values(**changes, changed_utc=now_utc())
            )
            return self._entry(_row(connection, row["id"]))

    def remove(self, ids: Iterable[str]) -> int:
        """Remove entries by their whole ids; those that are gone already do not count.

        Returns:
            How many were removed.
        """
        with self.database.writing() as connection:
            return connection.execute(delete(ENTRIES).where(ENTRIES.c.id.in_(each_of(ids)))).rowcount

    def _entry(self, row: RowMapping) -> Entry:
        preset = loads(row["preset"], self.table, source=row["name"])
        own = {f.name: row[f.name] for f in fields(Entry) if f.name not in ("preset", "lineage")}
        return Entry(preset=preset, lineage=Lineage(**{f.name: row[f.name] for f in fields(Lineage)}), **own)

    def _replace(self, connection: Connection, row: RowMapping, preset: Preset) -> dict[str, Any]:
        """Write another preset; the columns that follow from it."""
        seq = row["seq"]
        connection.execute(update(PRESETS).where(PRESETS.c.seq == seq).values(preset=dumps(preset)))
        (heard,) = sound_hashes([preset], self.table)
        if heard == row["sound"]:
            return stored(preset)
        digest = sha256_hex(dumps(preset))
        twins = _ids(connection, [digest])
        if twins.get(digest, row["id"]) != row["id"]:
            raise UsageError(f"The entry {twins[digest][:8]} holds this very preset already: give it another name.")
        connection.execute(delete(SOUNDS).where(SOUNDS.c.seq == seq))
        return {**stored(preset), "digest": digest, "sound": heard}


def now_utc() -> str:
    """The time now, ISO 8601 to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def each_of(values: Iterable[Any]) -> Select[Any]:
    """Any number of values for `in_`: one parameter, where SQLite would take so many and no more."""
    return select(func.json_each(json.dumps(list(values))).table_valued("value").c.value)


def _ids(connection: Connection, digests: list[str]) -> dict[str, str]:
    found = select(ENTRIES.c.digest, ENTRIES.c.id).where(ENTRIES.c.digest.in_(each_of(digests)))
    return {digest: entry_id for digest, entry_id in connection.execute(found)}


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    now = now_utc()
    first = 1 + (connection.execute(select(func.max(ENTRIES.c.seq))).scalar() or 0)
    numbered = [{**row, "seq": seq, "created_utc": now, "changed_utc": now} for seq, row in enumerate(rows, first)]
    kept = set(ENTRIES.c.keys())
    connection.execute(insert(ENTRIES), [{k: v for k, v in row.items() if k in kept} for row in numbered])
    connection.execute(insert(PRESETS), [{"seq": row["seq"], "preset": row["preset"]} for row in numbered])


def _row(connection: Connection, entry_id: str) -> RowMapping:
    """The one entry whose id begins so, with its preset.

    Raises:
        UsageError: there is none, or there are several.
    """
    start = entry_id.strip().lower()
    if not _ID.fullmatch(start):
        raise UsageError(f"“{printable(entry_id, 40)}” is no id: give its first four digits (0-9, a-f) or more.")
    begins_so = (ENTRIES.c.id >= start, ENTRIES.c.id < start + "g")
    wanted = select(ENTRIES, PRESETS.c.preset).join(PRESETS).where(*begins_so).limit(2)
    rows = connection.execute(wanted).mappings().all()
    if len(rows) != 1:
        raise UsageError(
            f"There are several presets whose id begins with {start}: give more of it."
            if rows
            else f"There is no preset with the id {start} in the library."
        )
    return rows[0]
