"""The verbs of `myna library` that look: list, search, show, like, duplicates."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from myna.cli.arguments import UNSAID, Argument, Flag, chosen, named, number, whole
from myna.cli.library_options import Filtered, Shared, print_page, ready_sounds
from myna.cli.messages import print_json, say, shown
from myna.cli.preset_text import show_text
from myna.errors import UsageError
from myna.presets import Preset
from myna.presets.compare import changes

if TYPE_CHECKING:
    from myna.audio.target import Target
    from myna.library import Entry, Library

__all__ = ["Duplicates", "Like", "List", "Search", "Show"]

Sort = Annotated[str, chosen(("name", "newest", "oldest", "changed", "rating", "relevance"))]


@dataclass(frozen=True, kw_only=True)
class Paged(Filtered):
    """Options of the verbs that show a page of entries."""

    offset: Annotated[int, whole(0, 10**9)] = 0
    """skip so many"""
    limit: Annotated[int, whole(1, 100_000)] = 50
    """show at most so many"""


@dataclass(frozen=True, kw_only=True)
class List(Paged):
    """List the presets of the library.

    Example: myna library list --category keys --sort rating
    """

    sort: Sort = "name"
    """their order"""

    def run(self) -> int:
        """Print a line each; 0."""
        from myna.library.query import find

        with self.open() as library:
            print_page(find(library, self.filters(), self.sort, self.offset, self.limit), self.json)
        return 0


@dataclass(frozen=True, kw_only=True)
class Search(Paged):
    """Find presets by the beginnings of words in name, author, category, tags, description and notes.

    Example: myna library search warm pad
    """

    words: Annotated[tuple[str, ...], Argument, UNSAID]
    """all of them must occur"""
    sort: Sort = "relevance"
    """their order"""

    def run(self) -> int:
        """Print a line each; 0."""
        from myna.library.query import find

        with self.open() as library:
            page = find(library, self.filters(" ".join(self.words)), self.sort, self.offset, self.limit)
            print_page(page, self.json)
        return 0


@dataclass(frozen=True, kw_only=True)
class Show(Shared):
    """Show a preset of the library: where it came from, and what differs from the defaults.

    Example: myna library show 3f2a
    """

    id: Annotated[str, Argument, named("ID")]
    """its id, or the first four digits or more of it"""

    def run(self) -> int:
        """Print it; 0."""
        with self.open() as library:
            entry, table = library.get(self.id), library.table
        if self.json:
            print_json(asdict(entry))
            return 0
        knobs = changes(table, table.defaults, table.from_dict(entry.preset.values))
        print("\n".join([*_about(entry), show_text(entry.preset, knobs)]))
        return 0


@dataclass(frozen=True, kw_only=True)
class Like(Paged):
    """Find the presets that sound most like a recording or a preset, volume aside.

    Example: myna library like trumpet.wav
    """

    sound: Annotated[str, Argument, named("SOUND")]
    """a recording, a preset file, an id, or the name of a factory preset"""

    def run(self) -> int:
        """Print a line each with the distance in dB, nearest first; 0."""
        with self.open() as library:
            sound = _sound(library, self.sound)
            print_page(ready_sounds(library).like(sound, self.filters(), self.offset, self.limit), self.json)
        return 0


@dataclass(frozen=True, kw_only=True)
class Duplicates(Shared):
    """Find presets that are there more than once.

    Example: myna library duplicates --audible
    """

    audible: Flag = False
    """also those whose knobs differ, but not their sound (volume aside)"""
    within: Annotated[float | None, number(0, 6), UNSAID] = None
    """what differs by less (dB) is one sound to --audible"""

    def run(self) -> int:
        """Print groups, a line for each preset and an empty one between them; 0."""
        from myna.library.duplicates import AUDIBLE_DB, audible_duplicates, exact_duplicates

        if self.within is not None and not self.audible:
            raise UsageError("--within belongs to --audible: add it.")
        with self.open() as library:
            within = AUDIBLE_DB if self.within is None else self.within
            groups = audible_duplicates(ready_sounds(library), within) if self.audible else exact_duplicates(library)
            names = {entry_id: library.get(entry_id).preset.name for group in groups for entry_id in group}
        if self.json:
            print_json(groups)
        elif not groups:
            say("no preset is there twice.")
        else:
            print("\n\n".join("\n".join(f"{i[:8]}  {shown(names[i])}" for i in group) for group in groups))
        return 0


def _about(entry: Entry) -> list[str]:
    """Lines on what the library knows of an entry beside its preset."""
    lineage = entry.lineage
    parts: list[Any] = [lineage.source, shown(lineage.origin)]
    parts += [f"loss {lineage.loss:.3f}"] if lineage.loss is not None else []
    parts += [f"{lineage.renders:,} renders of {shown(lineage.agent)}"] if lineage.renders is not None else []
    parts += [f"made from {shown(lineage.parent)[:8]}"] if lineage.parent else []
    stars = "*" * entry.rating + (" favourite" if entry.favourite else "")
    lines = [f"{entry.id}  {stars}".rstrip(), ", ".join(part for part in parts if part)]
    return lines + [shown(line) for line in entry.notes.splitlines()]


def _sound(library: Library, what: str) -> Entry | Preset | Target:
    from myna.audio.target import target_from_file
    from myna.render import find_preset

    if os.path.exists(what) and not what.lower().endswith(".json"):
        return target_from_file(what)
    if not os.path.exists(what):
        try:
            return library.get(what)
        except UsageError:
            pass  # then it is a name
    return find_preset(what, library.table.synth)
