"""What a session is about to export: presets in the order in which they were put in, and how they are played."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from myna.app.jobs import Job, the_jobs
from myna.app.shelf import LIBRARY
from myna.app.state import held
from myna.errors import MynaError, UsageError
from myna.exporting import ExportSettings
from myna.presets import Preset

__all__ = ["MOST_BYTES", "MOST_FILES", "Basket", "basket", "begin_export", "go_on", "library_presets", "weight"]

MOST_FILES, MOST_BYTES = 2000, 400 << 20
"""Of one export in the app: it lies on the disk twice, and once in memory while it is downloaded."""
BYTES_PER_SAMPLE = {"wav": 2, "wav-float": 4, "flac": 3}
SYNTH = "serum-lite"


@dataclass
class Basket:
    """Presets by the names under which they are shown; two of one name get a number."""

    presets: dict[str, Preset] = field(default_factory=dict)

    def add(self, presets: Iterable[Preset]) -> None:
        """Put presets in; those that are in already, sound and name alike, are not put in again."""
        for preset in presets:
            name, count = preset.name, 1
            while name in self.presets and self.presets[name] != preset:
                count += 1
                name = f"{preset.name} · {count}"
            self.presets[name] = preset

    def keep(self, names: Iterable[str]) -> None:
        """Leave only these."""
        wanted = set(names)
        self.presets = {name: preset for name, preset in self.presets.items() if name in wanted}


def basket() -> Basket:
    """The session's basket."""
    return held("export.basket", Basket)


def weight(presets: int, settings: ExportSettings) -> tuple[int, int]:
    """How many files there will be, and about how many bytes."""
    files = presets * len(settings.probes())
    each = 2 * settings.total_s * settings.sample_rate * BYTES_PER_SAMPLE[settings.format]
    return files, round(files * each)


def begin_export(presets: list[Preset], settings: ExportSettings) -> Job:
    """Start an export in the background.

    Raises:
        UsageError: nothing to export, or too much.
        MynaError: the app is busy.
    """
    from dataclasses import asdict

    from myna.app.export_job import PRESETS, packed

    if not presets:
        raise UsageError("There is nothing to export: put some presets in first.")
    files, size = weight(len(presets), settings)
    if files > MOST_FILES or size > MOST_BYTES:
        raise UsageError(
            f"These are {files:,} files of about {size / 1e6:,.0f} MB: the app exports {MOST_FILES:,} files and"
            f" {MOST_BYTES / 1e6:,.0f} MB at once, and `myna export` any number."
        )
    request = {"settings": asdict(settings), "synth": SYNTH, "goes_on": None}
    return the_jobs().start("export", request, {PRESETS: packed(presets)})


def go_on(job: Job) -> Job:
    """Go on with an export that was stopped or failed: a new job, which takes over what is there.

    Raises:
        MynaError: its presets are gone, or the app is busy.
    """
    from myna.app.export_job import OUT, PRESETS

    presets = job.read(PRESETS)
    if presets is None:
        raise MynaError("The presets of this export are gone: start it again.")
    return the_jobs().start("export", {**job.request, "goes_on": str(job.folder / OUT)}, {PRESETS: presets})


def library_presets(words: str, favourites: bool, most: int) -> list[Preset]:
    """Presets of the user's library that fit, by name; the installation must have a library.

    Raises:
        MynaError: it cannot be read.
    """
    library, query = importlib.import_module(LIBRARY), importlib.import_module(f"{LIBRARY}.query")
    with library.open_library() as shelf:
        wanted = query.Filters(words=words, favourite=True if favourites else None)
        rows = query.find(shelf, wanted, limit=most).rows
        return [shelf.get(row.id).preset for row in rows]
