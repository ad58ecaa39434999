"""The verbs of `myna library` that change it or copy out of it: add, import, export, tag, remove."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from myna.cli.arguments import UNSAID, Argument, chosen, named, names, one_or_more, whole
from myna.cli.library_options import Filtered, Shared, on_stderr
from myna.cli.messages import print_json, say, shown
from myna.errors import MynaError, UsageError

if TYPE_CHECKING:
    from myna.library import Library

__all__ = ["Add", "Export", "Import", "Remove", "Tag"]

Ids = Annotated[tuple[str, ...], Argument, UNSAID]


@dataclass(frozen=True, kw_only=True)
class Add(Shared):
    """Add presets, and remember where they came from.

    Example: myna library add mine.json "Felt Upright"
    """

    presets: Annotated[tuple[str, ...], Argument, one_or_more("PRESET…"), UNSAID]
    """preset files (beside `match.json`, with the story of their match), or names of factory presets"""

    def run(self) -> int:
        """Print a line for each; 0."""
        from myna.library import Lineage
        from myna.library.lineage import file_lineage
        from myna.render import find_preset

        with self.open() as library:
            found = [
                (find_preset(one), file_lineage(one) if os.path.exists(one) else Lineage("factory"))
                for one in self.presets
            ]
            kept = library.add_many(found)
        if self.json:
            print_json([{"id": entry_id, "new": is_new} for entry_id, is_new in kept])
        for (preset, _), (entry_id, is_new) in [] if self.json else zip(found, kept, strict=True):
            print(f"{entry_id[:8]}  {shown(preset.name)}{'' if is_new else ' (was there already)'}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Import(Shared):
    """Import presets from folders and zip files; what is there already is left as it is.

    Example: myna library import presets/ pack.zip
    """

    paths: Annotated[tuple[str, ...], Argument, one_or_more("PATH…"), UNSAID]
    """folders, zip files or preset files"""

    def run(self) -> int:
        """Print how many came, and on stderr which did not; 0, or 3 if some could not be read."""
        from myna.library.importing import import_presets

        with self.open() as library:
            found = [import_presets(library, path, on_stderr("importing")) for path in self.paths]
        ids = [entry_id for one in found for entry_id in one.ids]
        known, refused = sum(one.known for one in found), [sentence for one in found for sentence in one.refused]
        if self.json:
            print_json({"ids": ids, "known": known, "refused": refused})
        else:
            print(f"{len(ids):,} new presets, {known:,} were there already, {len(refused):,} could not be read")
        for sentence in [] if self.json else refused:
            say(sentence)
        return MynaError.exit_code if refused else 0


@dataclass(frozen=True, kw_only=True)
class Export(Filtered):
    """Write presets as files into a folder, or as one zip file.

    Example: myna library export --tag favourite --out pack.zip
    """

    ids: Ids = ()
    """ids; all that fit the options if absent"""
    search: Annotated[str, named("WORDS")] = ""
    """only presets with these words"""
    out: Annotated[str, named("DIR|FILE.zip")]
    """where they go; nothing is overwritten"""

    def run(self) -> int:
        """Write them and say how many; 0."""
        from myna.library.exporting import export_folder, export_zip
        from myna.library.query import find_ids

        with self.open() as library:
            ids = _whole_ids(library, self.ids) or find_ids(library, self.filters(self.search))
            if self.out.lower().endswith(".zip"):
                count = export_zip(library, ids, self.out)
            else:
                count = len(export_folder(library, ids, self.out))
        if self.json:
            print_json({"out": self.out, "presets": count})
        else:
            print(f"{count:,} presets → {shown(self.out)}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Tag(Filtered):
    """Tag, rate and annotate presets: those that are named, or all that fit the options.

    Example: myna library tag --category bass --add dark
    """

    ids: Ids = ()
    """ids"""
    search: Annotated[str, named("WORDS")] = ""
    """only presets with these words"""
    add: Annotated[tuple[str, ...], names("TAG,…"), UNSAID] = ()
    """tags to add"""
    remove: Annotated[tuple[str, ...], names("TAG,…"), UNSAID] = ()
    """tags to take away"""
    favourite: Annotated[str | None, chosen(("yes", "no")), UNSAID] = None
    """make them favourites, or not"""
    rate: Annotated[int | None, whole(0, 5), UNSAID] = None
    """their rating; 0 for none"""
    notes: Annotated[str | None, named("TEXT")] = None
    """notes of a single preset, in place of those it has"""

    def run(self) -> int:
        """Change them and say how many; 0."""
        from myna.library import bulk
        from myna.library.query import Filters, find_ids

        filters = self.filters(self.search)
        if not self.ids and filters == Filters():
            raise UsageError("name presets by their ids, or choose some with --search, --category, --tag or others.")
        if self.notes is not None and len(self.ids) != 1:
            raise UsageError("--notes are of one preset: name it by its id.")
        with self.open() as library:
            ids = _whole_ids(library, self.ids) or find_ids(library, filters)
            if self.add or self.remove:
                bulk.tag(library, ids, self.add, self.remove)
            if self.favourite is not None:
                bulk.favour(library, ids, self.favourite == "yes")
            if self.rate is not None:
                bulk.rate(library, ids, self.rate)
            if self.notes is not None:
                library.update(ids[0], notes=self.notes)
        if self.json:
            print_json({"ids": ids})
        else:
            print(f"{len(ids):,} presets changed")
        return 0


@dataclass(frozen=True, kw_only=True)
class Remove(Shared):
    """Remove presets from the library.

    Example: myna library remove 3f2a
    """

    ids: Annotated[tuple[str, ...], Argument, one_or_more("ID…"), UNSAID]
    """ids, or the first four digits or more of them"""

    def run(self) -> int:
        """Remove them and say how many; 0."""
        with self.open() as library:
            ids = _whole_ids(library, self.ids)
            count = library.remove(ids)
        if self.json:
            print_json({"ids": ids})
        else:
            print(f"{count:,} presets removed")
        return 0


def _whole_ids(library: Library, starts: tuple[str, ...]) -> list[str]:
    """Ids from their beginnings, each once; raises as `Library.get` where one is unknown."""
    return list(dict.fromkeys(library.find_id(start) for start in starts))
