"""A preset: physical values by name for one synth, with its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from myna.params import ParameterTable

__all__ = ["CATEGORIES", "FORMAT_VERSION", "Preset"]

FORMAT_VERSION = 1
CATEGORIES = (
    "bass",
    "lead",
    "pad",
    "pluck",
    "keys",
    "brass",
    "strings",
    "organ",
    "bell",
    "drum",
    "fx",
    "vocal",
    "other",
)


@dataclass(frozen=True)
class Preset:
    """What a producer saves.

    Attributes:
        synth: id of the synth that the values belong to.
        values: parameter name → physical value (choices by name, booleans as bool).
        name, author, category, tags, description: metadata; category is one of CATEGORIES.
    """

    synth: str
    values: Mapping[str, Any]
    name: str = "Untitled"
    author: str = "myna"
    category: str = "other"
    tags: tuple[str, ...] = ()
    description: str = ""
    format_version: int = field(default=FORMAT_VERSION)

    def u(self, table: ParameterTable) -> np.ndarray:
        """Normalised values, (P,); names left out take their defaults."""
        return table.encode(table.from_dict(self.values))

    @classmethod
    def from_u(cls, table: ParameterTable, u: np.ndarray, **metadata: Any) -> Preset:
        """A preset from normalised values (P,) and metadata by keyword."""
        return cls(table.synth, table.to_dict(table.decode(u)), **metadata)
