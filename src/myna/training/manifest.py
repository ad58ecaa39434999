"""The manifest of a data set: how its rows were made, and which shards hold them.

`manifest.json` stands beside `shard-00000.safetensors`, `shard-00001.safetensors`, …:
`{"format": "myna-dataset", "version": 1, "origin": {"kind": "random", "seed": 0, …}, "shards": [{"rows": 4096,
"groups": 64, "sha256": "…"}]}`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from myna.envs import statistics
from myna.errors import IncompatibleVersionError, MynaError, printable
from myna.files import sha256_hex, write_atomic
from myna.loss import TRAINING_LOSS

__all__ = ["MANIFEST", "TERMS", "Manifest", "Origin", "Shard", "read_manifest", "shard_name", "statistics_digest"]

FORMAT, VERSION = "myna-dataset", 1
MANIFEST = "manifest.json"
_LARGEST_BYTES = 1 << 24
TERMS = (*TRAINING_LOSS.weights, *TRAINING_LOSS.penalties, "broken", "total")
"""What a goal's judgement is made of, in order: the observation's terms, and their sum."""


def shard_name(number: int) -> str:
    """File name of a shard, counted from 0."""
    return f"shard-{number:05d}.safetensors"


def statistics_digest() -> str:
    """SHA-256 of the figures that summaries are standardised by, 64 hex digits."""
    return sha256_hex(statistics.PATH.read_bytes())


@dataclass(frozen=True)
class Origin:
    """All that the bits of the rows hang on.

    Attributes:
        kind: see `collect.Settings`.
        seed: of all draws.
        settings: what else was asked for, by name.
        synth: that made the sounds, `sample_rate` in Hz.
        parameters: digest of the synth's table.
        engine: hash of the synth's sources.
        statistics: digest of what summaries are standardised by.
        terms: names of the columns of `judged`.
    """

    kind: str
    seed: int
    settings: Mapping[str, Any]
    synth: str
    sample_rate: int
    parameters: str
    engine: str
    statistics: str
    terms: tuple[str, ...] = TERMS

    def differs_in(self, other: Origin) -> str | None:
        """The first thing that is not alike, as this one has it: `seed 3`; None where all is."""
        own, others = ({**vars(one), **one.settings, "settings": None} for one in (self, other))
        name = next((name for name in own if own[name] != others.get(name)), None)
        return None if name is None else f"{name} {printable(str(own[name]), 24)}"


@dataclass(frozen=True)
class Shard:
    """One file: its rows, how many groups they are of, and the SHA-256 of its bytes."""

    rows: int
    groups: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A data set's rows and where they are."""

    origin: Origin
    shards: tuple[Shard, ...] = field(default=())

    @property
    def rows(self) -> int:
        """Rows of all shards."""
        return sum(shard.rows for shard in self.shards)

    @property
    def groups(self) -> int:
        """Groups of all shards."""
        return sum(shard.groups for shard in self.shards)

    @property
    def goals(self) -> int:
        """Goals of each row, G."""
        return self.origin.settings["goals"]

    def write(self, folder: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            MynaError: it cannot be written.
        """
        content = {"format": FORMAT, "version": VERSION, **asdict(self)}
        write_atomic(folder / MANIFEST, json.dumps(content, indent=1, allow_nan=False) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Read what `Manifest.write` wrote.

    Raises:
        MynaError: no such file, or not one of a data set.
        IncompatibleVersionError: a newer myna wrote it.
    """
    where = printable(os.fspath(folder))
    try:
        with (folder / MANIFEST).open("rb") as file:
            data = file.read(_LARGEST_BYTES)
        content = json.loads(data)
        if content["format"] != FORMAT:
            raise ValueError("another format")
        if content["version"] != VERSION:
            raise IncompatibleVersionError(
                f"{where} is a data set of version {content['version']}, and this myna reads"
                f" version {VERSION}: collect it again or install that myna."
            )
        origin = {**content["origin"], "terms": tuple(content["origin"]["terms"])}
        manifest = Manifest(Origin(**origin), tuple(_shard(shard) for shard in content["shards"]))
        if type(manifest.goals) is not int:
            raise ValueError("no count of goals")
        return manifest
    except FileNotFoundError:
        raise MynaError(f"{where} holds no data set: make one with `myna collect --out {where}`.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MynaError(f"The manifest of {where} cannot be read: collect into another folder.") from error


def _shard(said: Mapping[str, Any]) -> Shard:
    shard = Shard(**said)
    if type(shard.rows) is not int or type(shard.groups) is not int or not 1 <= shard.groups <= shard.rows:
        raise ValueError("no counts")
    return shard
