"""The job `import`: zip files of presets, as they were uploaded, into the library.

The request: `library` (its file) and `names` (of the uploads, for people), with `upload_0.zip`, `upload_1.zip`, … as
files. The result: `new`, `known`, `refused` (some sentences) and `refused_count`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from myna.errors import MynaError
from myna.library import open_library
from myna.library.importing import Imported, import_zip

__all__ = ["run"]

TOLD = 20
"""Sentences on what was left out, at most."""


def run(request: Mapping[str, Any], desk: Any) -> dict[str, Any]:
    """Import; what was kept when it is stopped or killed stays."""
    found: list[Imported] = []
    refused: list[str] = []
    with open_library(request["library"]) as library:
        for place, name in enumerate(request["names"]):
            data = (desk.folder / f"upload_{place}.zip").read_bytes()
            desk.tell(says=f"Importing {name}")
            try:
                found.append(import_zip(library, data, name, _teller(desk), desk.stopped))
            except MynaError as error:
                refused.append(str(error))
            if desk.stopped():
                break
    refused += [sentence for one in found for sentence in one.refused]
    return {
        "new": sum(len(one.ids) for one in found),
        "known": sum(one.known for one in found),
        "refused": refused[:TOLD],
        "refused_count": len(refused),
        "stopped": desk.stopped(),
    }


def _teller(desk: Any) -> Any:
    return lambda done, total: desk.tell(done=done, total=total)
