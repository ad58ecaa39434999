"""Finding entries: words, filters and order, page by page; the rows are light, without the presets' knobs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, String, false, func, literal_column, select

from myna.errors import UsageError, printable
from myna.library.entry import is_text
from myna.library.schema import ENTRIES, SEARCH, TAGS
from myna.library.store import Library, each_of

__all__ = ["SORTS", "Filters", "Page", "Row", "counted_tags", "find", "find_ids"]


@dataclass(frozen=True)
class Filters:
    """What entries must be like; upper and lower case count as one.

    Attributes:
        words: each must begin a word in the name, author, category, tags, description or notes.
        category: the category.
        all_tags: each of them.
        any_tags: one of them at least.
        author: the whole name.
        favourite: whether they are one.
        min_rating: 0 to 5.
        source: one of `entry.SOURCES`.
    """

    words: str = ""
    category: str | None = None
    all_tags: tuple[str, ...] = ()
    any_tags: tuple[str, ...] = ()
    author: str | None = None
    favourite: bool | None = None
    min_rating: int = 0
    source: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be looked for.

        Raises:
            UsageError: half a surrogate pair among the characters.
        """
        texts = (self.words, self.category, *self.all_tags, *self.any_tags, self.author, self.source)
        if not is_text("".join(text or "" for text in texts)):
            raise UsageError("What is looked for are characters; half a surrogate pair is none.")


@dataclass(frozen=True)
class Row:
    """An entry as a list shows it.

    Attributes:
        distance_db: from the sound that was asked for, see `myna.library.sounds`.
        (others): as in `Entry` and `Lineage`.
    """

    id: str
    name: str
    author: str
    category: str
    tags: tuple[str, ...]
    favourite: bool
    rating: int
    created_utc: str
    source: str
    origin: str
    loss: float | None
    distance_db: float | None = None


@dataclass(frozen=True)
class Page:
    """Some of the entries that fit, in order, and how many fit in all."""

    rows: tuple[Row, ...]
    total: int


LIGHT = tuple(ENTRIES.c[name] for name in Row.__dataclass_fields__ if name in ENTRIES.c)
_ORDERS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "name": (ENTRIES.c.name_key, ENTRIES.c.seq),
    "newest": (ENTRIES.c.seq.desc(),),
    "oldest": (ENTRIES.c.seq,),
    "changed": (ENTRIES.c.changed_utc.desc(), ENTRIES.c.seq.desc()),
    "rating": (ENTRIES.c.rating.desc(), ENTRIES.c.name_key, ENTRIES.c.seq),
    "relevance": (SEARCH.c.rank, ENTRIES.c.seq),
}
SORTS = tuple(_ORDERS)
"""`name` counts as people do (2 before 10), `rating` has the best first, `relevance` the best fit to the words."""


def find(
    library: Library, filters: Filters | None = None, sort: str = "name", offset: int = 0, limit: int = 50
) -> Page:
    """The entries that fit.

    Args:
        library: where to look.
        filters: what they must be like; all fit if absent.
        sort: one of SORTS; without words, `relevance` is as `name`.
        offset: of the page's first row, 0 or more.
        limit: rows of the page at most, 0 or more.

    Raises:
        UsageError: unknown sort, or a page that cannot be.
    """
    if sort not in SORTS:
        raise UsageError(f"There is no order '{printable(sort, 40)}'; choose one of {', '.join(SORTS)}.")
    if offset < 0 or limit < 0:
        raise UsageError("A page begins at 0 or later, and has 0 rows or more.")
    filters = filters or Filters()
    wanted = matching(filters, *LIGHT)
    order = _ORDERS["name" if sort == "relevance" and not _indexed(filters.words) else sort]
    with library.database.reading() as connection:
        total = connection.execute(select(func.count()).select_from(matching(filters, ENTRIES.c.seq).subquery()))
        rows = connection.execute(wanted.order_by(*order).limit(limit).offset(offset)).mappings()
        return Page(tuple(as_row(row) for row in rows), total.scalar_one())


def find_ids(library: Library, filters: Filters | None = None) -> list[str]:
    """Ids of all entries that fit, by name: what bulk changes and exports take."""
    wanted = matching(filters or Filters(), ENTRIES.c.id).order_by(*_ORDERS["name"])
    with library.database.reading() as connection:
        return list(connection.execute(wanted).scalars())


def counted_tags(library: Library) -> list[tuple[str, int]]:
    """Tags in lower case and how many entries have each, the most frequent first."""
    count = func.count()
    wanted = select(TAGS.c.tag, count).group_by(TAGS.c.tag).order_by(count.desc(), TAGS.c.tag)
    with library.database.reading() as connection:
        return [(name, number) for name, number in connection.execute(wanted)]


def matching(filters: Filters, *columns: ColumnElement[Any]) -> Select[Any]:
    """Columns of the entries that fit, in no order; full-text words join the index, whose rank then tells the best."""
    wanted = select(*columns).select_from(ENTRIES).where(*_conditions(filters))
    expression = _indexed(filters.words)
    if expression:
        match = literal_column("search", String).op("MATCH")(expression)
        wanted = wanted.join(SEARCH, SEARCH.c.rowid == ENTRIES.c.seq).where(match)
    return wanted


def as_row(row: Mapping[Any, Any], distance_db: float | None = None) -> Row:
    """A result of `LIGHT` columns as a row."""
    return Row(**{**row, "tags": tuple(json.loads(row["tags"]))}, distance_db=distance_db)


def _indexed(words: str) -> str:
    """An FTS5 expression: each word as a quoted prefix, so that nothing in it is an operator."""
    return " ".join(f'"{word}"*' for word in _split(words) if _has_letters(word))


def _split(words: str) -> list[str]:
    return [part for part in words.replace('"', " ").replace("\0", " ").split() if part]


def _has_letters(word: str) -> bool:
    """Whether the index can hold it: symbols alone are nothing to it."""
    return any(c.isalnum() for c in word)


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    e = ENTRIES.c
    found = [func.instr(e.name + " " + e.tags, word) > 0 for word in _split(filters.words) if not _has_letters(word)]
    if filters.words.strip() and not _split(filters.words):
        found.append(false())  # nothing but quotes was asked for
    found += [_has_tags((tag,)) for tag in filters.all_tags]
    found += [_has_tags(filters.any_tags)] if filters.any_tags else []
    found += [e.category == filters.category.casefold()] if filters.category is not None else []
    found += [e.author_key == filters.author.casefold()] if filters.author is not None else []
    found += [e.favourite.is_(filters.favourite)] if filters.favourite is not None else []
    found += [e.rating >= filters.min_rating] if filters.min_rating else []
    found += [e.source == filters.source] if filters.source is not None else []
    return found


def _has_tags(tags: Sequence[str]) -> ColumnElement[bool]:
    """Whether an entry has one of the tags."""
    keys = [tag.casefold() for tag in tags]
    fits = TAGS.c.tag == keys[0] if len(keys) == 1 else TAGS.c.tag.in_(each_of(keys))
    return ENTRIES.c.seq.in_(select(TAGS.c.seq).where(fits))
