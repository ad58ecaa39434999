"""Where matched presets came from: as the matcher returns it, or as `myna match` left it on disk."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myna.errors import MynaError, printable
from myna.library.entry import Lineage
from myna.presets.strict_json import MAX_BYTES, parse

if TYPE_CHECKING:
    from myna.matching import MatchResult

__all__ = ["file_lineage", "match_lineage"]


def match_lineage(result: MatchResult, loss: float | None = None, parent: str | None = None) -> Lineage:
    """Of a preset that a match found.

    Args:
        result: of the match.
        loss: of the preset where it is an alternative; the best's if absent.
        parent: id of the entry that the match began from.
    """
    loss = result.loss if loss is None else loss
    return _matched(result.target.name, loss, result.settings.agent, result.renders, parent)


def file_lineage(path: str | os.PathLike[str]) -> Lineage:
    """Of a preset file: that of its match, where `myna match` left `match.json` beside `preset.json`; else the file."""
    file = Path(path)
    told = _read(file.with_name("match.json")) if file.name == "preset.json" else {}
    target, agent, renders, loss = (told.get(name) for name in ("target", "agent", "renders", "loss"))
    if not isinstance(target, str) or not isinstance(agent, str) or type(renders) is not int or renders < 0:
        return Lineage("import", printable(file.name, 200))
    return _matched(Path(target).name, loss if isinstance(loss, int | float) else math.nan, agent, renders)


def _matched(target: str, loss: float, agent: str, renders: int, parent: str | None = None) -> Lineage:
    sound = float(loss) if math.isfinite(loss) and loss >= 0 else None
    return Lineage("match", printable(target, 200), sound, printable(agent, 80), renders, parent)


def _read(path: Path) -> dict[str, Any]:
    """What a file says of its match; nothing where there is no such file, or it is not to be trusted."""
    try:
        with open(path, "rb") as file:
            return parse(file.read(MAX_BYTES + 1), printable(str(path)))
    except (OSError, MynaError):
        return {}
