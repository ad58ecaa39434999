"""What a training's evaluations sound and look like, as `myna.training.media` left it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from myna.runs.listing import Run
from myna.runs.reading import read_file

__all__ = ["KINDS", "Saved", "saved_episodes"]

KINDS = ("target.flac", "match.flac", "spectrogram.png", "knobs.png")
_STEP = re.compile(r"step-(\d{12})")
_FILE = re.compile(rf"([a-z0-9_]{{1,32}})-({'|'.join(map(re.escape, KINDS))})")
_MOST_STEPS, _MOST_FILES, _LARGEST = 64, 256, 16 << 20


@dataclass(frozen=True)
class Saved:
    """An episode of an evaluation.

    Attributes:
        step: of the training.
        slot: `best`, `worst`, `fixed_1`, …
        files: one of KINDS → where it lies.
    """

    step: int
    slot: str
    files: Mapping[str, Path]

    def read(self, kind: str) -> bytes | None:
        """The content of one of its files; None where it has none of that kind.

        Raises:
            MynaError: it is gone meanwhile, or no file of a bearable size.
        """
        return read_file(self.files[kind], _LARGEST) if kind in self.files else None


def saved_episodes(run: Run) -> list[Saved]:
    """Those that are on disk, the newest step first; no more than the last 64 steps."""
    folder = run.path / "media"
    steps = sorted((name for name in _names(folder) if _STEP.fullmatch(name)), reverse=True)[:_MOST_STEPS]
    found = []
    for name in steps:
        slots: dict[str, dict[str, Path]] = {}
        for file in sorted(_names(folder / name))[:_MOST_FILES]:
            match = _FILE.fullmatch(file)
            if match is not None:
                slots.setdefault(match.group(1), {})[match.group(2)] = folder / name / file
        found += [Saved(int(name.removeprefix("step-")), slot, files) for slot, files in slots.items()]
    return found


def _names(folder: Path) -> list[str]:
    """Of what lies in a folder; nothing where it is a link or not there."""
    try:
        return [] if folder.is_symlink() else os.listdir(folder)
    except OSError:
        return []
