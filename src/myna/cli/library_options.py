"""What the verbs of `myna library` share: which library, which entries, and how they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

from myna.cli.arguments import UNSAID, Flag, chosen, named, names, whole
from myna.cli.messages import print_json, say, shown
from myna.presets import CATEGORIES
from myna.rounding import rounded

if TYPE_CHECKING:
    from myna.library import Library
    from myna.library.query import Filters, Page, Row
    from myna.library.sounds import Sounds

__all__ = ["Filtered", "Shared", "on_stderr", "print_page", "ready_sounds"]


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Options of every verb."""

    library: Annotated[str | None, named("FILE.sqlite")] = None
    """the library; your own if absent"""
    json: Flag = False
    """print JSON"""

    def open(self) -> Library:
        """The library, which the caller closes."""
        from myna.library import open_library

        return open_library(self.library)


@dataclass(frozen=True, kw_only=True)
class Filtered(Shared):
    """Options of the verbs that look among entries."""

    category: Annotated[str | None, chosen(CATEGORIES), UNSAID] = None
    """only this category"""
    tag: Annotated[tuple[str, ...], names("TAG,…"), UNSAID] = ()
    """only presets with all of these tags"""
    author: Annotated[str | None, named("NAME")] = None
    """only presets of this author"""
    favourites: Flag = False
    """only favourites"""
    rating: Annotated[int, whole(0, 5)] = 0
    """only presets rated so or better"""
    source: Annotated[str | None, chosen(("match", "import", "factory", "synth")), UNSAID] = None
    """only presets that came from there"""

    def filters(self, words: str = "") -> Filters:
        """What was asked for."""
        from myna.library.query import Filters

        return Filters(
            words=words,
            category=self.category,
            all_tags=self.tag,
            author=self.author,
            favourite=True if self.favourites else None,
            min_rating=self.rating,
            source=self.source,
        )


def print_page(page: Page, as_json: bool) -> None:
    """Print entries, a line each: id, name, category, rating, and tags or distance."""
    if as_json:
        print_json({"total": page.total, "presets": [rounded(asdict(row)) for row in page.rows]})
        return
    width = max((len(shown(row.name)) for row in page.rows), default=0)
    for row in page.rows:
        print(_line(row, width))
    if not page.total:
        say("no preset in the library fits: ask for less.")
    elif len(page.rows) < page.total:
        say(f"{len(page.rows)} of {page.total:,} presets: --offset and --limit show others.")


def _line(row: Row, width: int) -> str:
    stars = ("♥" if row.favourite else " ") + "*" * row.rating
    away = "" if row.distance_db is None else f"{row.distance_db:5.1f} dB  "
    line = f"{row.id[:8]}  {away}{shown(row.name):<{width}}  {row.category:<8} {stars:<6}"
    return f"{line}  {shown(', '.join(row.tags))}".rstrip()


def on_stderr(what: str) -> Callable[[int, int], None]:
    """A progress callback that tells every tenth of longer work."""
    told = 0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if total >= 1000 and 10 * done // total > told:
            told = 10 * done // total
            say(f"{what}: {done:,} of {total:,}")

    return progress


def ready_sounds(library: Library) -> Sounds:
    """The sounds of a library's presets, those that were not heard yet rendered now."""
    from myna.library.sounds import Sounds

    sounds = Sounds(library)
    sounds.refresh(on_stderr("listening to new presets"))
    return sounds
