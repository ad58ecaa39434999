"""Weights of learned agents: a safetensors file and beside it a card that says what they are, and what they fit.

    NAME.safetensors    the tensors
    NAME.json           the card

The card ties them to a table of parameters and to what their networks read, so that weights which would silently
play another synth, or hear with other ears, are refused. Nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from myna.envs.observation import Part
from myna.envs.statistics import PATH as STATISTICS
from myna.errors import IncompatibleVersionError, MynaError, UsageError, printable
from myna.files import sha256_hex, write_atomic
from myna.params import ParameterTable

__all__ = ["FOLDER", "Weights", "as_carded", "fits", "load_weights", "packaged", "parts_of", "save_weights"]

FOLDER = Path(__file__).parent / "weights"
"""Those that come with the package."""
FORMAT = 1
_MOST_BYTES = {".json": 1 << 20, ".safetensors": 1 << 29}


@dataclass(frozen=True)
class Weights:
    """Tensors (float32, or as they were stored where no half), and the card: what is known of them."""

    tensors: Mapping[str, torch.Tensor]
    card: Mapping[str, Any]


def parts_of(parts: Sequence[Part]) -> list[list[Any]]:
    """Parts of an observation as a card tells them: name and shape."""
    return [[part.name, list(part.shape)] for part in parts]


def fits(kind: str | tuple[str, ...], table: ParameterTable, reads: list[list[Any]]) -> dict[str, Any]:
    """The part of a card that must be equal for weights to be used.

    Args:
        kind: of agent, as `regression`; several, where any of them will do.
        table: of the synth.
        reads: what the networks read, see `parts_of`.
    """
    return {
        "kind": kind,
        "synth": table.synth,
        "table": table.digest,
        "reads": reads,
        "statistics": _statistics_hash(),
    }


@functools.cache
def _statistics_hash() -> str:
    return hashlib.sha256(STATISTICS.read_bytes()).hexdigest()[:16]


def packaged() -> list[str]:
    """Names of the weights that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def save_weights(
    path: Path | str, tensors: Mapping[str, torch.Tensor], card: Mapping[str, Any], half: bool = False
) -> None:
    """Write `path`.safetensors and `path`.json, each whole or not at all.

    Args:
        path: with or without the suffix; its folder must exist.
        tensors: by name.
        card: plain data with what `fits` gives, and whatever else is worth knowing.
        half: store floats in half precision.

    Raises:
        MynaError: they cannot be written.
    """
    stem = _stem(path)
    stored = {name: _stored(tensor, half) for name, tensor in tensors.items()}
    data = save(stored)
    full = {"format": FORMAT, **card, "sha256": sha256_hex(data)}
    write_atomic(stem.with_name(f"{stem.name}.safetensors"), data)
    write_atomic(stem.with_name(f"{stem.name}.json"), json.dumps(full, indent=1) + "\n")


def _stored(tensor: torch.Tensor, half: bool) -> torch.Tensor:
    kind = torch.float16 if half and tensor.is_floating_point() else tensor.dtype
    return tensor.detach().to("cpu", kind, copy=True).contiguous()


def load_weights(name: str | Path, expected: Mapping[str, Any] | None = None) -> Weights:
    """Read weights.

    Args:
        name: of packaged ones, or a path with or without the suffix.
        expected: what the card must say, see `fits`.

    Raises:
        UsageError: none of that name.
        MynaError: a file that cannot be read, or is damaged.
        IncompatibleVersionError: of a newer myna, or for another synth, table or observation.
    """
    stem = _found(name)
    card = _card(_read(stem, ".json"), stem)
    if card["format"] > FORMAT:
        raise IncompatibleVersionError(f"The weights {_shown(stem)} were written by a newer myna: update this one.")
    for key, value in (expected or {}).items():
        if card.get(key) not in (value if isinstance(value, tuple) else (value,)):
            raise IncompatibleVersionError(_misfit(stem, key, card.get(key), value))
    data = _read(stem, ".safetensors")
    if sha256_hex(data) != card.get("sha256"):
        raise MynaError(f"The weights {_shown(stem)} are not those that their card describes: copy both files again.")
    try:
        tensors = load(data)
    except SafetensorError:
        raise MynaError(f"The weights {_shown(stem)} are damaged: copy them again.") from None
    halves = (torch.float16, torch.bfloat16)
    return Weights({key: t.float() if t.dtype in halves else t for key, t in tensors.items()}, card)


@contextlib.contextmanager
def as_carded(name: str | Path) -> Iterator[None]:
    """Build networks in it as the card tells: a card that tells wrong is refused in a sentence.

    Raises:
        MynaError: the card lacks something, or tells of other networks than the tensors are of.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, RuntimeError, UsageError):
        raise MynaError(
            f"The card of the weights {_shown(_stem(name))} does not tell what they are: copy both files again."
        ) from None


def _stem(path: Path | str) -> Path:
    path = Path(path)
    return path.with_suffix("") if path.suffix in _MOST_BYTES else path


def _found(name: str | Path) -> Path:
    for stem in (FOLDER / name if len(Path(name).parts) == 1 else None, _stem(name)):
        if stem is not None and os.path.isfile(stem.with_name(f"{stem.name}.safetensors")):
            return stem
    known = ", ".join(packaged()) or "none yet"
    raise UsageError(f"There are no weights “{printable(str(name))}”: give a path, or one of the package ({known}).")


def _read(stem: Path, suffix: str) -> bytes:
    path = stem.with_name(stem.name + suffix)
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES[suffix] + 1)
    except OSError as error:
        raise MynaError(f"Cannot read {printable(str(path))}: {error.strerror}.") from None
    if len(data) > _MOST_BYTES[suffix]:
        raise MynaError(f"{printable(str(path))} is larger than weights can be: choose another file.")
    return data


def _card(data: bytes, stem: Path) -> dict[str, Any]:
    try:
        card = json.loads(data)
    except (ValueError, RecursionError):
        card = None
    if not isinstance(card, dict) or not isinstance(card.get("format"), int):
        raise MynaError(f"The card of the weights {_shown(stem)} is no card: copy it again.")
    return card


def _misfit(stem: Path, key: str, found: Any, wanted: Any) -> str:
    if key in ("kind", "synth"):
        wanted = " or ".join(wanted) if isinstance(wanted, tuple) else wanted
        return f"The weights {_shown(stem)} are for the {key} “{printable(str(found))}”, not “{wanted}”: choose others."
    words = {"table": "another table of parameters", "reads": "another observation"}
    return f"The weights {_shown(stem)} are for {words.get(key, f'other {key}')}: train them again, or choose others."


def _shown(stem: Path) -> str:
    return f"“{printable(stem.name)}”"
