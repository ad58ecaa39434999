"""What the library keeps: presets as they were saved, what people say of them, and where they came from."""

from __future__ import annotations

import functools
import json
import math
import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from myna.errors import BadPresetError, UsageError, printable
from myna.files import sha256_hex
from myna.params import ParameterTable
from myna.presets import Preset
from myna.presets.schema import schema_for

__all__ = [
    "MAX_NOTES",
    "SOURCES",
    "Entry",
    "Lineage",
    "as_json",
    "checked",
    "checked_notes",
    "checked_rating",
    "is_text",
    "natural_key",
    "sound_hashes",
    "stored",
]

SOURCES = ("match", "import", "factory", "synth")
MAX_NOTES = 10_000
"""Characters."""
_SAME = 7
"""Digits after the point of u that make a sound: more is what a way to physical values and back leaves."""


@dataclass(frozen=True)
class Lineage:
    """Where a preset came from.

    Attributes:
        source: one of SOURCES; `synth` is made by hand.
        origin: name of the recording that was matched, or of the file that was imported.
        loss: of the match, at least 0.
        agent: that found it.
        renders: that it took.
        parent: id of the entry that it was made from; that one may be gone by now.

    Raises:
        UsageError: unknown source, or a number that cannot be.
    """

    source: str = "synth"
    origin: str = ""
    loss: float | None = None
    agent: str = ""
    renders: int | None = None
    parent: str | None = None

    def __post_init__(self) -> None:
        """See the class."""
        if self.source not in SOURCES:
            raise UsageError(f"Presets come from {', '.join(SOURCES)}; got {printable(self.source)}.")
        if (self.loss is not None and not 0 <= self.loss < math.inf) or (self.renders or 0) < 0:
            raise UsageError("The loss and the renders of a match are numbers of 0 or more.")
        if not is_text(self.origin + self.agent + (self.parent or "")):
            raise UsageError("Where a preset came from is told in characters; half a surrogate pair is none.")


@dataclass(frozen=True)
class Entry:
    """A preset in the library.

    Attributes:
        id: 32 hex digits, for good.
        preset: with its name, author, category, tags and description.
        lineage: where it came from.
        favourite: whether it is one.
        rating: 1 to 5, or 0 for none.
        notes: free text, at most MAX_NOTES characters.
        created_utc, changed_utc: when it was added and last changed, ISO 8601.
    """

    id: str
    preset: Preset
    lineage: Lineage = field(default_factory=Lineage)
    favourite: bool = False
    rating: int = 0
    notes: str = ""
    created_utc: str = ""
    changed_utc: str = ""


def checked(preset: Preset, table: ParameterTable) -> Preset:
    """The preset as the codec would read it from a file: every value given, and of its own kind.

    Raises:
        BadPresetError: for another synth, or with values or metadata that no preset file may hold.
    """
    shown = printable(preset.name)
    if preset.synth != table.synth:
        raise BadPresetError(f"“{shown}” is a preset for {printable(preset.synth, 40)}, not for {table.synth}.")
    try:
        values = table.to_dict(table.from_dict(preset.values))
    except UsageError as error:
        raise BadPresetError(f"“{shown}”: {error}") from None
    about = {name: getattr(preset, name) for name in ("name", "author", "category", "description")}
    error = next(_metadata(table).iter_errors({**about, "tags": list(preset.tags)}), None)
    if error is not None:
        raise BadPresetError(f"“{shown}”: in {error.path[0]}, {printable(error.message, 160)}.")
    if not is_text("".join((*about.values(), *preset.tags))):
        raise BadPresetError(f"“{shown}” contains half a surrogate pair, which is no character.")
    return replace(preset, values=values, tags=tuple(preset.tags))


@functools.cache
def _metadata(table: ParameterTable) -> Any:
    from jsonschema import Draft202012Validator  # late, as in the codec

    properties = schema_for(table)["properties"]
    kept = {name: properties[name] for name in ("name", "author", "category", "tags", "description")}
    return Draft202012Validator({"type": "object", "properties": kept})


def is_text(text: str) -> bool:
    """Whether a text can be written at all: half a surrogate pair cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def sound_hashes(presets: list[Preset], table: ParameterTable) -> list[str]:
    """For each checked preset a hash of its knobs, the same for twins, see `ParameterTable.canonical`."""
    u = np.reshape([preset.u(table) for preset in presets], (-1, len(table)))
    rows = np.round(table.canonical(u), _SAME) + 0.0  # -0.0 is 0.0
    return [sha256_hex(table.digest.encode() + row.tobytes())[:32] for row in rows]


def stored(preset: Preset) -> dict[str, Any]:
    """The columns of the table `entries` that follow from a checked preset, but for those of its sound."""
    return {
        "name": preset.name,
        "name_key": natural_key(preset.name),
        "author": preset.author,
        "author_key": preset.author.casefold(),
        "category": preset.category,
        "tags": as_json(preset.tags),
        "tag_keys": as_json({tag.casefold(): None for tag in preset.tags}),
        "description": preset.description,
    }


def as_json(items: Any) -> str:
    """Texts as a JSON array, every letter as it is, so that the full-text index reads them."""
    return json.dumps(list(items), ensure_ascii=False)


def natural_key(name: str) -> str:
    """What names are sorted by: without regard to case and accents, `Pad 2` before `Pad 10`.

    >>> sorted(["Pad 10", "pad 2", "Éclat", "Zoo"], key=natural_key)
    ['Éclat', 'pad 2', 'Pad 10', 'Zoo']
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return re.sub(r"[0-9]+", lambda digits: digits[0].lstrip("0").zfill(12), plain)


def checked_notes(notes: str) -> str:
    """The notes, if they can be kept.

    Raises:
        UsageError: too long, or no text.
    """
    if len(notes) > MAX_NOTES or not is_text(notes):
        raise UsageError(f"Notes hold at most {MAX_NOTES:,} characters of text: shorten them.")
    return notes


def checked_rating(rating: int) -> int:
    """The rating, if it is one.

    Raises:
        UsageError: not a whole number from 0 to 5.
    """
    if isinstance(rating, bool) or rating not in range(6):
        raise UsageError(f"A rating is a whole number from 0 (none) to 5; got {rating}.")
    return int(rating)
