"""The job `export`: presets in the job's folder; sounds, their log and the contact sheet in `out/`, and all as a zip.

The request: `settings` (of `ExportSettings`), `synth`, and `goes_on`, the folder of an export that was stopped, whose
sounds are taken over, or null. The file given: `presets.json`, a list of presets as JSON texts.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from myna.exporting import ExportSettings
from myna.presets import Preset, dumps

__all__ = ["OUT", "PRESETS", "ZIP", "packed", "run", "settings_of"]

PRESETS, OUT, ZIP = "presets.json", "out", "export.zip"


def packed(presets: Sequence[Preset]) -> bytes:
    """Presets as the job reads them."""
    return json.dumps([dumps(preset) for preset in presets]).encode("utf-8")


def settings_of(told: Mapping[str, Any]) -> ExportSettings:
    """Settings as JSON held them.

    Raises:
        UsageError: something of them cannot be.
    """
    notes, velocities = tuple(told["notes_midi"]), tuple(told["velocities"])
    return ExportSettings(**{**told, "notes_midi": notes, "velocities": velocities})


def run(request: Mapping[str, Any], desk: Any) -> dict[str, Any]:
    """Export, and pack what is there; a stop keeps what is done.

    Args:
        request: see the module.
        desk: the worker's `Desk`.

    Raises:
        MynaError: the presets or settings cannot be used, or the disk is full.
    """
    from myna.export_zip import zip_export
    from myna.exporting import export

    out = desk.folder / OUT
    _take_over(request.get("goes_on"), out)
    settings, presets = settings_of(request["settings"]), _presets(desk.folder / PRESETS, request["synth"])
    found = export(presets, out, settings, progress=_teller(desk), stop=desk.stopped)
    desk.tell(says="Packing")
    zip_export(out, desk.folder / ZIP)
    total = len(presets) * len(settings.probes())
    return {
        "count": len(found),
        "total": total,
        "bytes": (desk.folder / ZIP).stat().st_size,
        "stopped": len(found) < total,
    }


def _take_over(before: str | None, out: Path) -> None:
    """Let the sounds of an export that was stopped be this one's; where they are gone it begins anew."""
    if before is not None and not out.exists():
        with contextlib.suppress(OSError):
            Path(before).rename(out)


def _presets(path: Path, synth: str) -> list[Preset]:
    from myna.presets import loads
    from myna.synth.registry import synth_table

    table = synth_table(synth)
    return [loads(text, table) for text in json.loads(path.read_bytes())]


def _teller(desk: Any) -> Any:
    return lambda done, total: desk.tell(done=done, total=total, says="Playing")
