"""Data sets: rows of presets, how they sound, and how far they are from others of their group.

Shapes: N rows, P parameters, D numbers of a summary, G goals of a row, K terms of the loss.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load

from myna.envs.summary import SIZE
from myna.errors import MynaError, UsageError, printable
from myna.files import sha256_hex
from myna.params import ParameterTable
from myna.synth.registry import synth_table
from myna.training.manifest import TERMS, Manifest, Shard, read_manifest, shard_name, statistics_digest

__all__ = ["SOURCES", "DataSet", "Fields", "read_shard", "row_bytes", "row_fields"]

SOURCES = {"default": 0, "drawn": 1, "target": 2, "search": 3}
"""What a row's preset is: the synth's default, a draw, a draw that a search aimed at, or what was tried on the way."""

Fields = Mapping[str, tuple[torch.dtype, tuple[int, ...]]]
"""Name → type and shape of what one row holds."""


def row_fields(parameters: int, goals: int) -> Fields:
    """See `DataSet`."""
    return {
        "u": (torch.float32, (parameters,)),
        "summary": (torch.float16, (SIZE,)),
        "played": (torch.float32, (3,)),
        "group": (torch.int32, ()),
        "loss": (torch.float16, ()),
        "source": (torch.uint8, ()),
        "goals": (torch.int32, (goals,)),
        "judged": (torch.float16, (goals, len(TERMS))),
    }


def row_bytes(parameters: int, goals: int) -> int:
    """Bytes of a row."""
    return sum(kind.itemsize * math.prod(shape) for kind, shape in row_fields(parameters, goals).values())


class DataSet:
    """Rows in memory: `data["summary"]` is a tensor of all of them.

    | name | type and shape | what |
    | --- | --- | --- |
    | `u` | float32 (N, P) | the preset, discrete knobs at bin centres: exactly what was rendered |
    | `summary` | float16 (N, D) | what it sounds like, `envs.summary` standardised, not clipped |
    | `played` | float32 (N, 3) | note / 127, velocity / 127, share of the length that is held |
    | `group` | int32 (N,) | rows of one group lie side by side and share their probe: any is a goal for any other |
    | `loss` | float16 (N,) | of a search's rows: the full loss to its target; else NaN |
    | `source` | uint8 (N,) | one of `SOURCES` |
    | `goals` | int32 (N, G) | other rows of the group, all different; of a search, its target first |
    | `judged` | float16 (N, G, K) | the training loss towards each goal, term by term, in the order of `terms` |

    Attributes:
        table: of the synth.
        terms: K names; the last one is their sum, `total`.
        tensors: by name.
        manifests: of the folders that were opened.

    Example:
        >>> # data = DataSet.open("out/bank")
        >>> # train, held_out = data.split(0.05, generator(0, "regression", "split"))
        >>> # data["summary"][train[:64]].float()  → (64, D)
    """

    def __init__(
        self, tensors: Mapping[str, torch.Tensor], manifests: Sequence[Manifest], table: ParameterTable
    ) -> None:
        """See `open`."""
        self.tensors, self.manifests, self.table, self.terms = dict(tensors), tuple(manifests), table, TERMS

    @classmethod
    def open(cls, *folders: str | os.PathLike[str]) -> DataSet:
        """Read whole data sets into memory, several as one; groups and goals are counted on from one to the next.

        Raises:
            UsageError: no folder, or folders whose rows are unlike.
            MynaError: no data set, one without rows or with a damaged shard, or one whose synth or statistics are not
                this myna's.
            IncompatibleVersionError: a newer myna wrote it.
        """
        if not folders:
            raise UsageError("There is no data set to open: name a folder.")
        paths = [Path(folder) for folder in folders]
        manifests = [read_manifest(path) for path in paths]
        table = synth_table(manifests[0].origin.synth)
        for path, manifest in zip(paths, manifests, strict=True):
            _check(path, manifest, table, manifests[0])
        fields = row_fields(len(table), manifests[0].goals)
        total = sum(manifest.rows for manifest in manifests)
        tensors = {name: torch.empty((total, *shape), dtype=kind) for name, (kind, shape) in fields.items()}
        row = group = 0
        for path, manifest in zip(paths, manifests, strict=True):
            for rows in _shards(path, manifest, fields, tensors, row):
                tensors["group"][rows] += group
                tensors["goals"][rows] += row
            row, group = row + manifest.rows, group + manifest.groups
        return cls(tensors, manifests, table)

    def __len__(self) -> int:
        """Number of rows, N."""
        return len(self.tensors["u"])

    def __getitem__(self, name: str) -> torch.Tensor:
        """All rows of one name.

        Raises:
            UsageError: no such name.
        """
        if name not in self.tensors:
            raise UsageError(f"A data set holds no '{printable(name)}'; choose from {', '.join(self.tensors)}.")
        return self.tensors[name]

    def split(self, held_out_share: float, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Row numbers to learn from and to be judged by, int64, in order; a group is wholly in one of them.

        Args:
            held_out_share: of the groups, rounded, in (0, 1); at least one group on either side.
            rng: chooses the groups.

        Raises:
            UsageError: a share out of range, or a single group.
        """
        groups = sum(manifest.groups for manifest in self.manifests)
        if not 0.0 < held_out_share < 1.0:
            raise UsageError(f"The share that is held out must lie between 0 and 1; got {held_out_share:g}.")
        if groups < 2:
            raise UsageError("A data set of one group cannot be split: collect more rows.")
        count = min(max(1, round(held_out_share * groups)), groups - 1)
        kept = np.zeros(groups, bool)
        kept[rng.permutation(groups)[:count]] = True
        held = torch.from_numpy(kept)[self.tensors["group"].long()]
        return (~held).nonzero()[:, 0], held.nonzero()[:, 0]


def _check(path: Path, manifest: Manifest, table: ParameterTable, first: Manifest) -> None:
    """Refuse rows that mean something else here, or that cannot lie beside the first folder's."""
    where, origin = printable(os.fspath(path)), manifest.origin
    if origin.parameters != table.digest:
        raise MynaError(f"{where} was collected with other parameters of {printable(origin.synth)}: collect it again.")
    if origin.statistics != statistics_digest():
        raise MynaError(f"{where} was standardised by other statistics than this myna's: collect it again.")
    if origin.terms != TERMS:
        raise MynaError(f"{where} was judged by other terms of the loss than this myna's: collect it again.")
    if not manifest.rows:
        raise MynaError(f"{where} holds no rows yet: go on with `myna collect --resume`.")
    if (manifest.goals, origin.synth) != (first.goals, first.origin.synth):
        raise UsageError(
            f"{where} has {manifest.goals} goals a row and the first data set {first.goals}: open them apart."
        )


def _shards(
    path: Path, manifest: Manifest, fields: Fields, tensors: Mapping[str, torch.Tensor], row: int
) -> Iterator[slice]:
    """Read shard after shard into its place; yields where."""
    for number, shard in enumerate(manifest.shards):
        rows = slice(row, row + shard.rows)
        for name, values in read_shard(path, number, shard, fields).items():
            tensors[name][rows] = values
        row += shard.rows
        yield rows


def read_shard(folder: Path, number: int, shard: Shard, fields: Fields) -> dict[str, torch.Tensor]:
    """The rows of one file, name → (rows, …).

    Args:
        folder: of the data set.
        number: of the file.
        shard: what the manifest says of it.
        fields: what a row holds, see `row_fields`.

    Raises:
        MynaError: it is missing, or not what was written.
    """
    path = folder / shard_name(number)
    try:
        data = path.read_bytes()
        found = load(data) if sha256_hex(data) == shard.sha256 else {}
    except (OSError, ValueError, SafetensorError):
        found = {}
    expected = {name: (kind, (shard.rows, *shape)) for name, (kind, shape) in fields.items()}
    if {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in found.items()} != expected:
        where = printable(os.fspath(path))
        raise MynaError(f"{where} is missing or damaged: make it again with `myna collect --resume`.")
    return found
