"""The library's tables, their version, and how an older file becomes one of this version.

What people read of presets is in `entries`, small rows that a search runs through; the presets themselves and what
they sound like are beside them. The full-text index follows `entries` by triggers, whoever writes.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    column,
    table,
)

from myna.errors import IncompatibleVersionError, MynaError
from myna.library.entry import SOURCES

__all__ = ["ENTRIES", "MIGRATIONS", "PRESETS", "SCHEMA_VERSION", "SEARCH", "SOUNDS", "TAGS", "is_current", "prepare"]

SCHEMA_VERSION = 1
APPLICATION_ID = int.from_bytes(b"myna", "big")
_METADATA = MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


ENTRIES = Table(
    "entries",
    _METADATA,
    Column("seq", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    # Of the preset as it came, or as its sound was last changed: whoever brings that again brings nothing new.
    Column("digest", Text, nullable=False, unique=True),
    Column("sound", Text, nullable=False, index=True),
    _text("name"),
    Column("name_key", Text, nullable=False, index=True),
    _text("author"),
    _text("author_key"),
    _text("category"),
    _text("tags"),
    _text("tag_keys"),
    _text("description"),
    _text("notes"),
    Column("favourite", Boolean, nullable=False, server_default="0"),
    Column("rating", Integer, CheckConstraint("rating BETWEEN 0 AND 5"), nullable=False, server_default="0"),
    _text("created_utc"),
    _text("changed_utc"),
    Column("source", Text, CheckConstraint(f"source IN {SOURCES}"), nullable=False),
    _text("origin"),
    Column("loss", Float),
    _text("agent"),
    Column("renders", Integer),
    Column("parent", Text),
)
PRESETS = Table(
    "presets",
    _METADATA,
    Column("seq", ForeignKey(ENTRIES.c.seq, ondelete="CASCADE"), primary_key=True),
    Column("preset", Text, nullable=False),
)
"""Presets as the codec writes them."""
SOUNDS = Table(
    "sounds",
    _METADATA,
    Column("stamp", Integer, primary_key=True),  # never used twice, so that the newest tells whether there is news
    Column("seq", ForeignKey(ENTRIES.c.seq, ondelete="CASCADE"), nullable=False, unique=True),
    Column("engine", Text, nullable=False),
    Column("features", LargeBinary, nullable=False),
    Index("sounds_engine", "engine", "stamp"),
    sqlite_autoincrement=True,
)
"""What presets sound like, see `myna.library.sounds`."""
TAGS = Table(
    "tags",
    _METADATA,
    Column("tag", Text, primary_key=True),
    Column("seq", ForeignKey(ENTRIES.c.seq, ondelete="CASCADE"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)
"""Entries by their tags in lower case; follows `tag_keys`."""
SEARCH = table("search", column("rowid"), column("rank"))
"""The full-text index; `rowid` is the entry's `seq`."""

_SEARCHED = "name, author, category, tags, description, notes"
_NEW, _OLD = (", ".join(f"{row}.{name}" for name in _SEARCHED.split(", ")) for row in ("new", "old"))
_DROP = f"INSERT INTO search (search, rowid, {_SEARCHED}) VALUES ('delete', old.seq, {_OLD});"  # noqa: S608
_KEEP = f"INSERT INTO search (rowid, {_SEARCHED}) VALUES (new.seq, {_NEW});"  # noqa: S608
_TAGGED = "INSERT INTO tags (tag, seq) SELECT value, new.seq FROM json_each(new.tag_keys);"
_UNTAGGED = "DELETE FROM tags WHERE seq = new.seq;"
_INDEX = (
    f"CREATE VIRTUAL TABLE search USING fts5 ({_SEARCHED}, content='entries', content_rowid='seq', prefix='2 3',"
    " tokenize='unicode61 remove_diacritics 2')",
    f"CREATE TRIGGER entries_added AFTER INSERT ON entries BEGIN {_KEEP} {_TAGGED} END",
    f"CREATE TRIGGER entries_removed AFTER DELETE ON entries BEGIN {_DROP} END",
    f"CREATE TRIGGER entries_changed AFTER UPDATE OF {_SEARCHED} ON entries BEGIN {_DROP} {_KEEP} END",
    "CREATE TRIGGER entries_tagged AFTER UPDATE OF tag_keys ON entries WHEN old.tag_keys <> new.tag_keys"
    f" BEGIN {_UNTAGGED} {_TAGGED} END",
)

MIGRATIONS: dict[int, Callable[[Connection], None]] = {}
"""From a version to the next; each runs in the transaction that `prepare` is given."""


def is_current(connection: Connection, shown: str) -> bool:
    """Whether a file has this version's tables; else `prepare` makes them.

    Raises:
        MynaError: it is a database of another program.
        IncompatibleVersionError: a newer myna wrote it.
    """
    version = _pragma(connection, "user_version")
    if _pragma(connection, "application_id") != APPLICATION_ID:
        if version or connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first():
            raise MynaError(f"{shown} is a database of another program: choose another file for the library.")
        return False
    if version > SCHEMA_VERSION:
        raise IncompatibleVersionError(
            f"The library {shown} has version {version}, newer than this myna reads ({SCHEMA_VERSION}): update myna."
        )
    return version == SCHEMA_VERSION


def prepare(connection: Connection, shown: str) -> None:
    """Make the tables of a new file, or bring an older one up to this version; raises as `is_current`."""
    if is_current(connection, shown):  # another process was faster
        return
    version = _pragma(connection, "user_version")
    if not version:
        _METADATA.create_all(connection)
        for statement in _INDEX:
            connection.exec_driver_sql(statement)
    for older in range(version, SCHEMA_VERSION) if version else ():
        MIGRATIONS[older](connection)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
